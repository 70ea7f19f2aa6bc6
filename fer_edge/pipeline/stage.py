"""One thread that turns what comes in into what goes out."""

from __future__ import annotations

import threading
import time
from typing import Callable, Generic, Optional, Tuple, TypeVar

from fer_edge.errors import FerEdgeError, StageFailed
from fer_edge.meter import Clock
from fer_edge.pipeline.mailbox import Closed, Mailbox
from fer_edge.types import StageTime

In = TypeVar("In")
Out = TypeVar("Out")


class Stage(Generic[In, Out]):
    """Runs a piece of work in its own thread, between two mailboxes.

    It starts on an item only when there is room for the result, so that the newest frame is taken as late as possible, and no
    result ever has to be thrown away.

    Parameters
    ----------
    name : str
        Of the stage and its thread.
    build : callable
        Makes the work, and what gives back its resources, in the stage's own thread: a network or a GPU context belongs to
        the thread that uses it.
    inbox, outbox : Mailbox
        Where items come from, and where results go.
    stamp : callable
        Gets a result and the time it took, and gives the result with the time written on it.
    discard : callable
        Gets an item that is lost because the program is being stopped or the work failed.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], Tuple[Callable[[In], Out], Callable[[], None]]],
        inbox: Mailbox[In],
        outbox: Mailbox[Out],
        stamp: Callable[[Out, StageTime], Out],
        discard: Callable[[In], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.ready = threading.Event()
        self._build = build
        self._inbox = inbox
        self._outbox = outbox
        self._stamp = stamp
        self._discard = discard
        self._clock = clock
        self.thread = threading.Thread(target=self._run, name=f"fer-edge-{name}", daemon=True)

    def _run(self) -> None:
        error: Optional[BaseException] = None
        try:
            work, give_back = self._build()
            self.ready.set()
            try:
                self._work_through(work)
            finally:
                give_back()
        except Closed:
            pass
        except BaseException as caught:  # noqa: BLE001  (handed to the consumer, whatever it is)
            error = as_stage_error(self.name, caught)
        finally:
            self.ready.set()
            lost = self._inbox.close()
            if lost is not None:
                self._discard(lost)
            self._outbox.finish(error)

    def _work_through(self, work: Callable[[In], Out]) -> None:
        while True:
            self._outbox.wait_for_room()
            taken = self._inbox.take()
            if taken is None:
                continue
            item, waited = taken
            try:
                started = self._clock()
                result = work(item)
                time_spent = StageTime(queue_wait=waited, service=self._clock() - started)
                self._outbox.put(self._stamp(result, time_spent))
            except BaseException:
                self._discard(item)
                raise


def as_stage_error(stage: str, error: BaseException) -> BaseException:
    """Give `error` itself if it is one of ours, else a `StageFailed` that names the stage and has it as its cause."""
    if isinstance(error, FerEdgeError):
        return error
    failed = StageFailed(
        f"The {stage} stage failed: {type(error).__name__}: {error}",
        "This is a fault of the program or of a library; run again with --log-level debug for the traceback.",
    )
    failed.__cause__ = error
    return failed
