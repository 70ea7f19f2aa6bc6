"""The seam between a camera's observations and whatever follows the faces in them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Optional, Sequence, Tuple

from fer_edge.types import Face, Frame, Observation


class Tracker(ABC):
    """Follows the faces of one camera.

    It belongs to the camera and to no stage, so that ids survive a stage that is built anew.
    """

    @abstractmethod
    def follow(self, observation: Observation) -> Observation:
        """Return an observation with its faces' tracks, and with those that are hidden.

        Called by one thread, with every observation of the camera that has gone through the stages, in the order of capture.
        """

    def expected(self, *moments: float) -> Sequence[Tuple[Face, ...]]:  # noqa: ARG002  (who predicts nothing)
        """Return for each face that is followed where it is likely to be at some moments of `moment_of`'s scale, in order.

        Called by any thread. All that one call gives is of the same faces, whatever `follow` does meanwhile.
        """
        return ()


def moment_of(frame: Frame) -> Optional[float]:
    """Return when a frame was seen, in seconds: in a video in its own time, else by the monotonic clock.

    None for a picture, which has nothing to do with the one before, and where a source of somebody else tells no number.
    """
    at = frame.media_time
    if at is None:
        at = None if frame.file else frame.captured_at
    return at if at is not None and math.isfinite(at) else None
