"""What a face shows steadily, from a source and the settings to what a program in Python gets."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Optional, Tuple

import numpy as np
import pytest
from expression_streams import changes, expression
from numpy.typing import NDArray

import fer_edge
from fer_edge.app.tracking import build_tracker
from fer_edge.classify.answer import answer
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect import FakeDetector
from fer_edge.settings import Settings
from fer_edge.types import Box, Expression, Face, Frame, Observation, ObservedFace

SAD = expression({"sad": 0.8})
FACE = Face(Box(30, 30, 60, 60), 0.9, {"right_eye": (48.0, 50.0), "left_eye": (72.0, 50.0)})


def observed(index: int, seen: Expression) -> Observation:
    frame = Frame(index, index / 10, datetime(2026, 1, 1, tzinfo=timezone.utc), np.zeros((4, 4, 3), np.uint8))
    return Observation(frame, (ObservedFace(FACE, seen),))


def test_the_half_life_of_the_settings_is_the_one_that_faces_are_read_with() -> None:
    stream = [SAD] * 20 + [expression({"happy": 0.9})] * 5
    ends = {}
    for half_life in (0.3, 2.0):
        tracker = build_tracker(Settings.of(half_life=half_life))
        assert tracker is not None
        followed = [tracker.follow(observed(index, seen)) for index, seen in enumerate(stream)]
        ends[half_life] = followed[-1].faces[0].steady.label
    assert ends == {0.3: "happy", 2.0: "sad"}


class Flickering(ExpressionClassifier):
    """Calls each face happy, but every seventh frame afraid; from the 60th on sad."""

    spec = ModelSpec(name="flickering")
    provider = "none"

    def __init__(self) -> None:
        self._count = 0

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        return tuple(self._next() for _ in crops)

    def _next(self) -> Expression:
        self._count += 1
        label = "fear" if self._count % 7 == 0 else "happy" if self._count < 60 else "sad"
        return answer(expression({label: 0.9}).probabilities, 0.4)


class Camera(fer_edge.Source):
    """Gives grey images, at 15 a second of its own time."""

    live = False

    def __init__(self, count: int) -> None:
        self._count, self._index = count, -1

    def open(self) -> fer_edge.SourceInfo:
        return fer_edge.SourceInfo("made", 120, 120, 15.0)

    def grab(self) -> bool:
        self._index += 1
        return self._index < self._count

    def retrieve(self) -> NDArray[np.uint8]:
        return np.full((120, 120, 3), 90, np.uint8)

    @property
    def media_time(self) -> Optional[float]:
        return self._index / 15

    def close(self) -> None:
        pass


def test_watch_shows_a_flickering_classifier_s_raw_and_steady_labels() -> None:
    session = fer_edge.watch(Camera(90), detector=FakeDetector([FACE]), model=Flickering())
    faces = [observation.faces[0] for observation in session]
    assert len(faces) == 90
    raw, steady = [one.expression.label for one in faces], [one.steady.label for one in faces]
    assert changes(raw) > 20
    assert list(dict.fromkeys(steady)) == ["happy", "sad"]
    assert changes(steady) == 1
    turned = steady.index("sad")
    assert faces[turned - 1].track is not None
    assert faces[turned - 1].track.since == pytest.approx((turned - 1) / 15, abs=1e-6)
    assert faces[turned].track is not None
    assert faces[turned].track.since == 0.0
    # The frames of fear at 63 begin the agreement anew.
    assert turned <= 59 + 4 + 4
