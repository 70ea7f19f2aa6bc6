"""When each image of a recording is shown."""

from __future__ import annotations

import math
from typing import Callable, Optional

from fer_edge.types import Frame

SHORTEST = 0.001
"""Seconds between two images at least. Of a file, images of one time are shown so long each."""


PICTURE_SECONDS = 1.0
"""How long a picture is shown that has no time of its own."""


class Timeline:
    """Places images by their own time: what is live by the moment of its capture, a video by the time in it.

    Of picture files, each begins a step behind the one before: the time in an animation is that since its own beginning.

    Parameters
    ----------
    live : bool
        Whether the images come in their own time.
    step : float
        Seconds from one image to the next where they have no time, as pictures have none.
    longest_gap : float
        Seconds to which a longer time without an image is shortened.
    grid : bool
        Whether an image is shown at a multiple of `step` only, and of several for one the first alone.
    ending : callable
        Gives True once gaps are not to be kept any more.
    """

    def __init__(
        self, live: bool, step: float, longest_gap: float, grid: bool, ending: Callable[[], bool] = lambda: False
    ) -> None:
        self._live = live
        self._step = step
        self._longest_gap = longest_gap
        self._grid = grid
        self._ending = ending
        self._start = self._last = 0.0
        self._empty = True
        self._file = ""
        self._after = step  # seconds from the last image to the next where that has no time

    @property
    def usual(self) -> float:
        """Seconds for which the image that was placed last is shown, as far as is known before the next."""
        return self._after

    def place(self, frame: Frame) -> Optional[float]:
        """Return when an image is to be shown, in seconds from the first one, later than all before; None to leave it out."""
        moment = frame.captured_at if self._live else frame.media_time
        moment = None if moment is None or not math.isfinite(moment) else moment
        is_next_file, self._file = frame.file != self._file, frame.file
        after, self._after = self._after, PICTURE_SECONDS if frame.file and moment is None else self._step
        if self._empty:
            self._start = 0.0 if moment is None else moment
            return 0.0
        if is_next_file and moment is not None and not self._live:
            self._start = moment - self._last - after
        at = self._last + after if moment is None else moment - self._start
        if self._grid:
            at = round(at / self._step) * self._step
            if at < self._last + self._step / 2:
                return None
        elif self._live and at < self._last + SHORTEST / 2:
            return None
        else:
            at = max(at, self._last + SHORTEST)
        # At the end, no time is left to repeat images for seconds.
        longest = self._step if self._grid and self._ending() else self._longest_gap
        excess = at - self._last - longest
        if excess > 0:
            self._start += excess
            at -= excess
        return at

    def took(self, at: float) -> None:
        """Note that an image was placed there."""
        self._last, self._empty = at, False
