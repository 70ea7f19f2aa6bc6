"""The time within a video, out of the stamps of its frames."""

from __future__ import annotations

import math
from typing import Optional

_LEAD = 0.5
"""Seconds by which the first image may come late and be the start all the same: sound has a lead, and a decoder a delay."""


class StampClock:
    """Turns the stamps of frames into seconds from the start, which only grow.

    Parameters
    ----------
    start : float
        Seconds of the stamp at which a player begins.
    fps : float
        Nominal rate, which tells the time of a frame that has no stamp of use; 0 if unknown.
    before : float
        Time of the frame before the first; below 0 where there is none.

    Attributes
    ----------
    start : float
        Of the stamp that is time 0.

    Examples
    --------
    >>> clock = StampClock(1.0, 25.0)
    >>> [clock.read(stamp) for stamp in (1.25, 1.5, None)]
    [0.0, 0.25, 0.29]
    """

    def __init__(self, start: float, fps: float, before: float = -1.0) -> None:
        self.start = start
        self._fps = fps
        self._last = before if before >= 0 else -math.inf

    def read(self, stamp: Optional[float]) -> Optional[float]:
        """Take the stamp of the next frame in seconds, and return its time; None where nobody knows."""
        if stamp is not None and self._last < 0 and 0 < stamp - self.start < _LEAD:
            self.start = stamp
        time = stamp - self.start if stamp is not None else math.nan
        if not (math.isfinite(time) and time >= 0 and time > self._last):
            if self._fps <= 0:
                return None
            time = max(0.0, self._last + 1 / self._fps)
        self._last = time
        return time
