"""Faces that have too few pixels, or whose forehead or chin is outside the frame, are doubted, and no others for that."""

from __future__ import annotations

import math
from typing import Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.classify import FakeClassifier
from fer_edge.classify.crop import FaceCropper, pose_of
from fer_edge.classify.doubt import MOST_ABOVE, MOST_BELOW, SMALLEST_CROP, beyond_the_frame
from fer_edge.classify.looks import CROP, edges, sharpness
from fer_edge.classify.reader import ExpressionReader
from fer_edge.detect import open_detector
from fer_edge.types import Box, Face, Image

READER = ExpressionReader(FakeClassifier())
WIDTH, HEIGHT = 400, 300
PLACES = st.tuples(st.floats(-50, WIDTH + 50), st.floats(-50, HEIGHT + 50))


def marked(middle: Tuple[float, float], side: float, roll: float = 0.0) -> Face:
    """Return a face whose crop has this middle and side; the mouth lies 1.1 distances between the eyes below them."""
    between = side / CROP.crop_margin
    across, down = np.array((math.cos(roll), math.sin(roll))), np.array((-math.sin(roll), math.cos(roll)))
    eyes = np.asarray(middle) - 1.1 * between * CROP.crop_centre * down
    points = {
        "right_eye": eyes - across * between / 2,
        "left_eye": eyes + across * between / 2,
        "mouth": eyes + 1.1 * between * down,
    }
    marks = {name: (float(point[0]), float(point[1])) for name, point in points.items()}
    return Face(Box(middle[0] - side / 2, middle[1] - side / 2, side, side), 0.9, marks)


def doubts(face: Face, image: Image) -> Tuple[str, ...]:
    (seen,) = READER.read(image, [face])
    return seen.expression.doubt


def ground() -> Image:
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


@pytest.mark.parametrize(("side", "expected"), [(23.9, ("small",)), (24.1, ()), (60.0, ())])
def test_a_crop_of_fewer_than_24_pixels_each_way_is_too_small(side: float, expected: Tuple[str, ...]) -> None:
    assert doubts(marked((200, 150), side), ground()) == expected


@given(st.floats(0.5, 200), st.floats(0, 1), st.floats(-math.pi, math.pi))
def test_a_face_scaled_down_never_loses_small(side: float, share: float, roll: float) -> None:
    if "small" in doubts(marked((200, 150), side, roll), ground()):
        assert "small" in doubts(marked((200, 150), side * share, roll), ground())


def test_a_portrait_that_is_scaled_down_becomes_small_once_and_stays_so() -> None:
    portrait: Image = cv2.imread(str(PORTRAIT))
    detector = open_detector("blazeface")
    (face,) = detector.detect(portrait)
    detector.close()
    small = []
    for scale in np.linspace(1.0, 0.1, 19):
        marks = {name: (x * scale, y * scale) for name, (x, y) in face.landmarks.items()}
        image = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        small.append("small" in doubts(Face(Box(*(scale * part for part in face.box)), 0.9, marks), image))
    assert small == sorted(small)
    assert small[0] is False
    assert small[-1] is True


@pytest.mark.parametrize(
    ("share", "edge", "expected"),
    [
        (MOST_BELOW - 0.02, "bottom", ()),
        (MOST_BELOW + 0.02, "bottom", ("cut off",)),
        (MOST_ABOVE - 0.02, "top", ()),
        (MOST_ABOVE + 0.02, "top", ("cut off",)),
        (0.45, "left", ()),
        (0.45, "right", ()),
    ],
)
@pytest.mark.parametrize("roll", [0.0, math.pi / 2, math.pi, -math.pi / 2])
def test_a_chin_or_a_forehead_outside_the_frame_is_doubted_and_a_cheek_is_not(
    share: float, edge: str, expected: Tuple[str, ...], roll: float
) -> None:
    # Where a head lies, its chin points to another edge of the frame.
    edges = ("bottom", "left", "top", "right")
    met = edges[(edges.index(edge) + round(roll / (math.pi / 2))) % 4]
    side, inside = 100.0, (0.5 - share) * 100.0
    middle = {
        "bottom": (200.0, HEIGHT - inside),
        "top": (200.0, inside),
        "left": (inside, 150.0),
        "right": (WIDTH - inside, 150.0),
    }[met]
    assert doubts(marked(middle, side, roll), ground()) == expected


@given(PLACES, st.floats(10, 300), st.floats(-math.pi, math.pi), st.floats(0.1, 10))
def test_what_lies_beyond_the_frame_is_a_share_that_size_and_a_mirror_do_not_change(
    middle: Tuple[float, float], side: float, roll: float, scale: float
) -> None:
    shares = beyond_the_frame(pose_of(marked(middle, side, roll)), (WIDTH, HEIGHT))
    assert all(0 <= share <= 1 for share in shares)
    if min(middle[0], middle[1], WIDTH - middle[0], HEIGHT - middle[1]) < 1:
        return  # at the very edge the middle may lie on either side of it, by rounding
    larger = marked((middle[0] * scale, middle[1] * scale), side * scale, roll)
    mirrored = marked((WIDTH - middle[0], middle[1]), side, -roll)
    assert beyond_the_frame(pose_of(mirrored), (WIDTH, HEIGHT)) == pytest.approx(shares, abs=1e-6)
    if side * scale / CROP.crop_margin > 1:
        size = (round(WIDTH * scale), round(HEIGHT * scale))
        assert beyond_the_frame(pose_of(larger), size) == pytest.approx(shares, abs=0.6 / (side * scale) / 0.01)


@given(st.floats(0, 200), st.floats(20, 300), st.floats(-0.4, 0.4))
def test_a_face_that_sinks_further_out_of_the_frame_stays_cut_off(down: float, side: float, roll: float) -> None:
    if "cut off" in doubts(marked((200, 270), side, roll), ground()):
        assert "cut off" in doubts(marked((200, 270 + down), side, roll), ground())


def test_a_face_whose_middle_is_outside_the_frame_is_cut_off() -> None:
    for middle in ((200.0, HEIGHT + 5.0), (200.0, -5.0), (-5.0, 150.0), (WIDTH + 5.0, 150.0)):
        assert doubts(marked(middle, 60.0), ground()) == ("cut off",)


def test_a_small_face_that_is_cut_off_says_both_and_small_first() -> None:
    assert doubts(marked((200, HEIGHT - 2), SMALLEST_CROP - 4), ground()) == ("small", "cut off")


def portrait_at(side: float) -> Tuple[Image, Face]:
    """Return the shipped portrait at a size at which its crop has that many pixels along its side, and the face in it."""
    portrait: Image = cv2.imread(str(PORTRAIT))
    detector = open_detector("blazeface")
    (face,) = detector.detect(portrait)
    detector.close()
    scale = side / CROP.crop_margin / pose_of(face).scale
    marks = {name: (x * scale, y * scale) for name, (x, y) in face.landmarks.items()}
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=method)
    return image, Face(Box(*(scale * part for part in face.box)), 0.9, marks)


@pytest.mark.parametrize("side", [50.0, 100.0, 200.0])
@pytest.mark.parametrize(("brightness", "contrast"), [(0.0, 1.0), (40.0, 0.5), (60.0, 0.25)])
def test_a_portrait_out_of_focus_is_blurred_and_a_sharp_one_is_not(
    side: float, brightness: float, contrast: float
) -> None:
    image, face = portrait_at(side)
    lit = np.asarray((brightness + contrast * image).round(), np.uint8)
    assert "blurred" not in doubts(face, lit)
    if contrast >= 0.5:  # in fainter ones the steps between grey values are as strong as what a blur leaves
        assert "blurred" in doubts(face, np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.05 * side), np.uint8))


def test_more_blur_never_makes_a_face_sharp() -> None:
    image, face = portrait_at(150.0)
    cropper = FaceCropper(CROP)
    values = []
    for share in (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06):
        crop = cropper.crop(np.asarray(cv2.GaussianBlur(image, (0, 0), share * 150.0), np.uint8), [face])
        values.append(sharpness(edges(crop)[0]))
    assert values == sorted(values, reverse=True)


def test_of_a_face_of_few_pixels_nobody_says_whether_it_is_blurred() -> None:
    image, face = portrait_at(40.0)
    assert "blurred" not in doubts(face, np.asarray(cv2.GaussianBlur(image, (0, 0), 3.0), np.uint8))
