"""A cut in a video is told from movement, light, noise and a head that comes close."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Dict, List

import cv2
import numpy as np
import pytest

from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import PORTRAIT, DemoSource
from fer_edge.track import cut
from fer_edge.track.cut import CutFinder
from fer_edge.types import Image


@pytest.fixture(scope="module")
def portrait() -> Image:
    image = cv2.imread(str(PORTRAIT))
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="module")
def demos() -> Dict[int, List[Image]]:
    """Every fifth of 300 frames: steps of a sixth of a second."""
    scenes = {}
    for faces in (1, 3, 8):
        with DemoSource(faces, CaptureSettings(paced=False)) as source:
            scenes[faces] = [source.render(index) for index in range(0, 300, 5)]
    return scenes


def cuts(*images: Image) -> List[bool]:
    finder = CutFinder()
    return [finder.is_cut(image) for image in images]


@pytest.mark.parametrize("faces", [1, 3, 8])
def test_people_who_move_are_no_cut(demos: Dict[int, List[Image]], faces: int) -> None:
    assert not any(cuts(*demos[faces]))


def test_each_change_to_another_scene_is_a_cut(demos: Dict[int, List[Image]]) -> None:
    scenes = [demos[1][0], demos[3][0], demos[8][0], demos[1][20]]

    assert cuts(*(image for scene in scenes for image in (scene, scene))) == [
        False,
        False,
        True,
        False,
        True,
        False,
        True,
        False,
    ]


def test_a_lamp_that_goes_on_or_off_is_no_cut(portrait: Image) -> None:
    darker = np.asarray(portrait * 0.3, np.uint8)
    brighter = np.asarray(np.minimum(portrait * 0.7 + 70.0, 255.0), np.uint8)
    from_the_left = np.asarray(portrait * np.linspace(1.0, 0.3, portrait.shape[1])[None, :, None], np.uint8)

    assert not any(cuts(portrait, darker, portrait, brighter, portrait, from_the_left, portrait))


def test_darkness_and_a_covered_lens_are_no_cut(portrait: Image) -> None:
    black, skin = np.zeros_like(portrait), np.full_like(portrait, 120)

    assert not any(cuts(portrait, black, portrait, skin, portrait))


def test_noise_in_the_dark_is_no_cut() -> None:
    chance = np.random.default_rng(0)

    assert not any(cuts(*(chance.integers(0, 20, (480, 640, 3), np.uint8) for _ in range(20))))


def test_another_scene_behind_a_fade_is_a_cut(portrait: Image) -> None:
    black = np.zeros_like(portrait)

    assert cuts(portrait, black, black, portrait[::-1]) == [False, False, False, True]


def test_a_head_that_comes_to_fill_most_of_the_view_between_two_frames_is_no_cut(portrait: Image, shared: Path) -> None:
    with open_source(str(shared / "clips" / "classroom.gif")) as source:
        assert source.grab()
        room = source.retrieve()
    height, width = room.shape[:2]
    side = round(0.9 * height)
    near = room.copy()
    near[height - side :, (width - side) // 2 :][:, :side] = cv2.resize(portrait[24:192, 151:303], (side, side))

    assert not any(cuts(room, near, room))


def test_a_hand_in_front_of_half_the_view_is_no_cut(portrait: Image) -> None:
    hand = portrait.copy()
    hand[:, 300:] = (120, 140, 190)

    assert not any(cuts(portrait, hand, portrait))


def test_an_image_of_another_size_is_another_scene(portrait: Image) -> None:
    assert cuts(portrait, portrait[:400], portrait[:400], portrait) == [False, True, False, True]


def test_images_too_small_to_compare_are_no_cut() -> None:
    chance = np.random.default_rng(0)

    assert not any(cuts(*(chance.integers(0, 256, (20, 20, 3), np.uint8) for _ in range(5))))


CLIPS = (
    "classroom.gif",
    "face-demographics-walking.gif",
    "head-pose-face-detection-female.gif",
    "head-pose-face-detection-male.gif",
    "head-pose-face-detection-female-and-male.gif",
)


def test_real_clips_have_no_cut_within_and_one_where_another_follows(shared: Path) -> None:
    finder = CutFinder()
    found = []
    for name in CLIPS[:3]:
        with open_source(str(shared / "clips" / name)) as source:
            while source.grab():
                found.append((finder.is_cut(source.retrieve()), name))

    assert [name for is_cut, name in found if is_cut] == list(CLIPS[1:3])


def test_its_examples_are_true() -> None:
    assert doctest.testmod(cut).failed == 0
