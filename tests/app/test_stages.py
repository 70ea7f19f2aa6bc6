"""What is read of the faces that were found."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np

from fer_edge.app.stages import Classification
from fer_edge.classify import FakeClassifier
from fer_edge.types import Box, Face, Frame, Observation


def face(x: float, y: float, side: float, score: float) -> Face:
    marks = {"right_eye": (x + 0.3 * side, y + 0.4 * side), "left_eye": (x + 0.7 * side, y + 0.4 * side)}
    return Face(Box(x, y, side, side), score, marks)


def test_one_head_is_read_once_and_every_box_is_left_for_the_blurring() -> None:
    large, nested, other = face(20, 20, 100, 0.9), face(60, 60, 50, 0.6), face(150, 40, 60, 0.7)
    frame = Frame(0, 0.0, datetime.now(timezone.utc), np.full((150, 250, 3), 90, np.uint8), "camera")
    work = Classification(FakeClassifier())
    (seen,) = work.work([Observation(frame, found=(large, other, nested))])
    assert [one.face for one in seen.faces] == [large, other]
    assert seen.found == (large, other, nested)


def test_faces_that_are_found_less_surely_are_not_read() -> None:
    frame = Frame(0, 0.0, datetime.now(timezone.utc), np.full((150, 250, 3), 90, np.uint8), "camera")
    sure, unsure = face(20, 20, 80, 0.9), face(150, 40, 60, 0.3)
    work = Classification(FakeClassifier(), min_score=0.5)
    seen, nobody = work.work([Observation(frame, found=(sure, unsure)), Observation(frame, found=(unsure,))])
    assert [one.face for one in seen.faces] == [sure]
    assert nobody.faces == ()
    assert [work.idle(one) for one in (seen, nobody)] == [False, True]
