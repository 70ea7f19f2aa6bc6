"""A sink in a thread of its own, so that a full disk or a dead network holds up nothing but itself."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Callable, Optional, Type

from fer_edge.errors import OutputNotWritable
from fer_edge.pipeline.backlog import Backlog
from fer_edge.pipeline.current_sink import CurrentSink
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.sink_deadline import Deadline
from fer_edge.pipeline.sink_policy import HUNG_AFTER, SinkPolicy
from fer_edge.pipeline.sink_state import SLOW_AFTER, SinkState
from fer_edge.pipeline.sink_writer import SinkWriter
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.system.clock import Clock
from fer_edge.types import Observation, Rates

logger = logging.getLogger("fer_edge")

OPEN_SECONDS = 10.0
"""Longest that making or opening a sink may take at first: a disk may hang."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
"""Seconds between attempts to write again."""

STUCK_AFTER = 1.0
"""Seconds that one result takes after which a run that ends by itself, and gives up the sink, fails for its last results.

A sink that is slow, as one that encodes large images on a small processor, takes twice as long as it usually does first."""

_LOOK = 0.05

Describe = Callable[[Observation], StreamInfo]


class SinkRunner:
    """Hands observations to a sink, which it opens at the first of them, and anew when it fails.

    An observation that cannot be written is left out, and the next one is written. What else fails is tried again, the same
    observation first. No call waits for the sink but `open` and `close`. Of a live camera the oldest results are left out
    when too many wait. Of a file none is, while whoever has them asks for `room` before each: a slow sink slows it. A sink
    that does not work holds it up only where it is `required`.

    Parameters
    ----------
    name : str
        Of the sink, for people.
    make_sink : callable
        Makes the sink, to be opened next; gets how often it was opened before. Called in the runner's thread, at first from
        `open`, so that a mistake is told at once.
    required : bool
        Whether the sink is one without which the run makes no sense, as a file that its user asked for. What it raises before
        it has ever worked ends it, as a mistake; so does any failure where all results are those of files.
    from_the_start : bool
        Whether a sink that is required and never worked is tried again nevertheless.
    backoff : Backoff, optional
        Delays between attempts.
    clock : callable, optional
        Monotonic seconds.
    stop : Event, optional
        Set when the run shall end.
    camera : str, optional
        The only camera whose observations it is to get; those of all when left out.

    Attributes
    ----------
    policy : SinkPolicy
        What a failure means.
    """

    def __init__(
        self,
        name: str,
        make_sink: Callable[[int], Sink],
        *,
        required: bool = False,
        from_the_start: bool = False,
        backoff: Optional[Backoff] = None,
        clock: Clock = time.monotonic,
        stop: Optional[threading.Event] = None,
        camera: Optional[str] = None,
    ) -> None:
        self.name = name
        self.camera = camera
        self._stop = stop or threading.Event()
        self._clock = clock
        self._backlog = Backlog()
        self._told_that_it_hangs = False
        self._state = SinkState(name, clock)
        self.policy = SinkPolicy(required, from_the_start, self._state)
        self._sink = CurrentSink(make_sink, self._state)
        self._writer = SinkWriter(
            self._sink,
            self._backlog,
            self._state,
            self.policy,
            backoff or Backoff(FIRST_DELAY, LONGEST_DELAY),
            self._stop,
            self._as_fed,
        )
        self._thread = threading.Thread(target=self._writer.run, name=f"fer-edge-{name}", daemon=True)

    @property
    def ended(self) -> Optional[Exception]:
        """What ended the sink for good; None while it may still work."""
        return self._writer.ended

    @property
    def lost(self) -> int:
        """How many observations the sink did not get so far, and how much it lost itself."""
        return self._backlog.lost + self._sink.lost

    def open(
        self,
        describe: Optional[Describe] = None,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the thread, and wait until it has made the sink.

        Parameters
        ----------
        describe : callable, optional
            Gives, for the first observation after each opening, what the sink is told.
        notify : callable
            Called, in the runner's thread, whenever there may be room again.

        Raises
        ------
        Exception
            What the sink raised, or that it hangs, unless it is to be tried again.
        """
        self._writer.describe, self._backlog.notify = describe or self._as_fed, notify
        self._thread.start()
        while not self._writer.made.wait(_LOOK):
            if self._stop.is_set():
                return
            self._look_whether_it_hangs()
            if self._told_that_it_hangs:
                break
        if self.ended is not None:
            raise self.ended

    def takes(self, camera: str) -> bool:
        """Return whether the sink is to get the observations of a camera."""
        return self.camera is None or self.camera == camera

    def room(self, camera: str) -> bool:
        """Return whether an observation of a file can be offered now without losing one; never waits."""
        self._look_whether_it_hangs()
        return self.ended is not None or not self.policy.keeps() or self._backlog.room(camera)

    def offer(self, observation: Observation, rates: Rates, live: bool = True) -> None:
        """Leave an observation for the sink; never waits.

        Parameters
        ----------
        live : bool
            Whether it is one of a live camera, and may be left out for newer ones.
        """
        self._look_whether_it_hangs()
        self.policy.feeds(observation.frame.source, live)
        if self.ended is not None:
            self._backlog.leave_out()
        else:
            self._backlog.add(observation, rates, keep=not live and self.policy.keeps())

    def trouble(self) -> str:
        """Return why the sink does not work, for people; empty when it does."""
        if self.ended is not None and not self._state.failure:
            return f"{self.name} has ended: {getattr(self.ended, 'message', self.ended)}"
        trouble = self._state.trouble()
        own = self._sink.trouble()
        return trouble or (own and f"{self.name} does not work: {own}")

    def remark(self) -> str:
        """Return which results a sink that works left out lately, for people; empty when none."""
        return self._state.remark()

    def ask_to_end(self) -> None:
        """Have what still waits written, and the sink closed; never waits."""
        self._backlog.close()

    def close(self, deadline: Optional[Deadline] = None) -> None:
        """Write what still waits, and close the sink.

        A sink that does not end in time is left behind, and ends with the process.

        Parameters
        ----------
        deadline : Deadline, optional
            Shared with other runners that were asked to end; one of its own when left out.

        Raises
        ------
        Exception
            What kept the sink from working, if it did not recover; or that it hangs.
        """
        self.ask_to_end()
        if self._thread.ident is None:
            return
        deadline = deadline or Deadline(self._clock)
        given_up = not self._wait_for_the_thread(deadline)
        # One that is merely too slow has lost no more than it does all the time, and what it wrote is whole.
        hangs = given_up and self._state.calling_for() >= min(SLOW_AFTER, HUNG_AFTER)
        if given_up:
            if self._state.writing_for() > 0:
                # Somebody who wants the end gets it; a run that came to its own owes the results.
                stuck = self._state.writing_for() >= max(STUCK_AFTER, 2 * self._state.usual_writing)
                hangs = hangs or (stuck and not self._stop.is_set())
                self._backlog.leave_out()
            self._backlog.leave_out_the_rest()
            logger.warning(
                "%s did not finish within %g s and is given up",
                self.name,
                HUNG_AFTER if self._is_waited_for_at_the_end() else deadline.seconds,
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
        if self.policy.is_strict() and self.ended is not None:
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

    def _as_fed(self, observation: Observation) -> StreamInfo:
        return StreamInfo.of(observation, live=self.policy.is_live(observation.frame.source))

    def _wait_for_the_thread(self, deadline: Deadline) -> bool:
        """Wait until the sink is closed; tell whether it was in time.

        Of a file, which waits for its sink, all is still written, unless the sink hangs or somebody wants the end.
        """
        while True:
            self._thread.join(0 if deadline.passed() else _LOOK)
            if not self._thread.is_alive():
                return True
            if not self._is_waited_for_at_the_end():
                if deadline.passed():
                    return False
            else:
                deadline.renew()
                if self._state.calling_for() >= HUNG_AFTER:
                    return False

    def _is_waited_for_at_the_end(self) -> bool:
        return self.policy.is_fed_by_files and self.ended is None and not self._stop.is_set()

    def _look_whether_it_hangs(self) -> None:
        if self.policy.worked or self._told_that_it_hangs or self._state.opening_for() < OPEN_SECONDS:
            return
        self._told_that_it_hangs = True
        error = _hangs(self.name, f"could not be opened within {OPEN_SECONDS:g} s")
        if self.policy.is_final():
            self._writer.ended = error
            self._backlog.close()
        else:
            logger.warning("%s", error.message, extra={"event": "sink_lost", "sink": self.name})


def _hangs(name: str, what: str) -> OutputNotWritable:
    return OutputNotWritable(
        f"{name[0].upper()}{name[1:]} {what}: its disk, the network behind it or its reader hangs or is far too slow.",
        "Check the disk (`dmesg` tells what the kernel says of it) or the reader, or write to another place.",
    )
