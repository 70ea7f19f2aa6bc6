"""A sink in a thread of its own, so that a full disk or a dead network holds up nothing but itself."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Callable, Deque, Optional, Tuple, Type

from fer_edge.errors import OutputClosed
from fer_edge.meter import Clock
from fer_edge.pipeline.retry import Backoff
from fer_edge.sinks.base import Sink
from fer_edge.types import Observation, Rates

logger = logging.getLogger("fer_edge")

MOST_WAITING = 16
"""Observations that wait for a sink; then the oldest is left out."""

MOST_BYTES = 64 << 20
"""Bytes of pictures that wait for a sink; they are large from some cameras."""

SLOW_AFTER = 5.0
"""Seconds of one `write` after which it is worth mentioning."""

STEADY_AFTER = 2.0
"""Seconds of writing after which a sink that had failed counts as working: the last free bytes of a disk take a little."""

CLOSE_SECONDS = 1.5
"""Longest wait for what is still to be written at the end."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds between attempts to write again."""


class Outlet:
    """Hands observations to a sink, and opens the sink anew when it fails.

    Parameters
    ----------
    name : str
        Of the sink, for people.
    open_sink : callable
        Makes the sink; gets how often it was opened before. Called in the outlet's thread, except the first time.
    from_the_start : bool
        Whether a sink that never worked is tried again; else what it raised ends it, as a mistake.
    backoff : Backoff, optional
        Delays between attempts.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        open_sink: Callable[[int], Sink],
        from_the_start: bool = False,
        backoff: Optional[Backoff] = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.ended: Optional[Exception] = None
        self.lost = 0
        self._open_sink = open_sink
        self._worked = from_the_start
        self._backoff = backoff or Backoff(FIRST_DELAY, LONGEST_DELAY)
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: Deque[Tuple[Observation, Rates]] = deque()
        self._closing = False
        self._sink: Optional[Sink] = None
        self._opened = 0
        self._failure: Optional[Exception] = None
        self._good_since: Optional[float] = None
        self._writing_since: Optional[float] = None
        self._thread = threading.Thread(target=self._run, name=f"fer-edge-{name}", daemon=True)

    def open(self) -> None:
        """Open the sink, and start the thread. Raises what the sink raises, unless it is to be tried again."""
        try:
            self._sink = self._open_anew()
        except Exception as error:
            if not self._worked:
                raise
            self._note_failure(error, self._backoff.next())
        self._thread.start()

    def offer(self, observation: Observation, rates: Rates) -> None:
        """Leave an observation for the sink; never waits. The oldest that waits is left out when there are too many."""
        with self._changed:
            if self.ended is not None:
                return
            self._waiting.append((observation, rates))
            size = observation.frame.image.nbytes
            while len(self._waiting) > 1 and (
                len(self._waiting) > MOST_WAITING or len(self._waiting) * size > MOST_BYTES
            ):
                self._waiting.popleft()
                self.lost += 1
            self._changed.notify()

    def trouble(self) -> str:
        """Say what is wrong, for people; empty when nothing is."""
        failure, since, good = self._failure, self._writing_since, self._good_since
        if failure is not None and (good is None or self._clock() - good < STEADY_AFTER):
            return f"{self.name} does not work: {_reason(failure)}"
        if since is not None and self._clock() - since > SLOW_AFTER:
            return f"{self.name} has been writing for {self._clock() - since:.0f} s"
        return ""

    def close(self) -> None:
        """Write what still waits, and close the sink.

        A sink that does not end in time is left behind, and ends with the process.

        Raises
        ------
        Exception
            What kept the sink from working, if it did not recover.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is None:
            return
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self.lost += len(self._waiting)
            logger.warning(
                "%s did not finish within %g s and is given up",
                self.name,
                CLOSE_SECONDS,
                extra={"event": "sink_given_up", "sink": self.name},
            )
        if self.lost:
            logger.warning(
                "%s left out %d results",
                self.name,
                self.lost,
                extra={"event": "results_left_out", "sink": self.name, "lost": self.lost},
            )
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Outlet:
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

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    break
                observation, rates = self._waiting.popleft()
            if not self._write(observation, rates):
                break
        with self._changed:
            self.lost += len(self._waiting)
            self._waiting.clear()
        try:
            if self._sink is not None:
                self._sink.close()
            if self._good_since is not None:
                self._recovered()
        except Exception as error:  # noqa: BLE001  (handed to whoever closes the outlet)
            self._failure = error

    def _open_anew(self) -> Sink:
        sink = self._open_sink(self._opened)
        self._opened += 1
        return sink

    def _write(self, observation: Observation, rates: Rates) -> bool:
        """Write one observation, however often it takes; False when there is no more writing."""
        while True:
            # The end cuts the wait for the next attempt short, but this one is still made.
            last = self._closing
            try:
                self._writing_since = self._clock()
                if self._sink is None:
                    self._sink = self._open_anew()
                self._sink.write(observation, rates)
            except OutputClosed as error:
                self.ended = error
                return False
            except Exception as error:  # noqa: BLE001  (a sink may fail in any way, and only it shall)
                if not self._worked:
                    self.ended = self._failure = error
                    return False
                self._writing_since = None
                self._drop_sink()
                delay = self._backoff.next()
                self._note_failure(error, delay)
                if last:
                    self.lost += 1
                    return False
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, delay)
            else:
                self._worked = True
                self._note_success()
                return True
            finally:
                self._writing_since = None

    def _drop_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            with suppress(Exception):
                sink.close()

    def _note_failure(self, error: Exception, delay: float) -> None:
        first, self._failure, self._good_since = self._failure is None, error, None
        logger.log(
            logging.WARNING if first else logging.DEBUG,
            "%s does not work: %s Trying again in %.1f s.",
            self.name,
            _reason(error),
            delay,
            extra={"event": "sink_lost", "sink": self.name, "reason": _reason(error), "retry_in_s": round(delay, 1)},
        )

    def _note_success(self) -> None:
        if self._failure is None:
            return
        if self._good_since is None:
            self._good_since = self._clock()
        elif self._clock() - self._good_since >= STEADY_AFTER:
            self._recovered()

    def _recovered(self) -> None:
        self._failure = self._good_since = None
        self._backoff.reset()
        fields = {"event": "sink_back", "sink": self.name, "lost": self.lost}
        logger.warning("%s works again; %d results were left out so far", self.name, self.lost, extra=fields)


def _reason(error: Exception) -> str:
    return str(getattr(error, "message", "")) or f"{type(error).__name__}: {error}"
