"""Runs the real pipeline for a while and keeps what happened."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import SourceNotFound
from fer_edge.pipeline.frame_counter import FrameBalance
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.system.clock import Clock
from fer_edge.types import Observation, StageTime

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
        Measured frames; ends the measurement earlier than `duration` would.
    """

    warm_up: float = 2.0
    duration: float = 15.0
    frames: Optional[int] = None


@dataclass(frozen=True)
class Sample:
    """One emitted frame."""

    emitted_at: float
    latency: float
    faces: int
    times: Dict[str, StageTime]


@dataclass(frozen=True)
class Measurement:
    """What a run came to, warm-up left out.

    Attributes
    ----------
    elapsed : float
        Measured seconds.
    samples : tuple of Sample
        Every emitted frame.
    balance : FrameBalance
        Frames that were under way when the measurement began count as captured in it.
    finished : dict of str to int
        Frames that each stage finished.
    cold_start : float
        Seconds from the start of the pipeline to the first observation.
    """

    source: SourceInfo
    spec: ModelSpec
    provider: str
    precision: str
    elapsed: float
    samples: Tuple[Sample, ...]
    balance: FrameBalance
    finished: Dict[str, int]
    cold_start: float


def measure(
    source: Source,
    detector: Callable[[], FaceDetector],
    classifier: Callable[[], ExpressionClassifier],
    protocol: Protocol,
    progress: Callable[[str, float], None] = lambda phase, share: None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Clock = time.monotonic,
) -> Measurement:
    """Run the pipeline over `source` and measure it.

    Parameters
    ----------
    progress : callable
        Called now and then with the phase and the share of it that is done, from 0 to 1.
    stopped : callable
        Tells whether to end early, with what was measured until then.

    Raises
    ------
    SourceNotFound
        The source ended, or the run was stopped, before anything could be measured.
    FerEdgeError
        What went wrong in a stage.
    """
    pipeline = Pipeline(source, detector, classifier, clock=clock)
    started = clock()
    with pipeline:
        first = _first(pipeline, stopped)
        cold_start = clock() - started
        _pass_time(pipeline, clock() + protocol.warm_up, lambda share: progress("warm-up", share), stopped, clock)
        before, counts = pipeline.balance(), pipeline.meter.counts()
        begun = clock()
        samples: List[Sample] = []
        try:
            while (
                clock() - begun < protocol.duration
                and (protocol.frames is None or len(samples) < protocol.frames)
                and not stopped()
            ):
                observation = pipeline.take(POLL_SECONDS)
                if observation is not None:
                    samples.append(_sample(observation, clock()))
                share = (clock() - begun) / protocol.duration
                progress("measuring", max(share, len(samples) / protocol.frames) if protocol.frames else share)
        except Closed:
            pass
        elapsed = clock() - begun
        after, counts_after = pipeline.balance(), pipeline.meter.counts()
        info, used = pipeline.source_info, pipeline.classifier
    if info is None or used is None or first is None or len(samples) < 2:
        raise SourceNotFound(
            "The source ended, or the run was stopped, before two frames could be measured.",
            "Use a longer source (--camera demo never ends), or a shorter --warm-up.",
        )
    gone_before = before.emitted + before.dropped
    balance = FrameBalance(
        after.captured - gone_before, after.emitted - before.emitted, after.dropped - before.dropped, after.in_flight
    )
    finished = {stage: count - counts.get(stage, 0) for stage, count in counts_after.items()}
    return Measurement(
        info, used.spec, used.provider, used.precision, elapsed, tuple(samples), balance, finished, cold_start
    )


def _first(pipeline: Pipeline, stopped: Callable[[], bool]) -> Optional[Observation]:
    try:
        while not stopped():
            observation = pipeline.take(POLL_SECONDS)
            if observation is not None:
                return observation
    except Closed:
        pass
    return None


def _pass_time(
    pipeline: Pipeline, until: float, progress: Callable[[float], None], stopped: Callable[[], bool], clock: Clock
) -> None:
    begun = clock()
    while clock() < until and not stopped():
        try:
            pipeline.take(POLL_SECONDS)
        except Closed:
            return
        progress((clock() - begun) / (until - begun))


def _sample(observation: Observation, now: float) -> Sample:
    return Sample(now, now - observation.frame.captured_at, len(observation.faces), dict(observation.times))
