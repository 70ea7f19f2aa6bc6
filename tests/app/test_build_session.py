"""What the one place where sessions are put together decides about cameras."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Callable, Dict, List, Sequence

import numpy as np
import pytest

from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.detect.registry import DEFAULT_DETECTOR
from fer_edge.errors import SourceNotFound
from fer_edge.pipeline.session import Session
from fer_edge.settings import CameraSettings, Settings


class Missing(Source):
    """A camera that is not there."""

    def open(self) -> SourceInfo:
        raise SourceNotFound("There is no camera.")

    def grab(self) -> bool:
        raise AssertionError("it is not open")

    def retrieve(self) -> np.ndarray:
        raise AssertionError("it is not open")

    def close(self) -> None:
        pass


def works() -> Source:
    shades = [np.full((48, 64, 3), shade, np.uint8) for shade in range(200)]
    return FakeSource(shades, live=True, fps=200.0, repeat=True)


def over_after(frames: int) -> Source:
    return FakeSource([np.zeros((48, 64, 3), np.uint8)] * frames)


class Given:
    """Parts whose sources a test makes, by camera: the next one each time it is opened anew, the last one for ever."""

    def __init__(self, **sources: Sequence[Callable[[], Source]]) -> None:
        self._sources: Dict[str, List[Callable[[], Source]]] = {name: list(made) for name, made in sources.items()}
        self.names: List[Sequence[str]] = []
        self.built: Counter[str] = Counter()

    def source(self, settings: Settings, camera: CameraSettings, paced: bool, names: Sequence[str]) -> Source:
        self.names.append(names)
        rest = self._sources[camera.name]
        return rest.pop(0)() if len(rest) > 1 else rest[0]()

    def detector(self, settings: Settings, name: str) -> Callable[[], FaceDetector]:
        def build() -> FaceDetector:
            self.built[name] += 1
            return FakeDetector()

        return build

    def session(self, reconnect: str = "auto", detectors: Sequence[str] = ()) -> Session:
        names = list(self._sources)
        own = [*detectors, *[""] * (len(names) - len(detectors))]
        cameras = tuple(CameraSettings(name, "made-up", detector=detector) for name, detector in zip(names, own))
        parts = Parts(source=self.source, detector=self.detector, classifier=lambda settings: FakeClassifier)
        return build_session(replace(Settings.of(reconnect=reconnect), cameras=cameras), parts)


def take_until(session: Session, condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        session.take(0.1)


def test_a_camera_that_is_missing_at_the_start_is_waited_for_while_another_one_works() -> None:
    session = Given(front=[works], door=[Missing, works]).session()
    with session:
        take_until(session, lambda: session.lane("door").trouble())
        assert "There is no camera" in session.lane("door").trouble()
        take_until(session, lambda: session.lane("door").balance().emitted > 3)
        assert session.troubles() == ()


@pytest.mark.parametrize("reconnect", ["auto", "never"])
def test_cameras_that_are_all_missing_at_the_start_are_an_error_soon(reconnect: str) -> None:
    session = Given(front=[Missing], door=[Missing], yard=[Missing]).session(reconnect)
    with pytest.raises(SourceNotFound), session:
        take_until(session, lambda: False)


def test_a_camera_that_is_missing_is_not_waited_for_once_the_others_are_over() -> None:
    session = Given(front=[lambda: over_after(30)], door=[Missing]).session()
    with pytest.raises(SourceNotFound), session:
        take_until(session, lambda: False)
    assert session.lane("front").balance().emitted == 30


def test_a_camera_that_is_missing_is_waited_for_alone_where_that_is_asked_for() -> None:
    session = Given(front=[Missing, Missing, works]).session("always")
    with session:
        take_until(session, lambda: session.balance().emitted > 3)


def test_a_camera_alone_that_is_missing_is_an_error_at_once() -> None:
    session = Given(front=[Missing, works]).session()
    with pytest.raises(SourceNotFound), session:
        take_until(session, lambda: False)


def test_a_detector_of_several_cameras_is_built_once_and_each_camera_gets_its_own() -> None:
    given = Given(front=[lambda: over_after(3)], door=[lambda: over_after(3)], yard=[lambda: over_after(3)])
    session = given.session(detectors=["yunet"])
    assert len(list(session)) == 9
    assert given.built == {"yunet": 1, DEFAULT_DETECTOR: 1}
