"""What one process runs: the lanes of its cameras, the stages that they share, and the caller who takes observations."""

from __future__ import annotations

import threading
import time
from typing import Callable, Dict, Generator, List, Mapping, Optional, Sequence, Tuple

from fer_edge.errors import UsageError
from fer_edge.pipeline.ending import join_threads, not_hiding
from fer_edge.pipeline.frame_counter import FrameCounter, sum_of
from fer_edge.pipeline.lane import Lane, LaneSpec, first_failure, troubles_of
from fer_edge.pipeline.mailbox import Closed, Delivery, Mailbox
from fer_edge.pipeline.meter import FlowMeter
from fer_edge.pipeline.order import LaneOrder
from fer_edge.pipeline.reader import CAPTURE, SourceReader
from fer_edge.pipeline.stage import Stage
from fer_edge.pipeline.stage_spec import StageSpec
from fer_edge.pipeline.supervisor import Incidents, Supervised, Supervisor
from fer_edge.system.clock import Clock
from fer_edge.types import FrameBalance, Observation, Rates

LOOK_SECONDS = 0.25
"""How often a caller who waits for an observation looks after the threads."""


class Session:
    """Watches cameras: every frame takes all stages, each in threads of its own that all lanes share.

    Frames are dropped at one place only, right after a live source, where the newest replaces the one that waits. A file
    waits instead, so that no frame is lost. Iterating over a session starts it, gives one `Observation` per analysed frame,
    and stops it at the end.

    Parameters
    ----------
    lanes : sequence of LaneSpec
        The cameras; at least one.
    stages : sequence of StageSpec
        The steps that all frames take, in their order; at least one.
    clock : callable, optional
        Monotonic seconds; injected in tests.
    supervisor : Supervisor, optional
        Builds a failed stage anew, and finds threads that hang. Without one, the first error of a stage ends the session.
    """

    def __init__(
        self,
        lanes: Sequence[LaneSpec],
        stages: Sequence[StageSpec],
        *,
        clock: Clock = time.monotonic,
        supervisor: Optional[Supervisor] = None,
    ) -> None:
        names = [spec.name for spec in lanes]
        if not names or len(set(names)) < len(names) or not stages:
            raise UsageError("A session needs cameras with names of their own, and stages.", "Give each another name.")
        figures = {stage.name: stage.figure for stage in stages}
        self.meter = FlowMeter(figures, clock, self.workers)
        self.stages, self._clock = tuple(stages), clock
        self._supervisor = supervisor
        self._news = threading.Event()
        self._started = self._stopped = False
        self._looked_at = clock()
        self._delivered: List[Delivery[Observation]] = []
        boxes = [Mailbox[Observation](names, clock) for _ in stages]
        self._boxes = [*boxes, Mailbox[Observation](names, clock, self._news.set)]
        recover = supervisor.stage_failed if supervisor is not None else lambda _name, _error, _is_new: False
        self.running = [
            Stage(spec, inbox, outbox, LaneOrder(names), self.record, self._discard, clock, recover, self._keeps)
            for spec, inbox, outbox in zip(stages, self._boxes, self._boxes[1:])
        ]
        self._lanes = {spec.name: self._lane(spec, figures, len(names) == 1) for spec in lanes}

    @property
    def lanes(self) -> Tuple[Lane, ...]:
        """The cameras, in the order in which they were given."""
        return tuple(self._lanes.values())

    def lane(self, name: str) -> Lane:
        """Return the lane of a camera. Raises KeyError where there is none of that name."""
        return self._lanes[name]

    @property
    def ready(self) -> bool:
        """Whether every stage is built, which may take minutes; no frame is captured before."""
        return all(stage.ready.is_set() for stage in self.running)

    @property
    def preparing(self) -> bool:
        """Whether a stage is being built or called for the first time, which may take minutes."""
        return any(stage.preparing for stage in self.running)

    def facts(self) -> Dict[str, Mapping[str, object]]:
        """Return, by stage, what a report says of it: a network's name and size, what it runs on."""
        return {stage.spec.name: stage.facts() for stage in self.running}

    def workers(self) -> Dict[str, int]:
        """Return, by stage, how many threads work on frames; known when the session is ready."""
        return {stage.spec.name: stage.workers for stage in self.running}

    def rates(self) -> Rates:
        """Return the FPS figures of all lanes together as of now."""
        return self.meter.rates()

    def balance(self) -> FrameBalance:
        """Return the counts of the frames of all lanes as of now."""
        return sum_of(lane.balance() for lane in self.lanes)

    def incidents(self) -> Incidents:
        """Return what happened to the stages so far."""
        return self._supervisor.incidents() if self._supervisor is not None else Incidents()

    def troubles(self) -> Tuple[str, ...]:
        """Return what is wrong with sources and stages, for people; a camera is named where there are several."""
        rebuilt = () if self._supervisor is None else self._supervisor.troubles()
        return (*troubles_of(self.lanes), *filter(None, (stage.trouble() for stage in self.running)), *rebuilt)

    def failure(self) -> Optional[BaseException]:
        """Return what ended the first lane that ended by an error, named where there are several; None where none did."""
        return first_failure(self.lanes)

    def queue_ages(self, lane: str) -> Dict[str, float]:
        """Return by stage how many seconds a lane's frame before it has waited, last that before the caller (``emit``)."""
        names = [*(stage.spec.name for stage in self.running), "emit"]
        return {name: box.age(lane) for name, box in zip(names, self._boxes)}

    def start(self) -> None:
        """Start the threads; what goes wrong in them is raised by `take`. Does nothing while they run.

        Raises
        ------
        UsageError
            The session was stopped: it runs once.
        """
        if self._stopped:
            raise UsageError("This session has run already.", "A session runs once; build another one.")
        if not self._started:
            self._started = True
            for supervised in self.supervised:
                supervised.worker.thread.start()

    def take(
        self, timeout: Optional[float] = None, wanted: Optional[Callable[[str], bool]] = None
    ) -> Optional[Observation]:
        """Take the next observation, the longest-waiting of all lanes.

        Parameters
        ----------
        timeout : float, optional
            Longest wait in seconds; without it, until there is one.
        wanted : callable, optional
            Tells of a camera whether its observations are wanted now; others wait, and hold up nothing but their camera.
            It takes no lock that may be held for long, and `wake` says when its answer may have changed.

        Returns
        -------
        Observation or None
            None when none came in time.

        Raises
        ------
        Closed
            The sources ended and everything was taken, or the session was stopped.
        FerEdgeError
            What went wrong in a stage; or, when all have ended, in a lane; after the observations that were finished before.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            # Also while a camera that works gives one observation after the other.
            self.look_after()
        while True:
            left = LOOK_SECONDS if deadline is None else min(LOOK_SECONDS, max(0.0, deadline - time.monotonic()))
            observation = self._next(left, wanted)
            if observation is not None:
                return observation
            self.look_after()
            if deadline is not None and time.monotonic() >= deadline:
                return None

    def wake(self) -> None:
        """Let `take` ask again which observations are wanted."""
        self._boxes[-1].wake()

    def wait_for_news(self, timeout: float) -> bool:
        """Wait until a frame was captured or an observation finished since the last call, at most `timeout` seconds."""
        news = self._news.wait(timeout)
        self._news.clear()
        return news

    def look_after(self) -> None:
        """Give up threads that hang, and replace them; `take` does so while it waits."""
        self._looked_at = self._clock()
        if self._supervisor is not None and self._started and not self._stopped:
            self._supervisor.look(self.supervised)

    def stop(self) -> None:
        """Stop the threads and wait for them; what was under way counts as dropped. May be called twice.

        Raises
        ------
        StopTimeout
            As `fer_edge.pipeline.ending.join_threads`.
        """
        self._stopped = True
        for lane in self.lanes:
            lane.reader.stop()
        for box in self._boxes:
            for lost in box.close():
                self._discard(lost)
        for stage in self.running:
            stage.order.close()
        for delivery in self._delivered:
            if delivery.item is not None:
                self._discard(delivery.item)
        self._delivered.clear()
        if self._started:
            join_threads(self.supervised, self._supervisor)

    def __enter__(self) -> Session:
        """Start the session for a ``with`` block."""
        self.start()
        return self

    def __exit__(self, _kind: object, error: Optional[BaseException], _trace: object) -> None:
        """Stop the session."""
        with not_hiding(error):
            self.stop()

    def __iter__(self) -> Generator[Observation, None, None]:
        """Yield every observation until the sources end; breaking out stops the session."""
        with self:
            while True:
                try:
                    observation = self.take()
                except Closed:
                    return
                if observation is not None:
                    yield observation

    @property
    def supervised(self) -> List[Supervised]:
        """What runs in threads of its own: first the readers of the cameras, then the stages."""
        return [*(lane.reader for lane in self.lanes), *(thread for stage in self.running for thread in stage.threads)]

    def _keeps(self, lane: str) -> bool:
        return not self._lanes[lane].live

    def _lane(self, spec: LaneSpec, figures: Mapping[str, str], alone: bool) -> Lane:
        # With one lane, its figures are those of the session.
        counter, meter = FrameCounter(), self.meter if alone else FlowMeter(figures, self._clock, self.workers)
        reader = SourceReader(
            spec.name,
            spec.source,
            self._boxes[0],
            counter,
            lambda seconds: self.record(spec.name, CAPTURE, seconds, False),
            [stage.ready for stage in self.running],
            self._news.set,
            self._clock,
            spec.reconnection,
            self._supervisor,
            alone,
        )
        return Lane(spec, reader, counter, meter)

    def record(self, lane: str, stage: str, seconds: float, idle: bool = False) -> None:
        """Count a frame of a lane that spent `seconds` in a stage, or in what its user did with it."""
        self.meter.record_stage(stage, seconds, idle)
        of_lane = self._lanes[lane].meter
        if of_lane is not self.meter:
            of_lane.record_stage(stage, seconds, idle)

    def _discard(self, observation: Observation) -> None:
        self._lanes[observation.frame.source].counter.drop(observation.frame.index)

    def _next(self, timeout: float, wanted: Optional[Callable[[str], bool]]) -> Optional[Observation]:
        """Return the next observation; None when none came in time. Notes the ends of lanes on the way."""
        if not self._delivered:
            try:
                self._delivered = self._boxes[-1].take(1, timeout, wanted)
            except Closed:
                failure = self.failure()
                if failure is not None and not self._stopped:
                    raise failure from None
                raise
        while self._delivered:
            delivery = self._delivered.pop(0)
            if delivery.item is not None:
                return self._emitted(delivery.item)
            self._lanes[delivery.lane].end(delivery.error, told=len(self._lanes) > 1)
        return None

    def _emitted(self, observation: Observation) -> Observation:
        lane = self._lanes[observation.frame.source]
        emitted = lane.emit(observation)
        latency = self._clock() - observation.frame.captured_at
        self.meter.record_emitted(latency)
        if lane.meter is not self.meter:
            lane.meter.record_emitted(latency)
        return emitted
