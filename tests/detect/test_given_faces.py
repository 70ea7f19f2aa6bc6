"""What a detector of somebody else's gives is either faces that can be worked with, or an error that names it."""

from __future__ import annotations

import math
from typing import Any, Dict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fer_edge
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.detect.given_faces import FARTHEST, checked_faces
from fer_edge.errors import StageFailed
from fer_edge.types import Box, Face

EYES = {"right_eye": (20.0, 25.0), "left_eye": (40.0, 25.0)}
BOX = Box(10, 10, 40, 40)
NAN, INF = math.nan, math.inf
GROUND = np.full((120, 160, 3), 90, np.uint8)

FAULTS: Dict[str, Any] = {
    r"box is \(nan, 10, 40, 40\)": (Box(NAN, 10, 40, 40), 0.9, EYES),
    r"box is \(10, inf, 40, 40\)": (Box(10, INF, 40, 40), 0.9, EYES),
    r"box is \(10, 10, inf, 40\)": (Box(10, 10, INF, 40), 0.9, EYES),
    r"box is \(10, 10, -40, 40\)": (Box(10, 10, -40, 40), 0.9, EYES),
    r"box is \(10, 10, 40, 0\)": (Box(10, 10, 40, 0), 0.9, EYES),
    r"box is \(1e\+12, 10, 40, 40\)": (Box(1e12, 10, 40, 40), 0.9, EYES),
    r"box is \('x', 10, 40, 40\)": (Box("x", 10, 40, 40), 0.9, EYES),  # type: ignore[arg-type]
    "box is of type tuple": ((10, 10, 40, 40), 0.9, EYES),
    "box is of type NoneType": (None, 0.9, EYES),
    "score is nan": (BOX, NAN, EYES),
    "score is 7": (BOX, 7, EYES),
    "score is -0.1": (BOX, -0.1, EYES),
    "score is a number without bounds": (BOX, 10**400, EYES),
    "score is 'high'": (BOX, "high", EYES),
    r"right_eye is \(nan, 25\)": (BOX, 0.9, {**EYES, "right_eye": (NAN, 25.0)}),
    r"nose is \(1, -inf\)": (BOX, 0.9, {**EYES, "nose": (1.0, -INF)}),
    r"left_ear is \(1, 2, 3\)": (BOX, 0.9, {**EYES, "left_ear": (1.0, 2.0, 3.0)}),
    "mouth is None": (BOX, 0.9, {**EYES, "mouth": None}),
    "without its eyes; it has no landmarks": (BOX, 0.9, {}),
    "without its eyes; it has None": (BOX, 0.9, None),
}


@pytest.mark.parametrize(("words", "given_face"), FAULTS.items())
def test_what_is_no_face_is_a_fault_that_names_the_detector_and_what_it_gave(words: str, given_face: Any) -> None:
    with pytest.raises(StageFailed, match="The detector Mine gave a face .*" + words) as caught:
        checked_faces("Mine", (Face(BOX, 0.9, EYES), Face(*given_face)))
    assert "\n" not in caught.value.message
    assert "fer_edge.Face" in caught.value.remedy or "right_eye" in caught.value.remedy


@pytest.mark.parametrize("place", [(NAN, 10, 40, 40), (10, 10, 40, -40)])
def test_the_program_ends_with_that_fault_in_a_video_and_in_a_picture(place: Any) -> None:
    detector = FakeDetector([Face(Box(*place), 0.9, EYES)])
    with pytest.raises(StageFailed, match="The detector FakeDetector gave a face whose box is"):
        list(fer_edge.watch(FakeSource([GROUND]), detector=detector, model=FakeClassifier()))
    with pytest.raises(StageFailed, match="The detector FakeDetector gave a face whose box is"):
        fer_edge.read_image(GROUND, detector=detector, model=FakeClassifier())


PLACES = st.floats(-FARTHEST, FARTHEST, exclude_min=True, exclude_max=True)


@given(PLACES, PLACES, st.floats(0, FARTHEST, exclude_min=True, exclude_max=True), st.floats(0, 1))
def test_a_face_may_lie_anywhere(x: float, y: float, side: float, score: float) -> None:
    face = Face(Box(x, y, side, side), score, {"right_eye": (x, y), "left_eye": (y, x)})
    assert checked_faces("Mine", [face]) == (face,)


def test_a_face_far_outside_the_frame_is_doubted_as_cut_off_and_shown_to_nobody_as_a_fault() -> None:
    far = 0.9 * FARTHEST
    marks = {"right_eye": (far + 10, far), "left_eye": (far + 30, far)}
    detector = FakeDetector([Face(Box(far, far, 40, 40), 0.9, marks)])
    for (seen,) in (
        next(iter(fer_edge.watch(FakeSource([GROUND]), detector=detector, model=FakeClassifier()))).faces,
        fer_edge.read_image(GROUND, detector=detector, model=FakeClassifier()),
    ):
        assert "cut off" in seen.expression.doubt


def test_numbers_of_numpy_are_numbers() -> None:
    marks: Any = {name: (np.float32(x), np.float64(y)) for name, (x, y) in EYES.items()}
    score: Any = np.float32(0.9)
    sides: Any = [np.float32(side) for side in BOX]
    face = Face(Box(*sides), score, marks)
    assert checked_faces("Mine", [face]) == (face,)
