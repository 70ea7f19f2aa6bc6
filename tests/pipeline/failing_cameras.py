"""Cameras that fail in their ways, and a pipeline that is supervised."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
from fer_edge.pipeline.pipeline import Pipeline

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify.base import FakeClassifier
from fer_edge.detect.base import FaceDetector, FakeDetector
from fer_edge.errors import SourceNotFound, SourceStalled
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.types import Box, Face, Image

FACE = Face(
    Box(20, 20, 60, 60),
    0.9,
    {"right_eye": (38.0, 45.0), "left_eye": (62.0, 45.0), "nose": (50.0, 56.0), "mouth": (50.0, 68.0)},
)


class Camera(Source):
    """Gives pictures at about 200 a second, until what it was told to do after `frames` of them."""

    def __init__(self, frames: Optional[int] = None, then: Callable[[], Optional[bool]] = lambda: False) -> None:
        self._frames = frames
        self._then = then
        self._given = 0
        self.closed = threading.Event()

    def open(self) -> SourceInfo:
        if self._frames == 0:
            self._then()
        return SourceInfo("camera", 100, 100, 0)

    def grab(self) -> Optional[bool]:
        if self._frames is not None and self._given >= self._frames:
            return self._then()
        time.sleep(0.005)
        self._given += 1
        return True

    def retrieve(self) -> Image:
        return np.full((100, 100, 3), self._given % 256, np.uint8)

    def close(self) -> None:
        self.closed.set()


def fail() -> bool:
    raise SourceStalled("The camera was unplugged.")


def missing() -> bool:
    raise SourceNotFound("There is no camera.")


def supervised(
    cameras: List[Source],
    from_the_start: bool = False,
    detector: Callable[[], FaceDetector] = lambda: FakeDetector([FACE]),
    **more: Any,
) -> Tuple[Pipeline, Supervisor]:
    rest = iter(cameras)
    supervisor = Supervisor(lambda: next(rest), from_the_start, Backoff(0.01, 0.05), **more)
    return Pipeline(next(rest), detector, FakeClassifier, supervisor=supervisor), supervisor


def watch(pipeline: Pipeline, count: int, seconds: float = 10.0) -> List[int]:
    """Take observations, as the program's loop does."""
    seen: List[int] = []
    deadline = time.monotonic() + seconds
    while len(seen) < count and time.monotonic() < deadline:
        pipeline.look_after()
        observation = pipeline.take(0.02)
        if observation is not None:
            seen.append(observation.frame.index)
    assert len(seen) == count, f"{len(seen)} frames came within {seconds} s"
    return seen


def assert_balanced(pipeline: Pipeline) -> None:
    balance = pipeline.balance()
    assert balance.captured == balance.emitted + balance.dropped
    assert balance.in_flight == 0
