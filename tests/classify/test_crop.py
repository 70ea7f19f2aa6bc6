from __future__ import annotations

import math
from typing import Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_a_large_face_is_averaged_and_not_sampled_point_by_point() -> None:
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[::2] = 255
    face = Face(
        Box(0, 0, 1, 1), 0.9, {"right_eye": (350.0, 400.0), "left_eye": (650.0, 400.0), "mouth": (500.0, 730.0)}
    )
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    assert crop.min() > 100
    assert crop.max() < 155


def test_a_face_that_fills_a_large_frame_is_sampled_in_no_more_points_than_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sampled = []

    def warp(image: Image, matrix: np.ndarray, size: Tuple[int, int], **more: int) -> Image:
        sampled.append(size)
        return warp_affine(image, matrix, size, **more)

    warp_affine = cv2.warpAffine
    monkeypatch.setattr(cv2, "warpAffine", warp)
    image, face = drawn_face(1000, 0.0, (2000, 1000), (4000, 3000))
    (crop,) = FaceCropper(SPEC).crop(image, [face])
    assert crop.shape == (64, 64, 3)
    assert sampled == [(8 * 64, 8 * 64)]


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
