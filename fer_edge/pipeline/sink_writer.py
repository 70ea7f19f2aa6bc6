"""What the thread of a sink does: writes what waits, and tries again what fails."""

from __future__ import annotations

import threading
from typing import Callable, Optional

from fer_edge.errors import OutputClosed, OutputError, ResultUnwritable, UsageError
from fer_edge.pipeline.backlog import Backlog
from fer_edge.pipeline.current_sink import CurrentSink
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.sink_policy import MISTAKES, SinkPolicy
from fer_edge.pipeline.sink_state import SinkState
from fer_edge.sinks.base import StreamInfo
from fer_edge.types import Observation, Rates


class SinkWriter:
    """Takes observations from a backlog and writes them into a sink, until the backlog ends or the sink has for good.

    Parameters
    ----------
    sink : CurrentSink
        Opened, used and closed in the thread that calls `run`.
    backlog : Backlog
        What waits.
    state : SinkState
        Is told what works and what does not.
    policy : SinkPolicy
        What a failure means.
    backoff : Backoff
        Delays between attempts.
    stop : Event
        Set when the run shall end.

    Attributes
    ----------
    made : Event
        Set once the sink was made for the first time, or could not be.
    ended : Exception or None
        What ended the sink for good.
    describe : callable
        Gives, for the first observation after each opening, what the sink is told.
    """

    def __init__(
        self,
        sink: CurrentSink,
        backlog: Backlog,
        state: SinkState,
        policy: SinkPolicy,
        backoff: Backoff,
        stop: threading.Event,
        describe: Callable[[Observation], StreamInfo],
    ) -> None:
        self.made = threading.Event()
        self.ended: Optional[Exception] = None
        self.describe = describe
        self._sink = sink
        self._backlog = backlog
        self._state = state
        self._policy = policy
        self._backoff = backoff
        self._stop = stop

    def run(self) -> None:
        """Make the sink, write until the end, and close it; nothing is raised."""
        self._make_at_the_start()
        while self.ended is None:
            waiting = self._backlog.take()
            if waiting is None or not self._write(*waiting):
                break
        self._backlog.leave_out_the_rest()
        try:
            self._sink.close()
            if self._state.works_again(self._backlog.lost):
                self._backoff.reset()
        except Exception as error:  # noqa: BLE001  (handed to whoever closes it)
            self._state.failure = error

    def _make_at_the_start(self) -> None:
        try:
            self._sink.prepare()
        except Exception as error:  # noqa: BLE001  (handed to whoever opens it)
            if self._policy.from_the_start and not isinstance(error, MISTAKES):
                self._state.failed(error, self._backoff.next())
            else:
                self.ended = error
        finally:
            self.made.set()

    def _write(self, observation: Observation, rates: Rates) -> bool:
        """Write one observation, however often it takes, or leave it out; False when there is no more writing."""
        failed = 0
        while True:
            # The end cuts the wait for the next attempt short, but this one is still made.
            last = self._backlog.closed
            try:
                self._sink.write(observation, rates, self.describe)
            except ResultUnwritable as error:
                if self._stop.is_set():  # nobody reads the pipe, perhaps; the sum is told in a moment
                    self._backlog.leave_out()
                else:
                    self._leave_out(observation, error)
                return True
            except OutputClosed as error:
                if not self._policy.required:  # a run that goes on tells what it lost
                    self._backlog.leave_out()
                self.ended = error
                return False
            except Exception as error:  # noqa: BLE001  (a sink may fail in any way, and only it shall)
                if self._policy.is_final() or isinstance(error, UsageError):
                    self._backlog.leave_out()
                    self.ended = self._state.failure = error
                    return False
                self._sink.drop()
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
                self._policy.worked = True
                if self._state.written(self._backlog.lost):
                    self._backoff.reset()
                return True

    def _leave_out(self, observation: Observation, error: Exception) -> None:
        self._backlog.leave_out()
        self._state.unwritable(observation.frame.index, error)
