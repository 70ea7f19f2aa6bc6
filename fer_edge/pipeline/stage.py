"""One post that turns what comes in into what goes out."""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable, Generic, Optional, Tuple, TypeVar

from fer_edge.errors import FerEdgeError, StageFailed
from fer_edge.pipeline.mailbox import Closed, Mailbox
from fer_edge.pipeline.worker import Call, GivenUp, Worker
from fer_edge.system.clock import Clock
from fer_edge.types import StageTime

logger = logging.getLogger("fer_edge")

In = TypeVar("In")
Out = TypeVar("Out")

BUILD, FIRST_CALL = "build", "first call"

BUILD_LIMIT = 3600.0
"""Seconds that the first build may take: an engine takes minutes on a small board, and others may build before it."""

REBUILD_LIMIT = 300.0
"""Seconds for a later one, which finds the engine built."""

FIRST_LIMIT = 120.0
"""Seconds that the first call after a build may take: GPU libraries load and compile their kernels in it."""

WORK_LIMIT = 10.0
"""Seconds after which any other call counts as hung; a stage takes milliseconds."""


class Upstream(Exception):
    """What comes before the stage ended with an error, which is none of the stage's own."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


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
    recover : callable, optional
        Gets the stage's name and what went wrong, and tells whether the work is built anew; without it, an error ends the
        stage. What goes wrong in the first build always does: it would go wrong again.
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
        recover: Callable[[str, BaseException], bool] = lambda _name, _error: False,
    ) -> None:
        self.name = name
        self.ready = threading.Event()
        self.worker = Worker(name, self._run)
        self._build = build
        self._inbox = inbox
        self._outbox = outbox
        self._stamp = stamp
        self._discard = discard
        self._clock = clock
        self._recover = recover
        self._item: Optional[In] = None

    @property
    def building(self) -> bool:
        """Whether the work is being built, which cannot be interrupted."""
        call = self.worker.call
        return not self.ready.is_set() or (call is not None and call.what == BUILD)

    @property
    def preparing(self) -> bool:
        """Whether the work is being built or called for the first time, which may take minutes and has limits of its own."""
        call = self.worker.call
        return self.building or (call is not None and call.what == FIRST_CALL)

    def relieve(self, error: BaseException) -> None:
        """Go on in a new thread if `error` can be recovered from: the old one was given up in a call. What it had is lost."""
        self.abandon()
        if self.ready.is_set() and self._recover(self.name, error):
            self.worker = Worker(self.name, self._run)
            self.worker.thread.start()
        else:
            self._end(error)

    def abandon(self) -> None:
        """Count what the given-up thread has in hand as lost."""
        item, self._item = self._item, None
        if item is not None:
            self._discard(item)

    def _run(self, worker: Worker) -> None:
        while True:
            try:
                self._serve(worker)
            except Closed:
                return self._end(None)
            except Upstream as ended:
                return self._end(ended.error)
            except GivenUp:
                raise
            except BaseException as caught:  # noqa: BLE001  (handed to the consumer, whatever it is)
                error = as_stage_error(self.name, caught)
                if not self.ready.is_set() or not self._recover(self.name, error):
                    return self._end(error)

    def _end(self, error: Optional[BaseException]) -> None:
        self.ready.set()
        lost = self._inbox.close()
        if lost is not None:
            self._discard(lost)
        self._outbox.finish(error)

    def _serve(self, worker: Worker) -> None:
        with worker.calling(Call(BUILD, REBUILD_LIMIT if self.ready.is_set() else BUILD_LIMIT)):
            work, give_back = self._build()
        self.ready.set()
        try:
            self._work_through(work, worker)
        finally:
            self._close(give_back, worker)

    def _close(self, give_back: Callable[[], None], worker: Worker) -> None:
        """Give back what the work took; what goes wrong in it does not hide why the work ended."""
        try:
            if worker.given_up:
                # It may hang here for ever; the thread is alone with it.
                give_back()
            else:
                with worker.calling(Call("close", WORK_LIMIT)):
                    give_back()
        except Exception:
            logger.debug("closing the %s stage failed", self.name, exc_info=True)

    def _work_through(self, work: Callable[[In], Out], worker: Worker) -> None:
        call = Call(FIRST_CALL, FIRST_LIMIT)
        while True:
            self._outbox.wait_for_room()
            try:
                taken = self._inbox.take()
            except Closed:
                raise
            except BaseException as error:
                raise Upstream(error) from error
            if taken is None:
                continue
            item, waited = taken
            self._item = item
            try:
                started = self._clock()
                with worker.calling(call):
                    result = work(item)
                time_spent = StageTime(queue_wait=waited, service=self._clock() - started)
                self._outbox.put(self._stamp(result, time_spent))
            except GivenUp:
                raise
            except BaseException:
                self._item = None
                self._discard(item)
                raise
            self._item = None
            call = Call("call", WORK_LIMIT)


def as_stage_error(stage: str, error: BaseException) -> BaseException:
    """Return `error` itself if it is one of ours, else a `StageFailed` that names the stage and has it as its cause."""
    if isinstance(error, FerEdgeError):
        return error
    failed = StageFailed(
        f"The {stage} stage failed: {type(error).__name__}: {error}",
        "This is a fault of the program or of a library; run again with --log-level debug for the traceback.",
    )
    failed.__cause__ = error
    return failed
