"""No more frames in a second than somebody wants."""

from __future__ import annotations

from typing import Optional

_TOLERANCE = 0.5
"""Share of a period by which a frame may come before its time, and after it without putting off the next, together."""

_EARLY, _EARLIEST = 0.1, 0.005
"""Of that, before its time: this share of a period, and so many seconds at most. Files have times in whole milliseconds."""


class RateCap:
    """Tells which frames to take, so that they come at a rate at most, and evenly where there are more.

    Each frame has its time on a grid of periods from the first one. Of a source that has the wanted rate and trembles by less
    than half a period, every frame is taken. In any `t` seconds at most ``fps * t + 1.5`` frames are: the generic cell rate
    algorithm of ITU-T I.371, with half a period as tolerance.

    Parameters
    ----------
    fps : float
        The most frames per second, above 0.
    """

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps
        self._early = min(_EARLY / fps, _EARLIEST)
        self._late = _TOLERANCE / fps - self._early
        self._due: Optional[float] = None

    def takes(self, seconds: float) -> bool:
        """Return whether to take a frame of that time; times do not fall, and where they do, it begins anew."""
        due, period = self._due, self._period
        if due is None or seconds < due - 2 * period:
            self._due = seconds + period
            return True
        if seconds < due - self._early:
            return False
        self._due = max(due, seconds - self._late) + period
        return True
