"""A source whose images are given, for tests and for images that are already in memory."""

from __future__ import annotations

import time
from typing import Callable, Iterable, Optional

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.types import Image


class FakeSource(Source):
    """Gives the images of a list, one after the other, then ends.

    Parameters
    ----------
    images : iterable of Image
        What to give; each is copied when it is retrieved.
    live : bool
        Whether it shall count as a camera (frames may be dropped) or as a file.
    fps : float, optional
        The rate to keep; 0 gives each image at once.
    repeat : bool
        Start again at the end, for ever.
    error : Exception, optional
        What `grab` raises where it would otherwise report the end.
    clock, sleep : callable
        The monotonic clock and how to wait, in seconds.
    """

    def __init__(
        self,
        images: Iterable[Image],
        live: bool = False,
        fps: float = 0.0,
        repeat: bool = False,
        error: Optional[Exception] = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.live = live
        self.opened = 0
        self.closed = 0
        self._images = list(images)
        self._fps = fps
        self._repeat = repeat
        self._error = error
        self._clock = clock
        self._sleep = sleep
        self._index = -1
        self._start = 0.0

    def open(self) -> SourceInfo:
        """Start at the first image; counts in `opened`."""
        self.opened += 1
        self._index = -1
        self._start = self._clock()
        height, width = self._images[0].shape[:2] if self._images else (0, 0)
        return SourceInfo("fake", width, height, self._fps)

    def grab(self) -> Optional[bool]:
        """Move on, when the rate allows it; see the base class."""
        if self._index + 1 >= len(self._images) and not (self._repeat and self._images):
            if self._error is not None:
                raise self._error
            return False
        if self._fps > 0:
            wait = self._start + (self._index + 1) / self._fps - self._clock()
            if wait > 0:
                self._sleep(min(wait, 0.5))
                if wait > 0.5:
                    return None
        self._index += 1
        return True

    def retrieve(self) -> Image:
        """Copy the image that was grabbed."""
        image: Image = self._images[self._index % len(self._images)].copy()
        return image

    @property
    def media_time(self) -> Optional[float]:
        """Seconds at its rate, where it counts as a file and has one."""
        return None if self.live or self._fps <= 0 or self._index < 0 else self._index / self._fps

    def close(self) -> None:
        """Count in `closed`."""
        self.closed += 1
