"""Both networks together, on frames that are made from the demo's portrait."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

import cv2
import numpy as np
import pytest
from portraits import AROUND, frame, head_of_portrait, paint

from fer_edge.detect.auto import AutoDetector
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.known_faces import distance
from fer_edge.types import Box, Face, Image, Point


@pytest.fixture(scope="module")
def detector() -> Iterator[AutoDetector]:
    built = AutoDetector()
    yield built
    built.close()


@pytest.fixture(scope="module")
def head(detector: AutoDetector) -> Image:
    return head_of_portrait(detector)


def near(faces: Sequence[Face], middle: Point, height: float) -> List[Face]:
    return [face for face in faces if distance(face.box, Box(*middle, 0, 0)) < height]


@pytest.mark.parametrize("height", [60, 40])
@pytest.mark.parametrize("size", [(640, 480), (1920, 1080)])
def test_small_faces_are_found_in_a_single_picture_anywhere(
    detector: AutoDetector, head: Image, size: Tuple[int, int], height: int
) -> None:
    half = round(0.5 * AROUND * height) + 1
    middles = [
        (half + x * (size[0] - 2 * half), half + y * (size[1] - 2 * half))
        for x, y in ((0, 0), (0.3, 0.6), (0.5, 0.1), (1, 1))
    ]
    found = detector.detect(frame(head, size, height, *middles))
    assert len(found) == 4
    assert all(len(near(found, middle, height)) == 1 for middle in middles)
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


@pytest.mark.parametrize("least", [0.3, 0.7, 0.93])
def test_no_face_is_told_below_the_least_score(head: Image, least: float) -> None:
    detector = AutoDetector(min_score=least)
    search = detector.search(hold=True)
    scores = []
    for index in range(6):
        image = frame(head, (640, 480), 40, (100, 300), (320 + 2 * index, 200))
        paint(image, head, 110, (510, 300))
        cv2.GaussianBlur(image, (0, 0), 1 + index / 3, dst=image)
        scores += [face.score for face in (*detector.detect(image), *search.look(image, index / 15))]
    detector.close()
    assert scores
    assert min(scores) >= least


def test_the_landmarks_of_a_small_face_are_as_exact_as_those_of_a_large_one(
    detector: AutoDetector, head: Image
) -> None:
    size = (1920, 1080)
    (large,) = detector.detect(frame(head, size, 400, (960, 540)))
    (small,) = detector.detect(frame(head, size, 40, (960, 540)))
    for name in ("right_eye", "left_eye", "mouth"):
        offsets = [
            np.subtract(face.landmarks[name], (960, 540)) / height for face, height in ((large, 400), (small, 40))
        ]
        assert np.abs(offsets[0] - offsets[1]).max() < 0.08


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080)])
def test_a_new_face_is_found_within_half_a_second_and_does_not_flicker(
    detector: AutoDetector, head: Image, size: Tuple[int, int]
) -> None:
    search = detector.search()
    empty = frame(head, size, 60)
    for index in range(15):
        assert search.look(empty, index / 15) == ()
    first: Optional[int] = None
    for index in range(30):
        middle = (size[0] * 0.6 + 2 * index, size[1] * 0.4)
        found = near(search.look(frame(head, size, 60, middle), 1 + index / 15), middle, 60)
        first = index if found and first is None else first
        assert first is None or len(found) == 1
    assert first is not None
    assert first <= 7


def test_a_first_frame_and_one_after_a_cut_are_searched_everywhere(detector: AutoDetector, head: Image) -> None:
    search = detector.search()
    one, other = frame(head, (1920, 1080), 60, (300, 200)), frame(head, (1920, 1080), 60, (1500, 800))
    assert len(search.look(one, 0.0)) == 1
    (found,) = search.look(other, 1 / 15, anew=True)
    assert near([found], (1500, 800), 60)
    # So is one of another size, and a video that begins again.
    assert len(search.look(frame(head, (1280, 720), 60, (300, 200)), 2 / 15)) == 1
    assert len(search.look(frame(head, (1280, 720), 60, (900, 500)), 0.0)) == 1


def test_a_face_that_is_gone_is_not_told(detector: AutoDetector, head: Image) -> None:
    search = detector.search()
    search.look(frame(head, (640, 480), 50, (300, 200)), 0.0)
    assert search.look(frame(head, (640, 480), 50), 1 / 15) == ()


def test_many_small_faces_are_all_told_in_each_frame_though_few_are_looked_at(
    detector: AutoDetector, head: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    middles = [(150 + 300 * (n % 6), 150 + 250 * (n // 6)) for n in range(18)]
    image = frame(head, (1920, 1080), 40, *middles)
    search = detector.search()
    count = len(search.look(image, 0.0))
    assert count >= 16
    runs: List[Image] = []
    run = BlazeFaceDetector.detect

    def counted(self: BlazeFaceDetector, image: Image) -> Tuple[Face, ...]:
        runs.append(image)
        return run(self, image)

    monkeypatch.setattr(BlazeFaceDetector, "detect", counted)
    for index in range(1, 15):
        runs.clear()
        assert len(search.look(image, index / 15)) >= count
        assert len(runs) <= 1 + 3 + 2 * 2 + 2


def test_two_cameras_know_nothing_of_each_other(detector: AutoDetector, head: Image) -> None:
    one, other = detector.search(), detector.search()
    assert len(one.look(frame(head, (640, 480), 50, (150, 200)), 0.0)) == 1
    (found,) = other.look(frame(head, (640, 480), 50, (500, 300)), 0.0)
    assert near([found], (500, 300), 50)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 700, 3), (4320, 7680, 3)])
def test_frames_of_any_size_are_searched(detector: AutoDetector, shape: Tuple[int, int, int]) -> None:
    image = np.full(shape, 90, np.uint8)
    search = detector.search()
    assert detector.detect(image) == ()
    assert [search.look(image, index / 15) for index in range(3)] == [()] * 3


def test_what_is_no_image_is_refused(detector: AutoDetector) -> None:
    with pytest.raises(ValueError, match="a detector takes a picture"):
        detector.detect(np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="a detector takes a picture"):
        detector.search().look(np.zeros((4, 4), np.uint8), 0.0)


@pytest.mark.parametrize(("clip", "least"), [("classroom", 3), ("face-demographics-walking", 1)])
def test_people_who_do_not_sit_at_the_desk_are_seen_in_every_frame(
    detector: AutoDetector, shared: Path, clip: str, least: int
) -> None:
    video = cv2.VideoCapture(str(shared / "clips" / f"{clip}.gif"))
    search, counts = detector.search(), []
    while True:
        there, image = video.read()
        if not there:
            break
        counts.append(len(search.look(np.asarray(image), len(counts) / 15)))
    video.release()
    assert len(counts) > 30
    assert min(counts) >= least
