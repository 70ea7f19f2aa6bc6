"""Keeps the stages of a session going, and finds calls that do not return, in stages and sources alike."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Protocol, Sequence, Tuple

from fer_edge.errors import StageFailed
from fer_edge.pipeline.retry import RestartLimit
from fer_edge.pipeline.worker import Call, Worker
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

STAGES = "stages"
"""The group of all threads of all stages; those of a camera are one of their own."""

MOST_HANGING = 16
"""Threads of a group that hang in calls at the same time; with more, only a new process helps. Eight may hang in one fault, as
they share a network."""

LONGEST_TICK = 1.0
"""Seconds that one look counts at most: after a stop of the whole process no call shall seem to have hung meanwhile."""

RECENT = 300.0
"""Seconds for which a restart is worth mentioning."""


@dataclass(frozen=True)
class Incidents:
    """What happened to the stages so far.

    Attributes
    ----------
    restarts : mapping of str to int
        By stage, how often it was built anew.
    hung : int
        Threads that were given up in a call that hung.
    """

    restarts: Mapping[str, int] = field(default_factory=dict)
    hung: int = 0


class Supervised(Protocol):
    """Something that runs in a worker which can hang, for a step that frames take."""

    name: str
    step: str
    group: str
    worker: Worker

    def replace(self, error: BaseException) -> None:
        """Go on without the worker that was given up because of `error`."""

    def abandon(self) -> None:
        """Let go of what the given-up worker has in hand, as the end has come."""


class Supervisor:
    """Keeps the stages of one session going.

    A stage that raises or hangs is built anew, after at most five faults in 60 seconds; then its error ends the session, as it
    does when `MOST_HANGING` of their threads hang in drivers at the same time. What happens is logged, one line per change.

    Parameters
    ----------
    restarts : bool
        Whether a stage is built anew; else its first error ends the session.
    limit : RestartLimit, optional
        How often all stages together may be built anew.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self, restarts: bool = True, limit: Optional[RestartLimit] = None, clock: Clock = time.monotonic
    ) -> None:
        self._may_restart = restarts
        self._limit = limit or RestartLimit(clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._restarts: Dict[str, int] = {}
        self._last_restart: Optional[Tuple[float, str]] = None
        self._looked_at = clock()
        self._ages: Dict[str, Tuple[Call, float]] = {}
        self._hanging: List[Tuple[str, threading.Thread]] = []
        self._hung = 0

    def exhausted(self, group: str) -> Optional[StageFailed]:
        """Return the error that ends a group in which too many threads hang; None while they are few."""
        with self._lock:
            self._hanging = [(name, thread) for name, thread in self._hanging if thread.is_alive()]
            if sum(name == group for name, _ in self._hanging) < MOST_HANGING:
                return None
        return StageFailed(
            f"{MOST_HANGING} threads hang in drivers or libraries at the same time.",
            "Only a new process is free of them: start the program again, or the machine if that does not help.",
        )

    def stage_failed(self, name: str, error: BaseException, is_new: bool = True) -> bool:
        """Return whether a stage that failed with `error` shall be built anew; what is not new is part of an earlier fault."""
        if not self._may_restart:
            return False
        exhausted = self.exhausted(STAGES)
        with self._lock:
            again = exhausted is None and (not is_new or self._limit.allow())
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

    def look(self, watched: Sequence[Supervised]) -> None:
        """Give up threads whose call does not return; to be called several times a second."""
        now = self._clock()
        passed, self._looked_at = min(now - self._looked_at, LONGEST_TICK), now
        for supervised in watched:
            worker = supervised.worker
            call = worker.call
            if call is None or worker.given_up:
                self._ages.pop(supervised.name, None)
                continue
            before, age = self._ages.get(supervised.name, (call, -passed))
            age = age + passed if before is call else 0.0
            self._ages[supervised.name] = (call, age)
            if age >= call.limit and worker.give_up(call):
                del self._ages[supervised.name]
                self._give_up(supervised, worker, call)

    def leave(self, supervised: Supervised) -> bool:
        """Give up, at the end of the run, a thread that stands in a call into a driver or a library; tell whether it does."""
        worker = supervised.worker
        call = worker.call
        if call is None or not worker.give_up(call):
            return False
        logger.warning(
            "the %s thread hangs in its %s; it is left behind and ends with the program",
            supervised.name,
            call.what,
            extra={"event": "thread_given_up", "stage": supervised.name, "call": call.what},
        )
        supervised.abandon()
        return True

    def incidents(self) -> Incidents:
        """Return the counts of what happened."""
        with self._lock:
            return Incidents(dict(self._restarts), self._hung)

    def troubles(self) -> Tuple[str, ...]:
        """Return what is wrong now, or was a short time ago, for people."""
        now = self._clock()
        with self._lock:
            troubles = []
            if self._last_restart is not None and now - self._last_restart[0] < RECENT:
                ago = now - self._last_restart[0]
                troubles.append(f"the {self._last_restart[1]} stage was built anew {ago:.0f} s ago")
            hanging = sum(thread.is_alive() for _, thread in self._hanging)
            if hanging:
                troubles.append(
                    f"{hanging} thread{'s' if hanging > 1 else ''} hang{'' if hanging > 1 else 's'} in a driver"
                )
            return tuple(troubles)

    def _give_up(self, supervised: Supervised, worker: Worker, call: Call) -> None:
        with self._lock:
            self._hanging.append((supervised.group, worker.thread))
            self._hung += 1
        logger.warning(
            "the %s thread has hung in its %s for %.0f s and is given up",
            supervised.name,
            call.what,
            call.limit,
            extra={"event": "thread_given_up", "stage": supervised.name, "call": call.what, "after_s": call.limit},
        )
        supervised.replace(
            StageFailed(
                f"The {supervised.name} stage's {call.what} did not return within {call.limit:g} s.",
                "A driver or a library hangs; when it does so again and again, restart the program or the machine.",
            )
        )


def _trace(error: BaseException) -> Optional[BaseException]:
    """Return the error for its traceback, where somebody looks for one."""
    return error if logger.isEnabledFor(logging.DEBUG) else None
