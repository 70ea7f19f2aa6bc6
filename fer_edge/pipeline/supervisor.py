"""Keeps a pipeline going: it decides what becomes of a part that failed, and finds calls that do not return."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set, Tuple

from fer_edge.capture.base import Source
from fer_edge.errors import FerEdgeError, StageFailed
from fer_edge.pipeline.retry import Backoff, RestartLimit
from fer_edge.pipeline.worker import Call, Worker
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

MOST_HANGING = 8
"""Threads that hang in calls at the same time; with more, only a new process helps."""

LONGEST_TICK = 1.0
"""Seconds that one look counts at most: after a stop of the whole process no call shall seem to have hung meanwhile."""

STEADY_AFTER = 30.0
"""Seconds for which a source must have worked, so that its next failure begins a new series; longer than a frozen picture is
watched, so that a source which comes and goes is not opened twice a second, with two lines in the log each time."""

RECENT = 300.0
"""Seconds for which a restart is worth mentioning."""


class Post(Protocol):
    """A place in the pipeline where a thread works."""

    name: str
    worker: Worker

    def relieve(self, error: BaseException) -> None:
        """Go on without the thread that was given up because of `error`."""

    def abandon(self) -> None:
        """Let go of what the given-up thread has in hand, as the end has come."""


@dataclass(frozen=True)
class Incidents:
    """What happened to the parts so far."""

    reconnects: int = 0
    restarts: Mapping[str, int] = field(default_factory=dict)
    hung: int = 0
    undecodable: int = 0


class Supervisor:
    """Keeps one pipeline going.

    A source that fails, ends or stalls is opened anew, for ever, with growing delays. A stage that raises or hangs is built
    anew, at most five times in 60 seconds; then its error ends the pipeline, as it does when `MOST_HANGING` threads hang in
    drivers at the same time. What happens is logged, one line per change.

    Parameters
    ----------
    reopen : callable, optional
        Makes a new source. What it raises counts as a failed opening. Without it nothing is tried again: the first error,
        or the first call that hangs, ends the pipeline.
    from_the_start : bool
        Whether a source that cannot even be opened the first time is tried again; else its error ends the pipeline.
    backoff : Backoff, optional
        Delays between attempts to open the source.
    limit : RestartLimit, optional
        How often all stages together may be built anew.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self,
        reopen: Optional[Callable[[], Source]],
        from_the_start: bool = False,
        backoff: Optional[Backoff] = None,
        limit: Optional[RestartLimit] = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._reopen = reopen
        self._from_the_start = from_the_start
        self._backoff = backoff or Backoff()
        self._limit = limit or RestartLimit(clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._seen_source = False
        self._lost: Optional[Tuple[float, str]] = None
        self._found_at: Optional[float] = None
        self._told = False
        self._kinds: Set[type] = set()
        self._attempts = 0
        self._reconnects = 0
        self._restarts: Dict[str, int] = {}
        self._last_restart: Optional[Tuple[float, str]] = None
        self._looked_at = clock()
        self._ages: Dict[str, Tuple[Call, float]] = {}
        self._hanging: List[threading.Thread] = []
        self._hung = 0
        self._spoiled = 0

    def source_lost(self, error: Optional[BaseException]) -> Optional[float]:
        """Return after how many seconds the source shall be opened anew; None when this ends the pipeline.

        Parameters
        ----------
        error : BaseException or None
            What went wrong; None when the source came to its end.
        """
        if self._reopen is None or self.exhausted() is not None:
            return None
        if not self._seen_source and not (self._from_the_start and (error is None or isinstance(error, FerEdgeError))):
            return None
        with self._lock:
            now = self._clock()
            if self._found_at is not None and now - self._found_at >= STEADY_AFTER:
                self._attempts = 0
                self._kinds.clear()
                self._backoff.reset()
            self._found_at = None
            delay = self._backoff.next()
            reason = "it ended" if error is None else str(getattr(error, "message", error))
            # Since the first failure, but why the latest: a camera that was unplugged may be in use by another program now.
            self._lost = (now if self._lost is None else self._lost[0], reason)
            self._attempts += 1
            attempts = self._attempts
        # The first failures tell what is wrong, and each new kind of failure; a line for each of thousands would only fill the
        # journal.
        tell = attempts <= 3 or attempts & (attempts - 1) == 0 or type(error) not in self._kinds
        self._kinds.add(type(error))
        # Whoever was told of the loss is told of its end, too.
        self._told = self._told or tell
        remedy = str(getattr(error, "remedy", ""))
        fields = {"event": "source_lost", "reason": reason, "attempt": attempts, "retry_in_s": round(delay, 1)}
        logger.log(
            logging.WARNING if tell else logging.DEBUG,
            "the source is lost: %s Trying again in %.1f s (attempt %d).%s",
            reason,
            delay,
            attempts,
            f" {remedy}" if attempts == 1 and remedy else "",
            extra={**fields, "remedy": remedy} if remedy else fields,
        )
        return delay

    def reopen(self) -> Source:
        """Make a new source, after `source_lost` has said that there shall be one."""
        if self._reopen is None:
            raise ValueError("this supervisor opens nothing anew")
        return self._reopen()

    def exhausted(self) -> Optional[StageFailed]:
        """Return the error that ends a pipeline in which too many threads hang; None while they are few."""
        with self._lock:
            self._hanging = [thread for thread in self._hanging if thread.is_alive()]
            if len(self._hanging) < MOST_HANGING:
                return None
        return StageFailed(
            f"{MOST_HANGING} threads hang in drivers or libraries at the same time.",
            "Only a new process is free of them: start the program again, or the machine if that does not help.",
        )

    def source_found(self) -> None:
        """Note that a frame came: the source works."""
        if self._seen_source and self._lost is None:
            return
        with self._lock:
            self._seen_source = True
            self._found_at = self._clock()
            lost, self._lost = self._lost, None
            if lost is None:
                return
            self._reconnects += 1
        away = self._clock() - lost[0]
        level, self._told = logging.WARNING if self._told else logging.DEBUG, False
        fields = {"event": "source_back", "away_s": round(away, 1)}
        logger.log(level, "the source is back after %.1f s", away, extra=fields)

    def stage_failed(self, name: str, error: BaseException) -> bool:
        """Return whether a stage that failed with `error` shall be built anew."""
        if self._reopen is None:
            return False
        exhausted = self.exhausted()
        with self._lock:
            again = exhausted is None and self._limit.allow()
            if again:
                self._restarts[name] = self._restarts.get(name, 0) + 1
                self._last_restart = (self._clock(), name)
        reason = str(getattr(error, "message", error))
        fields = {"event": "stage_rebuilt" if again else "stage_given_up", "stage": name, "reason": reason}
        if again:
            logger.warning("the %s stage is built anew: %s", name, reason, extra=fields, exc_info=_trace(error))
        else:
            why = f"it failed more than {self._limit.most} times in {self._limit.period:.0f} s"
            why = why if exhausted is None else exhausted.message
            logger.error("the %s stage is given up: %s (%s)", name, reason, why, extra=fields)
        return again

    def look(self, workers: Sequence[Post]) -> None:
        """Give up threads whose call does not return; to be called several times a second."""
        now = self._clock()
        passed, self._looked_at = min(now - self._looked_at, LONGEST_TICK), now
        for post in workers:
            worker = post.worker
            call = worker.call
            if call is None or worker.given_up:
                self._ages.pop(post.name, None)
                continue
            before, age = self._ages.get(post.name, (call, -passed))
            age = age + passed if before is call else 0.0
            self._ages[post.name] = (call, age)
            if age >= call.limit and worker.give_up(call):
                del self._ages[post.name]
                self._give_up(post, worker, call)

    def leave(self, post: Post) -> bool:
        """Give up, at the end of the run, a thread that stands in a call into a driver or a library; tell whether it does."""
        worker = post.worker
        call = worker.call
        if call is None or not worker.give_up(call):
            return False
        logger.warning(
            "the %s thread hangs in its %s; it is left behind and ends with the program",
            post.name,
            call.what,
            extra={"event": "thread_given_up", "stage": post.name, "call": call.what},
        )
        post.abandon()
        return True

    def image_undecodable(self, error: FerEdgeError) -> None:
        """Note that a picture was left out because it could not be decoded."""
        with self._lock:
            self._spoiled += 1
            count = self._spoiled
        level = logging.WARNING if count & (count - 1) == 0 else logging.DEBUG
        fields = {"event": "image_undecodable", "reason": error.message, "count": count}
        logger.log(level, "a picture is left out, number %d so far: %s", count, error.message, extra=fields)

    def incidents(self) -> Incidents:
        """Return the counts of what happened."""
        with self._lock:
            return Incidents(self._reconnects, dict(self._restarts), self._hung, self._spoiled)

    def source_trouble(self) -> str:
        """Return since when and why the source is lost, for people; empty while it works."""
        lost = self._lost
        return "" if lost is None else f"the source is lost since {self._clock() - lost[0]:.0f} s: {lost[1]}"

    def troubles(self) -> Tuple[str, ...]:
        """Return what is wrong now, or was a short time ago, for people."""
        now = self._clock()
        with self._lock:
            troubles = list(filter(None, [self.source_trouble()]))
            if self._last_restart is not None and now - self._last_restart[0] < RECENT:
                ago = now - self._last_restart[0]
                troubles.append(f"the {self._last_restart[1]} stage was built anew {ago:.0f} s ago")
            hanging = sum(thread.is_alive() for thread in self._hanging)
            if hanging:
                troubles.append(
                    f"{hanging} thread{'s' if hanging > 1 else ''} hang{'' if hanging > 1 else 's'} in a driver"
                )
            return tuple(troubles)

    def _give_up(self, post: Post, worker: Worker, call: Call) -> None:
        with self._lock:
            self._hanging.append(worker.thread)
            self._hung += 1
        logger.warning(
            "the %s thread has hung in its %s for %.0f s and is given up",
            post.name,
            call.what,
            call.limit,
            extra={"event": "thread_given_up", "stage": post.name, "call": call.what, "after_s": call.limit},
        )
        post.relieve(
            StageFailed(
                f"The {post.name} stage's {call.what} did not return within {call.limit:g} s.",
                "A driver or a library hangs; when it does so again and again, restart the program or the machine.",
            )
        )


def _trace(error: BaseException) -> Optional[BaseException]:
    """Return the error for its traceback, where somebody looks for one."""
    return error if logger.isEnabledFor(logging.DEBUG) else None
