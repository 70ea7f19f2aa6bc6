"""The results that wait for a sink: few of them, and not much memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, Optional, Tuple

from fer_edge.types import Observation, Rates

MOST_WAITING = 16
"""Observations that wait."""

MOST_BYTES = 64 << 20
"""Bytes of pictures that wait; they are large from some cameras."""

_LOOK = 0.1
"""Seconds between two looks at whether waiting for room still makes sense."""

Waiting = Tuple[Observation, Rates]


class Backlog:
    """Hands observations from one thread to another, in order, and counts those that were left out.

    Attributes
    ----------
    closed : bool
        Nothing will be added any more.
    """

    def __init__(self) -> None:
        self.closed = False
        self._changed = threading.Condition()
        self._waiting: Deque[Waiting] = deque()
        self._bytes = 0
        self._lost = 0

    @property
    def lost(self) -> int:
        """How many observations were left out so far."""
        return self._lost

    def add(self, observation: Observation, rates: Rates) -> None:
        """Add one; never waits. The oldest are left out when there are too many."""
        with self._changed:
            self._append(observation, rates)
            while len(self._waiting) > 1 and (len(self._waiting) > MOST_WAITING or self._bytes > MOST_BYTES):
                self._pop()
                self._lost += 1

    def add_when_there_is_room(self, observation: Observation, rates: Rates, give_up: Callable[[], bool]) -> None:
        """Add one as soon as there is room; leave it out when `give_up` gives True before."""
        size = observation.frame.image.nbytes
        with self._changed:
            while self._waiting and (len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_BYTES):
                if give_up():
                    self._lost += 1
                    return
                self._changed.wait(_LOOK)
            self._append(observation, rates)

    def take(self) -> Optional[Waiting]:
        """Wait for the oldest and take it; None when there is none left and none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.closed)
            if not self._waiting:
                return None
            taken = self._pop()
            self._changed.notify_all()
            return taken

    def leave_out(self, count: int = 1) -> None:
        """Count observations that were taken, but came to nothing."""
        with self._changed:
            self._lost += count

    def leave_out_the_rest(self) -> None:
        """Count what still waits as left out, and let go of it."""
        with self._changed:
            self._lost += len(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()

    def close(self) -> None:
        """Say that nothing will be added any more. What waits can still be taken."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed, seconds)

    def _append(self, observation: Observation, rates: Rates) -> None:
        self._waiting.append((observation, rates))
        self._bytes += observation.frame.image.nbytes
        self._changed.notify_all()

    def _pop(self) -> Waiting:
        taken = self._waiting.popleft()
        self._bytes -= taken[0].frame.image.nbytes
        return taken
