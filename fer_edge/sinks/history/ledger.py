"""What a history is still to get: made of observations, and kept while its file cannot be written."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Deque, Optional, Tuple

from fer_edge.sinks.history.rows import Row
from fer_edge.sinks.history.store import RunRow
from fer_edge.sinks.minutes import MinuteCounts
from fer_edge.sinks.run_view import RunView
from fer_edge.track.minutes import MinuteLog
from fer_edge.track.states import StateLog
from fer_edge.types import Observation

MOST_WAITING = 10_000
"""Rows that wait for the file; some megabytes of memory. Of more the oldest are left out."""


class Ledger:
    """Rows of one run, those that are open and those that wait.

    Parameters
    ----------
    run : RunView
        Tells what became of the frames, and how hot the board is.
    row : RunRow
        The run's own row.

    Attributes
    ----------
    waiting : deque of Row
        To be written, in this order.
    lost, told : int
        How many were left out, as too many waited, and of how many of these the log has told.
    locked_since : float or None
        Monotonic seconds since when another program has the file locked.
    """

    def __init__(self, run: RunView, row: RunRow) -> None:
        self.waiting: Deque[Row] = deque(maxlen=MOST_WAITING)
        self.row = row
        self.lost = self.told = 0
        self.locked_since: Optional[float] = None
        self._run = run
        self._last: Optional[Tuple[str, int]] = None
        self._states = StateLog()
        self._minutes = MinuteLog()
        self._counts = MinuteCounts()

    def take(self, observation: Observation) -> None:
        """Take an observation; one that is given again, as what it led to could not be written, changes nothing."""
        key = observation.frame.source, observation.frame.index
        if key == self._last:
            return
        self._last = key
        for change in self._states.update(observation):
            if change.is_over:
                # Frames of a video that is analysed now happened now, as far as a history is concerned.
                self._add(replace(change, media_start=None, media_end=None))
        for minute in self._minutes.update(observation):
            self._add(self._counts.add(minute, self._run))

    def finish(self) -> None:
        """End what is open."""
        for change in self._states.close():
            self._add(replace(change, media_start=None, media_end=None))
        for minute in self._minutes.close():
            self._add(self._counts.add(minute, self._run))

    def _add(self, row: Row) -> None:
        self.lost += len(self.waiting) == MOST_WAITING
        self.waiting.append(row)
