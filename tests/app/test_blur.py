"""Nobody is to be recognised in what has gone through the blurring."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import List, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.app.blur import GRAINS, MARGIN, MEMORY, Blurring, blur
from fer_edge.app.session import build_stages
from fer_edge.capture.open import open_source
from fer_edge.detect import open_detector
from fer_edge.settings import Settings
from fer_edge.types import Box, Face, Frame, Image, Observation


def observation(at: float, faces: Sequence[Box], image: Image, source: str = "camera") -> Observation:
    frame = Frame(0, at, datetime.now(timezone.utc), image, source)
    return Observation(frame, found=tuple(Face(box, 0.9, {}) for box in faces))


def portrait(faces: int = 1) -> Image:
    with open_source(f"demo:{faces}") as source:
        source.grab()
        return source.retrieve()


@pytest.mark.parametrize("faces", [1, 3, 8])
def test_no_face_is_found_in_what_has_been_blurred(faces: int) -> None:
    image = portrait(faces)
    detector = open_detector("blazeface-full")
    found = detector.detect(image)
    assert len(found) >= faces
    (blurred,) = Blurring().work([observation(0.0, [face.box for face in found], image)])
    assert detector.detect(blurred.frame.image) == ()
    detector.close()


@given(st.integers(0, 2**32 - 1), st.integers(10, 30))
def test_nothing_is_left_of_a_face_but_a_few_means(seed: int, grain: int) -> None:
    """Whoever has the same means looks the same, so that nothing else can be told from what is left."""
    draw = np.random.default_rng(seed)
    side = grain * GRAINS
    one = draw.integers(0, 256, (side, side, 3), np.uint8)
    other = one.copy()
    for row in range(0, side, grain):
        for column in range(0, side, grain):
            part = other[row : row + grain, column : column + grain].reshape(-1, 3)
            other[row : row + grain, column : column + grain] = draw.permutation(part).reshape(grain, grain, 3)
    # The box without its margin, so that the margin reaches to the edges of the image.
    inner = side / (1 + 2 * MARGIN)
    box = Box(MARGIN * inner, MARGIN * inner, inner, inner)
    blur(one, box)
    blur(other, box)
    assert np.abs(one.astype(int) - other).max() <= 1


@given(
    st.floats(-200, 400),
    st.floats(-200, 400),
    st.floats(0, 500),
    st.floats(0, 500),
    st.integers(1, 120),
    st.integers(1, 90),
)
def test_a_box_may_lie_anywhere(x: float, y: float, width: float, height: float, across: int, down: int) -> None:
    blur(np.zeros((down, across, 3), np.uint8), Box(x, y, width, height))


def test_the_frame_that_came_in_stays_as_it_was_and_nobody_can_change_the_one_that_goes_out() -> None:
    image = portrait()
    before = image.copy()
    (blurred,) = Blurring().work([observation(0.0, [Box(200, 100, 200, 200)], image)])
    assert np.array_equal(image, before)
    assert not np.array_equal(blurred.frame.image, before)
    with pytest.raises(ValueError, match="read-only"):
        blurred.frame.image[0, 0] = 0


def test_a_place_stays_blurred_while_the_detector_misses_its_face_and_for_its_own_camera_alone() -> None:
    image, box = portrait(), Box(200, 100, 200, 200)
    blurring = Blurring()
    changed: List[bool] = []
    for at, faces, source in (
        (0.0, [box], "front"),
        (0.5, [], "front"),
        (0.5, [], "door"),
        (MEMORY, [], "front"),
        (MEMORY + 0.1, [], "front"),
    ):
        seen = observation(at, faces, image, source)
        (one,) = blurring.work([seen])
        changed.append(not np.array_equal(one.frame.image, image))
    assert changed == [True, True, False, True, False]


def test_of_a_slow_camera_the_frame_before_counts_however_long_ago_it_was() -> None:
    image, box = portrait(), Box(200, 100, 200, 200)
    blurring = Blurring()
    changed = [
        not np.array_equal(blurring.work([observation(at, faces, image)])[0].frame.image, image)
        for at, faces in ((0.0, [box]), (8.0, []), (16.0, []), (24.0, [box]), (32.0, []))
    ]
    assert changed == [True, True, False, True, True]


def test_faces_are_blurred_that_are_not_sure_enough_to_be_read() -> None:
    settings = Settings.of(camera="demo:3", min_score=0.999, blur=True)
    source = open_source("demo:3")
    with source:
        source.grab()
        image = source.retrieve()
    seen = Observation(Frame(0, 0.0, datetime.now(timezone.utc), image, settings.cameras[0].name))
    for stage in build_stages(settings):
        work = stage.build()
        (seen,) = work.work([seen])
        work.close()
    assert seen.faces == ()
    assert len(seen.found) >= 3
    detector = open_detector("blazeface-full")
    assert detector.detect(seen.frame.image) == ()
    detector.close()


def test_where_nobody_is_nothing_is_copied() -> None:
    seen = observation(0.0, [], portrait())
    blurring = Blurring()
    assert blurring.idle(seen)
    assert blurring.work([seen])[0].frame.image is seen.frame.image
