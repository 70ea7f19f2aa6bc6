"""Counts the faults of a stage whose threads may share what fails."""

from __future__ import annotations

import threading
from typing import Callable

Recover = Callable[[str, BaseException, bool], bool]
"""Takes stage, error and whether that is a fault of its own, and tells whether the work is built anew."""


class StageFaults:
    """Decides whether threads of a stage build their work anew.

    Threads may share what fails, as they do a network, and then each of them meets the same fault. So what fails in work that
    is older than the last fault counts as that one.

    Parameters
    ----------
    stage : str
        Its name.
    recover : callable
        Is asked each time.

    Attributes
    ----------
    count : int
        How many there were; to be kept by a thread before it builds its work.
    """

    def __init__(self, stage: str, recover: Recover) -> None:
        self.count = 0
        self._stage = stage
        self._recover = recover
        self._lock = threading.Lock()

    def recovers(self, error: BaseException, known: int) -> bool:
        """Return whether a thread builds its work anew, which failed with `error`; `known` is the count that it kept."""
        with self._lock:
            is_new = known >= self.count
            again = self._recover(self._stage, error, is_new)
            if again and is_new:
                self.count += 1
            return again


class Upstream(Exception):
    """What comes before the stage ended with an error, which is none of the stage's own."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error
