"""The time within a video, out of what its decoder says of it."""

from __future__ import annotations

import math
from typing import Optional

_LONGEST_LEAD = 3600.0
"""Seconds before the start of an edit list; what says more is FFmpeg's word for no time at all."""

_LONGEST_DELAY = 0.5
"""Seconds by which the first image may come late and be the start all the same."""


class MediaClock:
    """Turns the positions that a decoder gives, frame by frame, into seconds from the start of the file.

    A file without times, such as a bare stream of H.264, has the same position for ever, and a damaged one jumps back: there
    the nominal rate is all that is known. Times only grow, and the first image is at 0 where it comes before the start of an
    edit list, or late by no more than a decoder's delay, which an AVI counts in.

    Parameters
    ----------
    fps : float
        Nominal rate; 0 if unknown.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._index = -1
        self._last = -math.inf
        self._start = 0.0

    def read(self, position: float) -> Optional[float]:
        """Take the position of the next frame in seconds, and return its time; None where that is not known."""
        self._index += 1
        if self._index == 0 and -_LONGEST_LEAD < position < _LONGEST_DELAY:
            self._start = position
        position -= self._start
        seconds = position
        if not (math.isfinite(position) and position >= 0 and position > self._last):
            if self._fps <= 0:
                return None
            seconds = max(self._index / self._fps, self._last)
        self._last = seconds
        return seconds
