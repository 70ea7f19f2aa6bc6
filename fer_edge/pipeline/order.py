"""Lets several workers of a stage hand on their results in the order in which they took the items."""

from __future__ import annotations

import threading
from collections import deque
from itertools import count
from typing import Callable, Deque, Dict, Sequence

from fer_edge.pipeline.mailbox import Closed


class LaneOrder:
    """Gives each item of a lane a number when it is taken, and each number its turn.

    Parameters
    ----------
    lanes : sequence of str
        Their names.
    """

    def __init__(self, lanes: Sequence[str]) -> None:
        self._changed = threading.Condition()
        self._lines: Dict[str, Deque[int]] = {lane: deque() for lane in lanes}
        self._ends: Dict[str, Callable[[], None]] = {}
        self._numbers = count(1)
        self._closed = False

    def enter(self, lane: str) -> int:
        """Return the number of an item that was just taken; of each lane, to be called by one thread at a time."""
        number = next(self._numbers)
        self._lines[lane].append(number)
        return number

    def wait_for_turn(self, lane: str, number: int) -> None:
        """Wait until every earlier item of the lane has left. Raises `Closed`."""
        line = self._lines[lane]
        if line and line[0] == number:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not line or line[0] >= number)
            if self._closed:
                raise Closed

    def leave(self, lane: str, number: int) -> None:
        """Give up the place of an item that was handed on, or lost."""
        line = self._lines[lane]
        with self._changed:
            if number in line:
                line.remove(number)
            end = None if line else self._ends.pop(lane, None)
            if line:
                self._changed.notify_all()
        if end is not None:
            end()

    def end(self, lane: str, then: Callable[[], None]) -> None:
        """Call `then` once every item of the lane that was taken has left; no more may enter."""
        with self._changed:
            if self._lines[lane]:
                self._ends[lane] = then
                return
        then()

    def close(self) -> None:
        """Wake those who wait: nothing will be handed on any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
