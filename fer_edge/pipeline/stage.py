"""Runs a stage in threads of its own, between two mailboxes."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from fer_edge.pipeline.mailbox import Closed, Delivery, Mailbox
from fer_edge.pipeline.order import LaneOrder
from fer_edge.pipeline.stage_faults import Recover, StageFaults, Upstream
from fer_edge.pipeline.stage_spec import NotNeeded, Record, StageSpec, StageWork, as_stage_error, merged
from fer_edge.pipeline.supervisor import STAGES
from fer_edge.pipeline.worker import Call, GivenUp, Worker
from fer_edge.server_use import ServerUse
from fer_edge.system.clock import Clock
from fer_edge.types import Observation, StageTime

logger = logging.getLogger("fer_edge")

BUILD, FIRST_CALL = "build", "first call"

BUILD_LIMIT = 3600.0
"""Seconds that the first build may take: an engine takes minutes on a small board, and others may build before it."""

REBUILD_LIMIT = 300.0
"""Seconds for a later one, which finds the engine built."""

FIRST_LIMIT = 120.0
"""Seconds that the first call after a build may take: GPU libraries load and compile their kernels in it."""

WORK_LIMIT = 10.0
"""Seconds after which any other call counts as hung; a stage takes milliseconds."""


class Stage:
    """Runs the work of a spec between two mailboxes.

    It starts on a frame only when there is room for the result, so that the newest frame is taken as late as possible, and no
    result ever has to be thrown away.

    Parameters
    ----------
    spec : StageSpec
        What to run.
    inbox, outbox : Mailbox
        Where observations come from, and where they go.
    order : LaneOrder
        Of the stage's own.
    record : callable
        Is told how long each frame took.
    discard : callable
        Gets an observation that is lost because the program is being stopped or the work failed.
    recover : callable, optional
        As `StageFaults` takes it; without it, an error ends the stage. What goes wrong in the first build always does: it
        would go wrong again.
    keeps : callable, optional
        Tells of a lane whether each of its frames matters: one on which the work failed is then tried once more, alone.
    """

    def __init__(
        self,
        spec: StageSpec,
        inbox: Mailbox[Observation],
        outbox: Mailbox[Observation],
        order: LaneOrder,
        record: Record,
        discard: Callable[[Observation], None],
        clock: Clock = time.monotonic,
        recover: Recover = lambda _name, _error, _is_new: False,
        keeps: Callable[[str], bool] = lambda _lane: False,
    ) -> None:
        self.spec = spec
        self.ready = threading.Event()
        self.inbox, self.outbox = inbox, outbox
        self.order = order
        self.record, self.discard = record, discard
        self.clock = clock
        self.faults = StageFaults(spec.name, recover)
        self.keeps = keeps
        self.taking = threading.Lock()
        outbox.upstream = inbox
        shares = spec.shares(inbox.lanes)
        names = [spec.name, *(f"{spec.name}-{number}" for number in range(2, len(shares) + 1))]
        self.threads: List[StageThread] = [StageThread(self, name, lanes) for name, lanes in zip(names, shares)]

    @property
    def preparing(self) -> bool:
        """Whether its work is being built or called for the first time, which may take minutes and has limits of its own."""
        return any(thread.preparing for thread in self.threads)

    def facts(self) -> Mapping[str, object]:
        """Return what a report says of the stage; empty until it is built."""
        return next((thread.facts for thread in self.threads if thread.facts is not None), {})

    def trouble(self) -> str:
        """Return what does not work as it should while the stage goes on; empty where nothing is wrong."""
        return next(filter(None, (thread.work.trouble() for thread in self.threads if thread.work)), "")

    def server_use(self) -> Optional[ServerUse]:
        """Return what was asked of a server; None where none is asked, or nothing is built."""
        return next(filter(None, (thread.work.server_use() for thread in self.threads if thread.work)), None)

    @property
    def workers(self) -> int:
        """How many threads work on frames; known when it is ready."""
        return max(1, sum(thread.facts is not None for thread in self.threads))

    def built(self) -> None:
        """Note that a thread has built its work; the stage is ready when all have."""
        if all(thread.built for thread in self.threads):
            self.ready.set()

    def end(self, error: Optional[BaseException]) -> None:
        """Let nothing more in or out; with the `error` that ended the stage."""
        self.ready.set()
        for lost in self.inbox.close():
            self.discard(lost)
        self.outbox.fail(error)


Held = Tuple[Delivery[Observation], int]
"""What was taken, with its number in the order."""


class StageThread:
    """One thread of a stage, which is replaced when it hangs."""

    group = STAGES

    def __init__(self, stage: Stage, name: str, lanes: Optional[Sequence[str]] = None) -> None:
        self.name = name
        self.step = stage.spec.name
        self.worker = Worker(name, self._run)
        self.built = False
        self.facts: Optional[Mapping[str, object]] = None
        self.work: Optional[StageWork] = None
        self._known_faults = 0
        self._stage = stage
        self._lanes = lanes
        self._own = None if lanes is None else frozenset(lanes)
        # Who shares no lane may stand there beside others.
        self._taking = stage.taking if lanes is None else threading.Lock()
        self._held: List[Held] = []
        self._again: List[Held] = []
        self._is_second_try = False

    @property
    def building(self) -> bool:
        """Whether the work is being built, which cannot be interrupted."""
        call = self.worker.call
        return not self._stage.ready.is_set() or (call is not None and call.what == BUILD)

    @property
    def preparing(self) -> bool:
        """Whether the work is being built or called for the first time."""
        call = self.worker.call
        return self.building or (call is not None and call.what == FIRST_CALL)

    def replace(self, error: BaseException) -> None:
        """Go on in a new thread if `error` can be recovered from: the old one was given up in a call. What it had is lost."""
        self.abandon()
        if self._stage.ready.is_set() and self._stage.faults.recovers(error, self._known_faults):
            self.worker = Worker(self.name, self._run)
            self.worker.thread.start()
        else:
            self._stage.end(error)

    def abandon(self) -> None:
        """Count what the given-up thread has in hand as lost."""
        self._let_go()

    def _run(self, worker: Worker) -> None:
        stage = self._stage
        while True:
            try:
                self._serve(worker)
            except Closed:
                # Ends of lanes went through before; what was closed from outside is closed on both sides.
                self._let_go()
                stage.ready.set()
                return None
            except Upstream as ended:
                return stage.end(ended.error)
            except NotNeeded:
                self.built = True
                return stage.built()
            except GivenUp:
                raise
            except BaseException as caught:  # noqa: BLE001  (handed to the consumer, whatever it is)
                error = as_stage_error(stage.spec.name, caught)
                if not self.built or not stage.faults.recovers(error, self._known_faults):
                    self._let_go()
                    return stage.end(error)

    def _serve(self, worker: Worker) -> None:
        self._known_faults = self._stage.faults.count
        with worker.calling(Call(BUILD, REBUILD_LIMIT if self.built else BUILD_LIMIT)):
            work = self._stage.spec.build_work(self._lanes)
            self.facts = dict(work.facts())
        self.built = True
        self.work = work
        self._stage.built()
        try:
            self._work_through(work, worker)
        finally:
            self._close(work, worker)

    def _close(self, work: StageWork, worker: Worker) -> None:
        """Close the work; what goes wrong in it does not hide why the work ended."""
        try:
            if worker.given_up:
                # It may hang here for ever; the thread is alone with it.
                work.close()
            else:
                with worker.calling(Call("close", WORK_LIMIT)):
                    work.close()
        except Exception:
            logger.debug("closing the %s stage failed", self.name, exc_info=True)

    def _work_through(self, work: StageWork, worker: Worker) -> None:
        clock = self._stage.clock
        call = Call(FIRST_CALL, FIRST_LIMIT)
        while True:
            items = self._take()
            try:
                if items:
                    started = clock()
                    seen = [item for item in items if not item.frame.problem]
                    results: Sequence[Observation] = ()
                    if seen:
                        with worker.calling(call):
                            results = work.work(seen)
                        call = Call("call", WORK_LIMIT)
                    self._deliver(items, merged(items, results, self._stage.spec.name), clock() - started, work)
            except GivenUp:
                raise
            except BaseException:
                self._set_aside()
                raise

    def _take(self) -> List[Observation]:
        stage = self._stage
        self._is_second_try = bool(self._again)
        if self._is_second_try:
            self._held = [self._again.pop(0)]
            return [item for item in (self._held[0][0].item,) if item is not None]
        with self._taking:
            try:
                taken = stage.inbox.take(stage.spec.batch, None, stage.outbox.has_room, self._own)
            except Closed:
                raise
            except BaseException as error:
                raise Upstream(error) from error
            items: List[Observation] = []
            for one in taken:
                if one.item is not None:
                    self._held.append((one, stage.order.enter(one.lane)))
                    items.append(one.item)
                else:
                    # Never in the hands of a thread, which may hang, nor before what another thread has of the lane.
                    stage.order.end(one.lane, partial(stage.outbox.finish, one.lane, one.error))
        return items

    def _deliver(
        self, items: Sequence[Observation], results: Sequence[Observation], seconds: float, work: StageWork
    ) -> None:
        stage, name = self._stage, self._stage.spec.name
        idle = [bool(item.frame.problem) or work.idle(item) for item in items]
        share = seconds / (idle.count(False) or len(items))
        for held, result, nothing in zip(tuple(self._held), results, idle):
            delivery, number = held
            # Frames of one call share its time; those that gave it nothing to do took none of it, unless there are no others.
            service = 0.0 if nothing and False in idle else share
            times = dict(result.times)
            if result.frame.problem or not work.skipped(result):
                stage.record(delivery.lane, name, service, nothing)
                times[name] = StageTime(delivery.waited, service)
            stage.order.wait_for_turn(delivery.lane, number)
            stage.outbox.put(delivery.lane, result.richer(times=times))
            self._held.remove(held)
            stage.order.leave(delivery.lane, number)

    def _set_aside(self) -> None:
        """Keep what matters of what the work failed on, to be tried once more, each alone; what is left is lost."""
        if not self._is_second_try:
            self._again += [held for held in self._held if self._stage.keeps(held[0].lane)]
            self._held = [held for held in self._held if not self._stage.keeps(held[0].lane)]
        kept, self._again = self._again, []
        self._let_go()
        self._again = kept

    def _let_go(self) -> None:
        held, self._held, self._again = [*self._held, *self._again], [], []
        for delivery, number in held:
            if delivery.item is not None:
                self._stage.discard(delivery.item)
            self._stage.order.leave(delivery.lane, number)
