"""When a live source counts as stalled."""

from __future__ import annotations

import time
from typing import Callable

from fer_edge.errors import SourceStalled


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
