"""Where every captured frame went."""

from __future__ import annotations

import threading
from typing import Iterable, Set

from fer_edge.types import FrameBalance


class FrameCounter:
    """Books every frame in once and out once, by its index. Any thread may book and read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: Set[int] = set()
        self._captured = 0
        self._emitted = 0
        self._dropped = 0

    def capture(self, index: int) -> None:
        """Book a frame in. Raises ValueError for an index that is under way already."""
        with self._lock:
            if index in self._in_flight:
                raise ValueError(f"frame {index} was captured twice")
            self._in_flight.add(index)
            self._captured += 1

    def emit(self, index: int) -> None:
        """Book a frame out as emitted. Raises KeyError for one that is not under way."""
        with self._lock:
            self._in_flight.remove(index)
            self._emitted += 1

    def drop(self, index: int) -> None:
        """Book a frame out as dropped. Raises KeyError for one that is not under way."""
        with self._lock:
            self._in_flight.remove(index)
            self._dropped += 1

    def balance(self) -> FrameBalance:
        """Return the counts as of now."""
        with self._lock:
            return FrameBalance(self._captured, self._emitted, self._dropped, len(self._in_flight))


def sum_of(balances: Iterable[FrameBalance]) -> FrameBalance:
    """Return the counts of several lanes together."""
    counts = [(one.captured, one.emitted, one.dropped, one.in_flight) for one in balances]
    return FrameBalance(*map(sum, zip(*counts)))
