"""A session of the real parts on several threads says what it says on one of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np
import pytest

import fer_edge
from fer_edge.app.layout import ONE_OF_EACH, Layout
from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.capture.fake import FakeSource
from fer_edge.capture.synthetic import DemoSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.inference.onnx_session import OnnxSession, open_session
from fer_edge.settings import Settings
from fer_edge.types import Image

CAMERAS = ("near", "far", "dark")

Seen = Dict[str, List[Tuple[int, Tuple[str, ...]]]]


@pytest.fixture(scope="module")
def images() -> Dict[str, List[Image]]:
    with DemoSource(3) as demo:
        shown = []
        for _ in range(6):
            assert demo.grab()
            shown.append(demo.retrieve())
    half = [cv2.resize(image, None, fx=0.6, fy=0.6) for image in shown]
    dark = [(image // 2).astype(np.uint8) for image in shown]
    return {"near": shown, "far": half, "dark": dark}


def seen_with(layout: Layout, images: Dict[str, List[Image]], precision: str = "fp32") -> Seen:
    settings = Settings.of(camera=[f"{name}={name}.mp4" for name in CAMERAS], threads=1, precision=precision)
    parts = Parts(source=lambda _settings, camera, *_: FakeSource(images[camera.name]), layout=lambda _: layout)
    session = build_session(settings, parts)
    seen: Seen = {name: [] for name in CAMERAS}
    for observation in session:
        told = [f"{face.expression.label} {face.expression.confidence:.3f}" for face in observation.faces]
        seen[observation.frame.source].append((observation.frame.index, tuple(told)))
    assert session.workers() == {"detect": layout.detect, "classify": layout.classify}
    assert session.facts()["classify"]["precision"] == precision
    return seen


@pytest.mark.slow
def test_whatever_the_layout_each_camera_sees_the_same_in_the_same_order(images: Dict[str, List[Image]]) -> None:
    alone = seen_with(ONE_OF_EACH, images)
    assert all([index for index, _ in of_camera] == list(range(6)) for of_camera in alone.values())
    assert all(told for _, told in alone["near"])
    for layout in (Layout(2), Layout(3, detect=2), Layout(2, 2, 3)):
        assert seen_with(layout, images) == alone


@pytest.mark.slow
def test_threads_that_classify_in_int8_share_one_network_and_answer_as_one_does(
    images: Dict[str, List[Image]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: List[str] = []

    def open_and_count(model: Path, **options: Any) -> OnnxSession:
        opened.append(model.name)
        return open_session(model, **options)

    monkeypatch.setattr("fer_edge.classify.onnx.open_session", open_and_count)
    alone = seen_with(ONE_OF_EACH, images, "int8")
    opened.clear()
    assert seen_with(Layout(3), images, "int8") == alone
    assert opened == ["fernet_r.int8.onnx"]


def test_a_classifier_of_somebody_elses_gets_one_thread_on_many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.app.layout.usable_cores", lambda: 8)
    blank = np.zeros((48, 64, 3), np.uint8)
    mine = fer_edge.watch(
        [FakeSource([blank] * 3), FakeSource([blank] * 3)], model=FakeClassifier(), detector=FakeDetector()
    )
    assert sum(1 for _ in mine) == 6
    assert mine.workers() == {"detect": 1, "classify": 1}


def test_detectors_that_the_program_makes_get_a_thread_for_each_share_of_the_cameras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fer_edge.app.layout.usable_cores", lambda: 4)
    built: List[FaceDetector] = []

    def build() -> FaceDetector:
        built.append(FakeDetector())
        return built[-1]

    blank = np.zeros((48, 64, 3), np.uint8)
    parts = Parts(source=lambda *_: FakeSource([blank] * 3), detector=lambda *_: build)
    session = build_session(Settings.of(camera=[f"{name}={name}.mp4" for name in CAMERAS]), parts)
    assert sum(1 for _ in session) == 9
    assert session.workers() == {"detect": 2, "classify": 4}
    assert len(built) == 2
