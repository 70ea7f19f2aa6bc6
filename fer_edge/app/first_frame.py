"""For how long a run that is to end after some time waits for cameras that have given nothing, and what it says then."""

from __future__ import annotations

import logging
from typing import Optional, Sequence

from fer_edge.errors import FerEdgeError, SourceStalled
from fer_edge.pipeline.lane import Lane, named_failure
from fer_edge.settings import Settings

logger = logging.getLogger("fer_edge")

NOT_YET = "it was still being opened"


class FirstFrame:
    """Bounds the wait for the first frame of a run with ``--duration``, which counts from that frame.

    While there is none, the run has that time as well, from the moment when the stages are ready. Beyond it only a first
    attempt to open a camera is let come to its end, as long as connecting and the first image may take: so the run ends with
    what is wrong with the camera, also where it would be opened again and again.

    Parameters
    ----------
    settings : Settings
        The duration, and the time limits of the cameras.
    """

    def __init__(self, settings: Settings) -> None:
        self._duration = settings.run.duration
        limits = [camera.connect_timeout + camera.first_image_timeout for camera in settings.cameras]
        self._opening = max(limits, default=0.0)
        self._since: Optional[float] = None

    def is_too_late(self, now: float, lanes: Sequence[Lane]) -> bool:
        """Return whether the run is to end. Called while its stages are ready and no camera has given a frame.

        Parameters
        ----------
        now : float
            Monotonic seconds.
        """
        if self._duration is None:
            return False
        self._since = now if self._since is None else self._since
        waited = now - self._since
        if waited < self._duration:
            return False
        return waited >= self._opening or all(lane.last_error is not None for lane in lanes)


def nothing_came(lanes: Sequence[Lane], duration: Optional[float]) -> FerEdgeError:
    """Return the error of a run that ended without a frame: the last one of the first camera that had any."""
    failed = next((lane for lane in lanes if isinstance(lane.last_error, FerEdgeError)), None)
    error = None if failed is None else named_failure(failed, len(lanes) > 1)
    if isinstance(error, FerEdgeError):
        return error
    of = " of any camera" if len(lanes) > 1 else ""
    return SourceStalled(
        f"No picture{of} came within the {duration or 0:g} s that the run had.",
        "Give it longer (--duration), or see what the camera sends with another program.",
    )


def tell_missing(lanes: Sequence[Lane]) -> None:
    """Log each of several cameras that never gave a frame, and why, as far as that is known."""
    for lane in lanes if len(lanes) > 1 else ():
        if lane.latest is not None:
            continue
        error = lane.last_error
        why = NOT_YET if error is None else str(getattr(error, "message", error)).rstrip(".")
        fields = {"event": "camera_never_seen", "camera": lane.name, "reason": why}
        logger.warning("camera %s gave no picture: %s", lane.name, why, extra=fields)
