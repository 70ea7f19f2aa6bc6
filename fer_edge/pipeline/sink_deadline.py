"""The end of sinks: how long it is waited for, for all of them together."""

from __future__ import annotations

import time
from typing import Optional, Protocol, Sequence

from fer_edge.system.clock import Clock

CLOSE_SECONDS = 1.5
"""Longest wait for what is still to be written at the end."""


class Deadline:
    """Until when the end of sinks is waited for: `CLOSE_SECONDS` from now on, for all of them together.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    seconds : float
        Longest wait.
    """

    def __init__(self, clock: Clock) -> None:
        self.seconds = CLOSE_SECONDS
        self._clock = clock
        self.renew()

    def renew(self) -> None:
        """Begin anew: somebody is worth the wait at this moment."""
        self._at = self._clock() + self.seconds

    def passed(self) -> bool:
        """Return whether it is over."""
        return self._clock() >= self._at


class Ending(Protocol):
    """What can be ended with others, as a `SinkRunner`."""

    def ask_to_end(self) -> None:
        """Have it end; never waits."""

    def close(self, deadline: Optional[Deadline] = None) -> None:
        """Wait until it has ended, or the deadline has passed. Raises what went wrong with it."""


def close_together(runners: Sequence[Ending], clock: Clock = time.monotonic) -> None:
    """Close runners at once, so that the end takes no longer the more of them hang.

    Raises
    ------
    Exception
        What kept the last of those sinks from working that did not work.
    """
    for runner in runners:
        runner.ask_to_end()
    deadline = Deadline(clock)
    failure: Optional[Exception] = None
    for runner in reversed(runners):
        try:
            runner.close(deadline)
        except Exception as error:  # noqa: BLE001  (the others are to be closed first)
            failure = failure or error
    if failure is not None:
        raise failure
