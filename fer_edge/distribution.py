"""How long something took, counted in buckets."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import Tuple

BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds: up to where each bucket of a `Distribution` reaches; from a fast PC to a small board."""


@dataclass(frozen=True)
class Distribution:
    """How long something took, since the beginning.

    Attributes
    ----------
    at_most : tuple of int
        For each of `BOUNDS`, how many took no longer than this.
    count : int
        All of them.
    seconds : float
        The sum.
    """

    at_most: Tuple[int, ...]
    count: int
    seconds: float


class Histogram:
    """Counts durations in buckets, so that a collector can work out percentiles over any time."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def record(self, seconds: float) -> None:
        """Count one that took `seconds`."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def distribution(self) -> Distribution:
        """Return what was counted so far."""
        *at_most, count = accumulate(self._counts)
        return Distribution(tuple(at_most), count, self._seconds)
