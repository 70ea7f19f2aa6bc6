"""Sessions whose sources, detector and classifier a test makes, with the stages of the program."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from fer_edge.app.stages import stage_list
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.settings import Settings
from fer_edge.types import Box, Face, Image, Observation


def faces_apart(count: int) -> List[Face]:
    """Return faces like `FACE` that lie side by side."""
    return [
        Face(
            FACE.box._replace(x=FACE.box.x + 2 * FACE.box.width * number),
            FACE.score,
            {name: (x + 2 * FACE.box.width * number, y) for name, (x, y) in FACE.landmarks.items()},
        )
        for number in range(count)
    ]


FACE = Face(
    Box(20, 20, 60, 60),
    0.9,
    {"right_eye": (38.0, 45.0), "left_eye": (62.0, 45.0), "nose": (50.0, 56.0), "mouth": (50.0, 68.0)},
)

CAMERA = "camera"
"""What the only lane of a session is called here."""


def find_one() -> FaceDetector:
    """Return a detector that finds one face."""
    return FakeDetector([FACE])


def session_of(
    source: Source,
    detector: Callable[[], FaceDetector] = find_one,
    classifier: Callable[[], ExpressionClassifier] = FakeClassifier,
    reconnection: Optional[Reconnection] = None,
    **more: Any,
) -> Session:
    """Return a session of one camera."""
    return session_of_several({CAMERA: source}, detector, classifier, {CAMERA: reconnection}, **more)


def session_of_several(
    sources: Mapping[str, Source],
    detector: Union[Callable[[], FaceDetector], Mapping[str, Callable[[], FaceDetector]]] = find_one,
    classifier: Callable[[], ExpressionClassifier] = FakeClassifier,
    reconnections: Optional[Mapping[str, Optional[Reconnection]]] = None,
    **more: Any,
) -> Session:
    """Return a session of a camera for each of `sources`, by its name."""
    given = reconnections or {}
    lanes = [LaneSpec(name, source, given.get(name)) for name, source in sources.items()]
    detectors = detector if isinstance(detector, Mapping) else dict.fromkeys(sources, detector)
    return Session(lanes, stage_list(Settings.of(), detectors, classifier), **more)


class Each(StageWork):
    """Does something with each observation, by its camera and number."""

    def __init__(self, do: Callable[[str, int], object]) -> None:
        self._do = do

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        for one in observations:
            self._do(one.frame.source, one.frame.index)
        return observations


def session_that_does(
    do: Callable[[str, int], object],
    sources: Mapping[str, Source],
    workers: int = 1,
    batch: int = 1,
    behind: Sequence[StageSpec] = (),
    **more: Any,
) -> Session:
    """Return a session whose first stage does something with each frame; and nothing else, unless there are more behind."""
    stage = StageSpec("work", "working", lambda: Each(do), workers, batch)
    return Session([LaneSpec(name, source) for name, source in sources.items()], [stage, *behind], **more)


def taken_by_lane(session: Session) -> Dict[str, List[int]]:
    """Watch until the sources end, and return the frame numbers of each lane as they came."""
    seen: Dict[str, List[int]] = {lane.name: [] for lane in session.lanes}
    for observation in session:
        seen[observation.frame.source].append(observation.frame.index)
    return seen


def assert_balanced(session: Session) -> None:
    """Assert that every frame that was captured was emitted or dropped, in each lane."""
    for lane in session.lanes:
        balance = lane.balance()
        assert balance.captured == balance.emitted + balance.dropped, lane.name
        assert balance.in_flight == 0, lane.name


class Numbered(Source):
    """Gives `count` images, each a shade lighter; then ends, or raises."""

    def __init__(self, count: Optional[int], live: bool = False, error: Optional[Exception] = None) -> None:
        self.live = live
        self.closed = 0
        self._count = count
        self._error = error
        self._next = 0

    def open(self) -> SourceInfo:
        return SourceInfo("numbered", 100, 100, 0)

    def grab(self) -> Optional[bool]:
        if self._count is not None and self._next >= self._count:
            if self._error:
                raise self._error
            return False
        self._next += 1
        return True

    def retrieve(self) -> Image:
        return np.full((100, 100, 3), self._next % 256, np.uint8)

    def close(self) -> None:
        self.closed += 1


class Gate(FaceDetector):
    """Finds one face, but only while it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.waiting = threading.Event()

    def detect(self, image: Image) -> Tuple[Face, ...]:
        self.waiting.set()
        self.open.wait(10)
        return (FACE,)


class GatedClassifier(FakeClassifier):
    """Waits in each call until it is let go on, and keeps how many faces each got."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.waiting = threading.Event()
        self.batches: List[int] = []

    def classify(self, crops: Any) -> Any:
        self.batches.append(len(crops))
        self.waiting.set()
        self.open.wait(10)
        return super().classify(crops)
