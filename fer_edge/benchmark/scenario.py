"""Runs a session for a while and keeps what happened."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from fer_edge.benchmark.processor import CALLER, Spent, Work, spent, work_so_far
from fer_edge.board.cores import usable_core_time
from fer_edge.capture.base import SourceInfo
from fer_edge.errors import SourceNotFound
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.reader import CAPTURE
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.supervisor import Incidents
from fer_edge.system.clock import Clock
from fer_edge.types import FrameBalance, Observation, StageTime

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Protocol:
    """How long to run.

    Attributes
    ----------
    warm_up : float
        Seconds from the first observation that do not count.
    duration : float
        Measured seconds.
    frames : int, optional
        Measured frames of all cameras; ends the measurement earlier than `duration` would.
    """

    warm_up: float = 2.0
    duration: float = 15.0
    frames: Optional[int] = None


@dataclass(frozen=True)
class Sample:
    """One emitted frame."""

    camera: str
    emitted_at: float
    latency: float
    faces: int
    times: Mapping[str, StageTime]


@dataclass(frozen=True)
class MeasuredStage:
    """A step that frames took.

    Attributes
    ----------
    name : str
        As in the times of an observation.
    figure : str
        What its rate is called; empty for the capture, which has none.
    threads : int
        That work in it at once.
    facts : mapping of str to object
        What it says of itself.
    """

    name: str
    figure: str
    threads: int
    facts: Mapping[str, object]


@dataclass(frozen=True)
class MeasuredCamera:
    """What a run came to for one camera, warm-up left out.

    Attributes
    ----------
    source : SourceInfo or None
        None where it could not be opened.
    balance : FrameBalance
        Frames that were under way when the measurement began count as captured in it.
    finished : mapping of str to int
        Frames that each stage finished.
    live : bool
        Whether it has a rate of its own, which no machine can exceed.
    reconnects : int
        How often it was lost and came back.
    trouble : str
        What was wrong with it at the end, for people; empty where nothing was.
    """

    source: Optional[SourceInfo]
    balance: FrameBalance
    finished: Mapping[str, int]
    live: bool = False
    reconnects: int = 0
    trouble: str = ""


@dataclass(frozen=True)
class Measurement:
    """What a run came to, warm-up left out.

    Attributes
    ----------
    stages : tuple of MeasuredStage
        In the order in which frames took them, from the capture on.
    cameras : mapping of str to MeasuredCamera
        By name.
    elapsed : float
        Measured seconds.
    processor : Spent
        How long cores worked meanwhile, and for what. Never longer than all of them can within `elapsed`.
    cores : float
        How many the process may use.
    samples : tuple of Sample
        Every emitted frame.
    incidents : Incidents
        What happened to the stages.
    cold_start : float
        Seconds from the start of the session to the first observation.
    failure : BaseException or None
        What ended the first of several cameras that ended by an error.
    """

    stages: Tuple[MeasuredStage, ...]
    cameras: Mapping[str, MeasuredCamera]
    elapsed: float
    processor: Spent
    cores: float
    samples: Tuple[Sample, ...]
    incidents: Incidents
    cold_start: float
    failure: Optional[BaseException] = None


def measure(
    session: Session,
    protocol: Protocol,
    progress: Callable[[str, float], None] = lambda phase, share: None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Clock = time.monotonic,
    work: Callable[[Iterable[int]], Work] = work_so_far,
) -> Measurement:
    """Run a session and measure it.

    Parameters
    ----------
    session : Session
        Not started yet; it is stopped at the end.
    progress : callable
        Called now and then with the phase and the share of it that is done, from 0 to 1.
    stopped : callable
        Tells whether to end early, with what was measured until then.
    clock : callable
        That of the session.
    work : callable
        Tells what the process, and the threads that it is given, have done so far.

    Raises
    ------
    SourceNotFound
        The sources ended, or the run was stopped, before anything could be measured.
    FerEdgeError
        What went wrong in a stage or, when all have ended, in a source.
    """
    started = clock()
    with session:
        first = _first(session, stopped)
        cold_start = clock() - started
        _pass_time(session, clock() + protocol.warm_up, lambda share: progress("warm-up", share), stopped, clock)
        # The clock runs while the work is looked up, at both ends, so that no share of it is too large.
        before, begun = _state(session), clock()
        names = _threads(session)
        worked_before = work(names)
        samples: List[Sample] = []
        try:
            while (
                clock() - begun < protocol.duration
                and (protocol.frames is None or len(samples) < protocol.frames)
                and not stopped()
            ):
                observation = session.take(POLL_SECONDS)
                if observation is not None:
                    samples.append(_sample(observation, clock()))
                share = (clock() - begun) / protocol.duration
                progress("measuring", max(share, len(samples) / protocol.frames) if protocol.frames else share)
        except Closed:
            pass
        names.update(_threads(session))
        worked = spent(worked_before, work(names), names)
        elapsed = clock() - begun
        after, stages = _state(session), _stages(session)
    if first is None or len(samples) < 2:
        raise SourceNotFound(
            "The source ended, or the run was stopped, before two frames could be measured.",
            "Use a longer source (--camera demo never ends), or a shorter --warm-up.",
        )
    cameras = {name: _between(before.cameras[name], camera) for name, camera in after.cameras.items()}
    incidents = _new(before.incidents, after.incidents)
    cores, failure = usable_core_time(), session.failure()
    return Measurement(stages, cameras, elapsed, worked, cores, tuple(samples), incidents, cold_start, failure)


@dataclass(frozen=True)
class _State:
    """The counts of a session at one moment, since its start."""

    cameras: Mapping[str, MeasuredCamera]
    incidents: Incidents


def _state(session: Session) -> _State:
    cameras = {
        lane.name: MeasuredCamera(
            lane.info, lane.balance(), lane.meter.counts(), lane.live, lane.reconnects, lane.trouble()
        )
        for lane in session.lanes
    }
    return _State(cameras, session.incidents())


def _threads(session: Session) -> Dict[int, str]:
    """Return for each thread that works on frames, by the kernel's number, for what it works."""
    threads = [(one.worker.thread.native_id, one.step) for one in session.supervised]
    return {**{number: step for number, step in threads if number is not None}, threading.get_native_id(): CALLER}


def _stages(session: Session) -> Tuple[MeasuredStage, ...]:
    facts, workers = session.facts(), session.workers()
    capture = MeasuredStage(CAPTURE, "", len(session.lanes), {})
    return (
        capture,
        *(MeasuredStage(one.name, one.figure, workers[one.name], facts[one.name]) for one in session.stages),
    )


def _between(before: MeasuredCamera, after: MeasuredCamera) -> MeasuredCamera:
    gone_before = before.balance.emitted + before.balance.dropped
    balance = FrameBalance(
        after.balance.captured - gone_before,
        after.balance.emitted - before.balance.emitted,
        after.balance.dropped - before.balance.dropped,
        after.balance.in_flight,
    )
    finished = {stage: count - before.finished.get(stage, 0) for stage, count in after.finished.items()}
    return replace(after, balance=balance, finished=finished, reconnects=after.reconnects - before.reconnects)


def _new(before: Incidents, after: Incidents) -> Incidents:
    restarts = {stage: count - before.restarts.get(stage, 0) for stage, count in after.restarts.items()}
    return Incidents({stage: count for stage, count in restarts.items() if count}, after.hung - before.hung)


def _first(session: Session, stopped: Callable[[], bool]) -> Optional[Observation]:
    try:
        while not stopped():
            observation = session.take(POLL_SECONDS)
            if observation is not None:
                return observation
    except Closed:
        pass
    return None


def _pass_time(
    session: Session, until: float, progress: Callable[[float], None], stopped: Callable[[], bool], clock: Clock
) -> None:
    begun = clock()
    while clock() < until and not stopped():
        try:
            session.take(POLL_SECONDS)
        except Closed:
            return
        progress((clock() - begun) / (until - begun))


def _sample(observation: Observation, now: float) -> Sample:
    frame = observation.frame
    return Sample(frame.source, now, now - frame.captured_at, len(observation.faces), dict(observation.times))
