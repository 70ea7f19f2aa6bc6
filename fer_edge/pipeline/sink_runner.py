"""A sink in a thread of its own, so that a full disk or a dead network holds up nothing but itself."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Callable, Optional, Type

from fer_edge.errors import OutputClosed, OutputError, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.pipeline.backlog import Backlog
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.sink_state import SLOW_AFTER, SinkState
from fer_edge.sinks.base import Sink
from fer_edge.system.clock import Clock
from fer_edge.types import Observation, Rates

logger = logging.getLogger("fer_edge")

OPEN_SECONDS = 10.0
"""Longest wait for a sink that is opened at the start: a disk may hang."""

CLOSE_SECONDS = 1.5
"""Longest wait for what is still to be written at the end."""

HUNG_AFTER = 30.0
"""Seconds of one call of the sink after which the end of a file's run waits for it no longer."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds between attempts to write again."""

STUCK_AFTER = 1.0
"""Seconds that one result takes after which a run that ends by itself, and gives up the sink, fails for its last results."""

_LOOK = 0.05


class SinkRunner:
    """Hands observations to a sink, and opens the sink anew when it fails.

    An observation that cannot be written is left out, and the next one is written. What else fails is tried again, the same
    observation first.

    Parameters
    ----------
    name : str
        Of the sink, for people.
    open_sink : callable
        Makes the sink; gets how often it was opened before. Called in the runner's thread.
    from_the_start : bool
        Whether a sink that never worked is tried again; else what it raised ends it, as a mistake.
    backoff : Backoff, optional
        Delays between attempts.
    clock : callable, optional
        Monotonic seconds.
    patient : bool
        For a source that waits: `offer` waits for the sink, so that nothing is left out, and the first failure ends it.
    stop : Event, optional
        Set when the run shall end: ends a wait for a sink that hangs.
    """

    def __init__(
        self,
        name: str,
        open_sink: Callable[[int], Sink],
        from_the_start: bool = False,
        backoff: Optional[Backoff] = None,
        clock: Clock = time.monotonic,
        patient: bool = False,
        stop: Optional[threading.Event] = None,
    ) -> None:
        self.name = name
        self.ended: Optional[Exception] = None
        self._open_sink = open_sink
        self._retried = from_the_start
        self._patient = patient
        self._stop = stop or threading.Event()
        self._backoff = backoff or Backoff(FIRST_DELAY, LONGEST_DELAY)
        self._clock = clock
        self._backlog = Backlog()
        self._sink: Optional[Sink] = None
        self._opened = 0
        self._first_opening_is_over = threading.Event()
        self._state = SinkState(name, clock)
        self._thread = threading.Thread(target=self._run, name=f"fer-edge-{name}", daemon=True)

    @property
    def lost(self) -> int:
        """How many observations the sink did not get so far."""
        return self._backlog.lost

    def open(self) -> None:
        """Start the thread, and wait until it has opened the sink.

        Raises
        ------
        Exception
            What the sink raised, or that it hangs, unless it is to be tried again.
        """
        self._thread.start()
        limit = self._clock() + OPEN_SECONDS
        while not self._first_opening_is_over.wait(_LOOK):
            if self._stop.is_set():
                return
            if self._clock() >= limit:
                error = _hangs(self.name, f"could not be opened within {OPEN_SECONDS:g} s")
                if not self._retried:
                    self._backlog.close()
                    raise error
                logger.warning("%s", error.message, extra={"event": "sink_lost", "sink": self.name})
                return
        if self.ended is not None:
            raise self.ended

    def offer(self, observation: Observation, rates: Rates) -> None:
        """Leave an observation for the sink. Never waits, unless the runner is patient: the oldest that waits is left out."""
        if self.ended is not None:
            return
        if self._patient:
            give_up = lambda: self._stop.is_set() or self.ended is not None  # noqa: E731
            self._backlog.add_when_there_is_room(observation, rates, give_up)
        else:
            self._backlog.add(observation, rates)

    def trouble(self) -> str:
        """Return why the sink does not work, for people; empty when it does."""
        return self._state.trouble()

    def remark(self) -> str:
        """Return which results a sink that works left out lately, for people; empty when none."""
        return self._state.remark()

    def close(self) -> None:
        """Write what still waits, and close the sink.

        A sink that does not end in time is left behind, and ends with the process.

        Raises
        ------
        Exception
            What kept the sink from working, if it did not recover; or that it hangs.
        """
        self._backlog.close()
        if self._thread.ident is None:
            return
        given_up = not self._wait_for_the_thread()
        # One that is merely too slow has lost no more than it does all the time, and what it wrote is whole.
        hangs = given_up and self._state.calling_for() >= min(SLOW_AFTER, HUNG_AFTER)
        if given_up:
            if self._state.writing_for() > 0:
                # Somebody who wants the end gets it; a run that came to its own owes the results.
                hangs = hangs or (self._state.writing_for() >= STUCK_AFTER and not self._stop.is_set())
                self._backlog.leave_out()
            self._backlog.leave_out_the_rest()
            logger.warning(
                "%s did not finish within %g s and is given up",
                self.name,
                HUNG_AFTER if self._patient and not self._stop.is_set() else CLOSE_SECONDS,
                extra={"event": "sink_given_up", "sink": self.name},
            )
        if self.lost:
            logger.warning(
                "%s left out %d results",
                self.name,
                self.lost,
                extra={"event": "results_left_out", "sink": self.name, "lost": self.lost},
            )
        if self._state.failure is not None:
            raise self._state.failure
        if self._patient and self.ended is not None:
            raise self.ended
        if hangs:
            raise _hangs(self.name, "did not take the last results before the end")

    def __enter__(self) -> SinkRunner:
        """Open it."""
        self.open()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close it; what kept the sink from working is raised only when nothing else was."""
        if error is None:
            self.close()
        else:
            with suppress(Exception):
                self.close()

    def _wait_for_the_thread(self) -> bool:
        """Wait until the sink is closed; tell whether it was in time.

        Of a file, which waits for its sink, all is still written, unless the sink hangs or somebody wants the end.
        """
        limit = self._clock() + CLOSE_SECONDS
        while True:
            self._thread.join(_LOOK)
            if not self._thread.is_alive():
                return True
            if not self._patient or self._stop.is_set():
                if self._clock() >= limit:
                    return False
            else:
                limit = self._clock() + CLOSE_SECONDS
                if self._state.calling_for() >= HUNG_AFTER:
                    return False

    def _run(self) -> None:
        self._open_at_the_start()
        while self.ended is None:
            waiting = self._backlog.take()
            if waiting is None or not self._write(*waiting):
                break
        self._backlog.leave_out_the_rest()
        try:
            if self._sink is not None:
                with self._state.calling("closing"):
                    self._sink.close()
            if self._state.works_again(self.lost):
                self._backoff.reset()
        except Exception as error:  # noqa: BLE001  (handed to whoever closes the runner)
            self._state.failure = error

    def _open_at_the_start(self) -> None:
        try:
            with self._state.calling("opening"):
                self._sink = self._open_anew()
        except Exception as error:  # noqa: BLE001  (handed to whoever opens the runner)
            if self._retried and not isinstance(error, UsageError):
                self._state.failed(error, self._backoff.next())
            else:
                self.ended = error
        finally:
            self._first_opening_is_over.set()

    def _open_anew(self) -> Sink:
        sink = self._open_sink(self._opened)
        self._opened += 1
        return sink

    def _write(self, observation: Observation, rates: Rates) -> bool:
        """Write one observation, however often it takes, or leave it out; False when there is no more writing."""
        failed = 0
        while True:
            # The end cuts the wait for the next attempt short, but this one is still made.
            last = self._backlog.closed
            try:
                with self._state.calling("writing"):
                    if self._sink is None:
                        self._sink = self._open_anew()
                    self._sink.write(observation, rates)
            except ResultUnwritable as error:
                if self._stop.is_set():  # nobody reads the pipe, perhaps; the sum is told in a moment
                    self._backlog.leave_out()
                else:
                    self._leave_out(observation, error)
                return True
            except OutputClosed as error:
                self.ended = error
                return False
            except Exception as error:  # noqa: BLE001  (a sink may fail in any way, and only it shall)
                if self._patient or not self._retried:
                    self._backlog.leave_out()
                    self.ended = self._state.failure = error
                    return False
                self._drop_sink()
                delay = self._backoff.next()
                self._state.failed(error, delay)
                failed += 1
                if failed > 1 and not isinstance(error, (OutputError, OSError)):
                    # No word of a disk or network, and a fresh sink made no difference: more attempts would not either.
                    self._leave_out(observation, error)
                    return True
                if last:
                    self._backlog.leave_out()
                    return False
                self._backlog.pause(delay)
            else:
                self._retried = True
                if self._state.written(self.lost):
                    self._backoff.reset()
                return True

    def _drop_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            with suppress(Exception), self._state.calling("closing"):
                sink.close()

    def _leave_out(self, observation: Observation, error: Exception) -> None:
        self._backlog.leave_out()
        self._state.unwritable(observation.frame.index, error)


def _hangs(name: str, what: str) -> OutputNotWritable:
    return OutputNotWritable(
        f"{name[0].upper()}{name[1:]} {what}: its disk, the network behind it or its reader hangs or is far too slow.",
        "Check the disk (`dmesg` tells what the kernel says of it) or the reader, or write to another place.",
    )
