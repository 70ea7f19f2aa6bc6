"""When a live source counts as stalled: no images, or the same one again and again."""

from __future__ import annotations

import time
from typing import Callable, Optional

import numpy as np

from fer_edge.errors import SourceStalled, SourceUnreadable
from fer_edge.types import Image

FROZEN_AFTER = 10.0
"""Seconds. A sensor's noise makes every image differ."""

STREAM_FROZEN_AFTER = 60.0
"""Seconds, for streams that are coded as differences. A quiet or dark scene repeats one image from key frame to key frame, and
those are up to 25 s apart; the noise shows again in the next."""

UNDECODABLE_AFTER = 5.0
"""Seconds in which no image could be decoded."""

_STEP = 16
"""Every so many pixels are compared first."""


class StallTimer:
    """Adds up the time that was spent waiting for the next frame, and raises when it is too much.

    Only time inside `grab` counts, so that a program that is busy with something else for a while (loading a model) does
    not take its source for dead.

    Parameters
    ----------
    name : str
        The source, for the message.
    timeout : float
        Seconds.
    remedy : str
        What the reader can do.
    """

    def __init__(self, name: str, timeout: float, remedy: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._timeout = timeout
        self._remedy = remedy
        self._clock = clock
        self._started = 0.0
        self._waited = 0.0

    def start(self) -> None:
        """Begin to wait."""
        self._started = self._clock()

    def frame(self) -> None:
        """Begin to count anew, since a frame came."""
        self._waited = 0.0

    def nothing(self) -> None:
        """End the wait without a frame. Raises SourceStalled when there was none for the whole timeout."""
        self._waited += self._clock() - self._started
        if self._waited >= self._timeout:
            raise SourceStalled(f"{self._name} gave no frame for {self._timeout:g} s.", self._remedy)


class FrozenImage:
    """Raises when a source gives the same bytes for too long, as some drivers do when their camera has hung.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, patience: float = FROZEN_AFTER) -> None:
        self._clock = clock
        self._patience = patience
        self._last: Optional[Image] = None
        self._since = 0.0

    def look(self, image: Image) -> None:
        """Compare with the image before. Raises SourceStalled when nothing changed for the whole patience."""
        if not self._same(image):
            self._since = self._clock()
        elif self._clock() - self._since >= self._patience:
            raise SourceStalled(
                f"The source gave the same picture for {self._patience:g} s.",
                "The camera or its driver has hung: plug it in again. A picture that does not move is for --camera FILE.",
            )
        self._last = image

    def _same(self, image: Image) -> bool:
        last = self._last
        return (
            last is not None
            and last.shape == image.shape
            and np.array_equal(last[::_STEP, ::_STEP], image[::_STEP, ::_STEP])
            and np.array_equal(last, image)
        )


class UndecodableImages:
    """Lets single images be beyond decoding, and raises when none is whole for too long.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, patience: float = UNDECODABLE_AFTER) -> None:
        self._clock = clock
        self._patience = patience
        self._since: Optional[float] = None

    def whole(self) -> None:
        """Note an image that could be decoded."""
        self._since = None

    def damaged(self, error: SourceUnreadable) -> None:
        """Note one that could not. Raises `error` when there was no other for the whole patience."""
        if self._since is None:
            self._since = self._clock()
        elif self._clock() - self._since >= self._patience:
            raise error
