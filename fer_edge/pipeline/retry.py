"""How often, and how soon, something that failed is tried again."""

from __future__ import annotations

import random
import time
from collections import deque
from typing import Callable, Deque

from fer_edge.system.clock import Clock


class Backoff:
    """Delays between attempts: each twice the one before, up to a limit, and none of them exact.

    The jitter ("equal jitter": half of the delay is fixed, half is drawn) keeps many programs that lost the same thing at the
    same moment from asking for it at the same moment.

    Parameters
    ----------
    first, most : float
        Seconds: the first delay, and the longest; the half of each is drawn, so that the delays lie from `first` / 2 to `most`.
    draw : callable, optional
        Gives numbers from 0 to 1.
    """

    def __init__(
        self,
        first: float = 1.0,
        most: float = 10.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._most = most
        self._draw = draw
        self._delay = first

    def next(self) -> float:
        """Return the seconds to wait before the next attempt."""
        delay = self._delay
        self._delay = min(2 * delay, self._most)
        return delay * (0.5 + 0.5 * self._draw())

    def reset(self) -> None:
        """Begin anew, since an attempt succeeded."""
        self._delay = self._first


class RestartLimit:
    """Lets something be restarted `most` times in any `period` seconds.

    Parameters
    ----------
    most : int
        Restarts.
    period : float
        Seconds.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, most: int = 5, period: float = 60.0, clock: Clock = time.monotonic) -> None:
        self.most = most
        self.period = period
        self._clock = clock
        self._restarts: Deque[float] = deque()

    def allow(self) -> bool:
        """Return whether one more is within the limit; if so, it counts."""
        now = self._clock()
        while self._restarts and now - self._restarts[0] >= self.period:
            self._restarts.popleft()
        if len(self._restarts) >= self.most:
            return False
        self._restarts.append(now)
        return True
