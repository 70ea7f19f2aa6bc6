from __future__ import annotations

import math
from pathlib import Path
from typing import Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fer_edge.capture
from fer_edge.classify.crop import FaceCropper, pose_of
from fer_edge.classify.spec import ModelSpec
from fer_edge.types import Box, Face, Image

SPEC = ModelSpec(name="test", crop_margin=2.6, crop_centre=0.4)


def drawn_face(
    between: float, roll: float, centre: Tuple[float, float] = (320.0, 240.0), size: Tuple[int, int] = (640, 480)
) -> Tuple[Image, Face]:
    """A face of three discs: red and green eyes, a blue mouth, on grey."""
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    cosine, sine = math.cos(roll), math.sin(roll)

    def place(x: float, y: float) -> Tuple[float, float]:
        return centre[0] + between * (cosine * x - sine * y), centre[1] + between * (sine * x + cosine * y)

    marks = {"right_eye": place(-0.5, 0), "left_eye": place(0.5, 0), "nose": place(0, 0.6), "mouth": place(0, 1.1)}
    for name, colour in (("right_eye", (0, 0, 255)), ("left_eye", (0, 255, 0)), ("mouth", (255, 0, 0))):
        x, y = marks[name]
        cv2.circle(image, (round(x * 16), round(y * 16)), round(between * 0.2 * 16), colour, -1, cv2.LINE_AA, 4)
    return image, Face(Box(0, 0, 1, 1), 0.9, marks)


def middle_of(crop: Image, channel: int) -> Tuple[float, float]:
    """The centre of gravity of what is clearly of one colour."""
    others = [other for other in range(3) if other != channel]
    amount = np.clip(crop[..., channel].astype(float) - crop[..., others].max(axis=2), 0, None)
    ys, xs = np.mgrid[: crop.shape[0], : crop.shape[1]]
    return float((xs * amount).sum() / amount.sum()), float((ys * amount).sum() / amount.sum())


@given(st.floats(14, 110), st.floats(-math.pi, math.pi), st.floats(250, 390), st.floats(190, 290))
@settings(deadline=None, max_examples=60)
def test_eyes_and_mouth_land_on_the_same_places_whatever_the_size_and_roll(
    between: float, roll: float, x: float, y: float
) -> None:
    image, face = drawn_face(between, roll, (x, y))
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    unit = 64 / 2.6
    eyes_y = 31.5 - 0.4 * 1.1 * unit
    for channel, expected in (
        (2, (31.5 - unit / 2, eyes_y)),
        (1, (31.5 + unit / 2, eyes_y)),
        (0, (31.5, eyes_y + 1.1 * unit)),
    ):
        found = middle_of(crop, channel)
        assert math.dist(found, expected) < 1.0


def test_without_alignment_a_rolled_face_stays_rolled() -> None:
    image, face = drawn_face(40, 0.5)
    (crop,) = FaceCropper(ModelSpec(name="test", alignment="none")).crop(image, [face])
    right, left = middle_of(crop, 2), middle_of(crop, 1)
    assert math.atan2(left[1] - right[1], left[0] - right[0]) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (639.0, 240.0), (320.0, 479.0), (-30.0, 240.0)])
def test_a_face_that_leaves_the_frame_is_padded_and_not_squeezed(centre: Tuple[float, float]) -> None:
    image, face = drawn_face(40, 0.0, centre)
    wide, wide_face = drawn_face(40, 0.0, (centre[0] + 200, centre[1] + 200), size=(1040, 880))
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    (whole,) = FaceCropper(SPEC).crop(wide, [wide_face])
    unit = 40 * 2.6 / 64
    x = centre[0] + (np.arange(64) - 31.5) * unit
    y = centre[1] + 0.4 * 1.1 * 40 + (np.arange(64) - 31.5) * unit
    inside = np.ix_((y > 2) & (y < 477), (x > 2) & (x < 637))
    assert crop[inside].size
    assert np.abs(crop[inside].astype(int) - whole[inside].astype(int)).max() <= 2
    assert crop.max(axis=2).min() > 80, "the edge of the frame is continued; there is no black in it"


def test_beyond_the_frame_its_edge_goes_on_and_no_black_comes_in() -> None:
    _, face = drawn_face(40, 0.3, (0.0, 0.0))
    (crop,) = FaceCropper(SPEC).crop(np.full((480, 640, 3), 90, np.uint8), [face])
    assert (crop == 90).all()


@pytest.mark.parametrize(("between", "most"), [(72, 55.0), (100, 55.0), (300, 20.0)])
def test_a_large_face_is_averaged_and_not_sampled_point_by_point(between: float, most: float) -> None:
    image = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (1000, 1000, 3))
    _, face = drawn_face(between, 0.0, (500.0, 400.0))
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    # A mean of n such pixels has a standard deviation of 127.5 / sqrt(n).
    assert crop.std() < most


@pytest.mark.parametrize(("between", "samples"), [(30, 1), (50, 2), (70, 2), (150, 2), (360, 2), (750, 2), (1000, 8)])
def test_a_large_face_is_turned_in_few_points(monkeypatch: pytest.MonkeyPatch, between: float, samples: int) -> None:
    sampled = []

    def warp(image: Image, matrix: np.ndarray, size: Tuple[int, int], **more: int) -> Image:
        sampled.append(size)
        return warp_affine(image, matrix, size, **more)

    warp_affine = cv2.warpAffine
    monkeypatch.setattr(cv2, "warpAffine", warp)
    image, face = drawn_face(between, 0.0, (2000, 1000), (4000, 3000))
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    assert crop.shape == (64, 64, 3)
    assert len(sampled) == 1
    assert max(sampled[0]) == samples * 64


PORTRAIT = cv2.imread(str(Path(fer_edge.capture.__file__).with_name("astronaut.jpg")))
BLURRED = cv2.GaussianBlur(PORTRAIT, (0, 0), 16.0)


def reference_crop(image: Image, face: Face) -> Tuple[np.ndarray, np.ndarray]:
    """The crop by its definition: dense bilinear samples, averaged; and which of its pixels lie well inside the image."""
    pose = pose_of(face)
    side = pose.scale * SPEC.crop_margin
    dense = max(3, math.ceil(side / 64))
    steps = ((np.arange(64 * dense) + 0.5) / (64 * dense) - 0.5) * side
    right, down = np.meshgrid(steps, steps)
    cosine, sine = math.cos(pose.roll), math.sin(pose.roll)
    x = pose.eyes[0] + SPEC.crop_centre * (pose.mouth[0] - pose.eyes[0]) + cosine * right - sine * down
    y = pose.eyes[1] + SPEC.crop_centre * (pose.mouth[1] - pose.eyes[1]) + sine * right + cosine * down
    samples = cv2.remap(
        image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    # What is halved ends at whole pixels of the crop, and what lies beyond is averaged in.
    rim = 1 + side / 64
    inside = (x > rim) & (x < image.shape[1] - 1 - rim) & (y > rim) & (y < image.shape[0] - 1 - rim)
    cells = (64, dense, 64, dense)
    return samples.reshape(*cells, 3).mean(axis=(1, 3)), inside.reshape(cells).all(axis=(1, 3))


@pytest.mark.slow
@given(st.floats(8, 400), st.floats(-math.pi, math.pi), st.floats(-0.1, 1.1), st.floats(-0.1, 1.1))
@settings(deadline=None, max_examples=20)
def test_a_crop_is_that_of_its_definition_at_any_place_size_and_roll(
    between: float, roll: float, x: float, y: float
) -> None:
    _, face = drawn_face(between, roll, (x * 512, y * 512), (2, 2))
    (crop,) = FaceCropper(SPEC).crop(PORTRAIT, [face])
    expected, inside = reference_crop(PORTRAIT, face)
    apart = np.abs(crop - expected)
    if inside.sum() > 100:
        assert apart[inside].mean() < 2.5
        assert np.percentile(apart[inside], 99) < 20.0
    # Beyond the frame its edge is continued, of a large face as wide a one as is averaged.
    (crop,) = FaceCropper(SPEC).crop(BLURRED, [face])
    assert np.abs(crop - reference_crop(BLURRED, face)[0]).max() < 14.0


@given(st.floats(110, 500), st.floats(-math.pi, math.pi), st.floats(900, 1100), st.floats(900, 1100))
@settings(deadline=None, max_examples=15)
def test_eyes_and_mouth_of_a_large_face_land_on_the_same_places(
    between: float, roll: float, x: float, y: float
) -> None:
    image, face = drawn_face(between, roll, (x, y), (2000, 2000))
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    unit = 64 / 2.6
    eyes_y = 31.5 - 0.4 * 1.1 * unit
    for channel, expected in ((2, (31.5 - unit / 2, eyes_y)), (1, (31.5 + unit / 2, eyes_y))):
        assert math.dist(middle_of(crop, channel), expected) < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (2, 3), (500, 1), (37, 41)])
@pytest.mark.parametrize("between", [1.0, 30.0, 400.0, 5000.0])
@pytest.mark.parametrize("centre", [(0.0, 0.0), (-900.0, 20.0), (20.0, 1e5)])
def test_a_frame_of_one_colour_gives_crops_of_it_however_small_it_is_and_wherever_the_face_lies(
    shape: Tuple[int, int], between: float, centre: Tuple[float, float]
) -> None:
    _, face = drawn_face(between, 0.4, centre, (2, 2))
    crops = FaceCropper(SPEC).crop(np.full((*shape, 3), 77, np.uint8), [face])
    assert crops.shape == (1, 64, 64, 3)
    assert (crops == 77).all()


def test_a_face_on_the_other_side_of_an_edge_gives_what_lies_at_that_edge() -> None:
    image = np.zeros((600, 800, 3), np.uint8)
    image[:, 400:] = 200
    _, right = drawn_face(150, 0.0, (1500.0, 300.0), (2, 2))
    _, left = drawn_face(150, 0.0, (-700.0, 300.0), (2, 2))
    crops = FaceCropper(SPEC).crop(image, [right, left])
    assert (crops[0] == 200).all()
    assert (crops[1] == 0).all()


@pytest.mark.parametrize("between", [20, 60, 200])
def test_crops_are_written_where_the_caller_wants_them(between: float) -> None:
    image, face = drawn_face(between, 0.3)
    batch = np.full((4, 64, 64, 3), 7, np.uint8)
    part = batch[1:3]
    assert FaceCropper(SPEC).crop(image, [face, face], out=part) is part
    np.testing.assert_array_equal(batch[1:3], FaceCropper(SPEC).crop(image, [face, face]))
    assert (batch[[0, 3]] == 7).all()


@pytest.mark.parametrize("between", [60, 200])
def test_a_frame_stays_as_it_is_and_may_be_one_that_is_only_to_be_read(between: float) -> None:
    image, face = drawn_face(between, 0.3)
    before = image.copy()
    image.flags.writeable = False
    FaceCropper(SPEC).crop(image, [face])
    np.testing.assert_array_equal(image, before)


@given(st.floats(14, 110), st.floats(-math.pi, math.pi))
@settings(deadline=None, max_examples=20)
def test_a_mirrored_face_gives_the_mirrored_crop(between: float, roll: float) -> None:
    image, face = drawn_face(between, roll, (310.0, 220.0))
    swapped = {"right_eye": "left_eye", "left_eye": "right_eye"}
    marks = {swapped.get(name, name): (639 - x, y) for name, (x, y) in face.landmarks.items()}
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    (mirrored,) = FaceCropper(SPEC).crop(image[:, ::-1].copy(), [Face(Box(0, 0, 1, 1), 0.9, marks)])
    assert np.abs(mirrored[:, ::-1].astype(int) - crop.astype(int)).mean() < 1.0


def test_crops_come_in_the_order_of_the_faces() -> None:
    image = np.zeros((400, 800, 3), np.uint8)
    image[:, 400:] = 200
    faces = [
        Face(Box(0, 0, 1, 1), 0.9, {"right_eye": (x - 10.0, 200.0), "left_eye": (x + 10.0, 200.0)}) for x in (200, 600)
    ]
    dark, bright = FaceCropper(SPEC).crop(image, faces)
    assert dark.max() == 0
    assert bright.min() == 200


def test_the_middle_of_a_mouth_lies_between_its_corners() -> None:
    marks = {"right_eye": (0.0, 0.0), "left_eye": (40.0, 0.0), "right_mouth": (6.0, 40.0), "left_mouth": (30.0, 48.0)}
    assert pose_of(Face(Box(0, 0, 1, 1), 0.9, marks)).mouth == (18.0, 44.0)


def test_a_turned_head_is_cut_as_large_as_seen_from_the_front() -> None:
    front = pose_of(Face(Box(0, 0, 1, 1), 0.9, {"right_eye": (0, 0), "left_eye": (40, 0), "mouth": (20, 44)}))
    turned = pose_of(Face(Box(0, 0, 1, 1), 0.9, {"right_eye": (0, 0), "left_eye": (14, 0), "mouth": (10, 44)}))
    assert turned.scale == pytest.approx(front.scale, rel=0.03)


def test_the_nose_tells_how_far_a_head_is_turned() -> None:
    def turn(nose: float) -> float:
        marks = {"right_eye": (0.0, 0.0), "left_eye": (40.0, 0.0), "nose": (nose, 22.0), "mouth": (20.0, 44.0)}
        return pose_of(Face(Box(0, 0, 1, 1), 0.9, marks)).turn

    assert turn(20) == pytest.approx(0)
    assert turn(45) == pytest.approx(-turn(-5))
    assert turn(45) > 0.6


def test_no_faces_give_an_empty_batch() -> None:
    assert FaceCropper(SPEC).crop(np.zeros((10, 10, 3), np.uint8), []).shape == (0, 64, 64, 3)


def test_eyes_on_one_point_still_give_a_crop() -> None:
    face = Face(Box(0, 0, 1, 1), 0.9, {"right_eye": (5.0, 5.0), "left_eye": (5.0, 5.0)})
    assert FaceCropper(SPEC).crop(np.zeros((10, 10, 3), np.uint8), [face]).shape == (1, 64, 64, 3)
