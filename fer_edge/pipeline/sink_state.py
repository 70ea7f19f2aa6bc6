"""How a sink is: what others are told of it, in the log and in health."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import Iterator, Optional, Tuple

from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

SLOW_AFTER = 5.0
"""Seconds of one call of the sink after which it is worth mentioning."""

STEADY_AFTER = 2.0
"""Seconds of writing after which a sink that had failed counts as working: the last free bytes of a disk take a little."""

RECENT = 300.0
"""Seconds for which a result that could not be written is worth mentioning."""


_AVERAGED = 4
"""Writings that the average goes over, about."""


class SinkState:
    """Follows one sink; the log gets one line for each change.

    Parameters
    ----------
    name : str
        Of the sink, for people.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    failure : Exception or None
        What keeps the sink from working.
    usual_writing : float
        Seconds that the writing of a result took lately, on average.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.failure: Optional[Exception] = None
        self.usual_writing = 0.0
        self._name = name
        self._clock = clock
        self._good_since: Optional[float] = None
        self._call: Optional[Tuple[str, float]] = None
        self._unwritable = 0
        self._last_unwritable: Optional[Tuple[float, str]] = None

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Let others see what the sink is doing, and for how long."""
        begun = self._clock()
        self._call = what, begun
        try:
            yield
        finally:
            self._call = None
        if what == "writing":
            self.usual_writing += (self._clock() - begun - self.usual_writing) / _AVERAGED

    def calling_for(self) -> float:
        """Return the seconds that the call under way has taken so far; 0 without one."""
        call = self._call
        return 0.0 if call is None else self._clock() - call[1]

    def writing_for(self) -> float:
        """Return the seconds that the writing of a result has taken that is under way; 0 without one."""
        return self._doing_for("writing")

    def opening_for(self) -> float:
        """Return the seconds that the opening has taken that is under way; 0 without one."""
        return self._doing_for("opening")

    def _doing_for(self, what: str) -> float:
        call = self._call
        return self._clock() - call[1] if call is not None and call[0] == what else 0.0

    def is_down(self) -> bool:
        """Return whether nothing was written since the last failure."""
        return self.failure is not None and self._good_since is None

    def trouble(self) -> str:
        """Return why the sink does not work, for people; empty when it does."""
        failure, call, good = self.failure, self._call, self._good_since
        if failure is not None and (good is None or self._clock() - good < STEADY_AFTER):
            return f"{self._name} does not work: {_reason(failure)}"
        if call is not None and self._clock() - call[1] > SLOW_AFTER:
            return f"{self._name} has been {call[0]} for {self._clock() - call[1]:.0f} s"
        return ""

    def remark(self) -> str:
        """Return which results a sink that works left out lately, for people; empty when none."""
        last = self._last_unwritable
        if last is None or self._clock() - last[0] >= RECENT:
            return ""
        return f"{self._name} left out {self._unwritable} results that cannot be written, at last: {last[1]}"

    def failed(self, error: Exception, delay: float) -> None:
        """Note that nothing can be written, and that it will be tried again after `delay` seconds."""
        first, self.failure, self._good_since = self.failure is None, error, None
        logger.log(
            logging.WARNING if first else logging.DEBUG,
            "%s does not work: %s Trying again in %.1f s.",
            self._name,
            _reason(error),
            delay,
            extra={"event": "sink_lost", "sink": self._name, "reason": _reason(error), "retry_in_s": round(delay, 1)},
        )

    def unwritable(self, frame: int, error: Exception) -> None:
        """Note that the result of one frame was left out, as it cannot be written."""
        self._unwritable += 1
        self._last_unwritable = self._clock(), _reason(error)
        if self._unwritable & (self._unwritable - 1) == 0:
            fields = {"sink": self._name, "frame": frame, "reason": _reason(error), "count": self._unwritable}
            logger.warning(
                "%s left out a result that cannot be written (%d so far): %s",
                self._name,
                self._unwritable,
                _reason(error),
                extra={"event": "result_unwritable", **fields},
            )

    def written(self, lost: int) -> bool:
        """Note that a result was written; tell whether an outage is over with it."""
        if self.failure is None:
            return False
        if self._good_since is None:
            self._good_since = self._clock()
            return False
        return self._clock() - self._good_since >= STEADY_AFTER and self.works_again(lost)

    def works_again(self, lost: int) -> bool:
        """Take the outage as over if there was one and something was written since; tell whether that is so."""
        if self._good_since is None:
            return False
        self.failure = self._good_since = None
        fields = {"event": "sink_back", "sink": self._name, "lost": lost}
        logger.warning("%s works again; %d results were left out so far", self._name, lost, extra=fields)
        return True


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", "")) or f"{type(error).__name__}: {error}"
