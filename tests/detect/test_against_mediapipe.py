"""Compares with the mediapipe package itself; `make test-mediapipe` runs it where that package is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Iterator

import cv2
import numpy as np
import pytest
from reference_record import (
    iou,
    paired,
    read_picture,
    read_record,
    recorded_faces,
    worst_box_difference,
    worst_landmark_difference,
)

from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.blazeface import BlazeFaceDetector

SCENES = sorted(read_record("mediapipe")["faces"]["short"])

pytestmark = [
    pytest.mark.skipif(find_spec("mediapipe") is None, reason="the mediapipe package is not installed"),
    # mediapipe warns about its own use of protobuf.
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def theirs() -> Iterator[FaceDetector]:
    detector = open_detector("mediapipe")
    yield detector
    detector.close()


@pytest.fixture(scope="module")
def ours() -> Iterator[FaceDetector]:
    detector = BlazeFaceDetector("short")
    yield detector
    detector.close()


@pytest.mark.parametrize("width", [160, 333, 640, 1280])
@pytest.mark.parametrize("scene", SCENES)
def test_blazeface_finds_what_mediapipe_finds_in_pictures_of_any_size(
    scene: str, width: int, ours: FaceDetector, theirs: FaceDetector
) -> None:
    picture = read_picture(scene)
    height = round(picture.shape[0] * width / picture.shape[1])
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    expected, found = theirs.detect(picture), ours.detect(picture)
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert worst_box_difference(one, other) < 0.015
        assert worst_landmark_difference(one, other) < 0.02
        assert one.score == pytest.approx(other.score, abs=0.01)


@pytest.mark.parametrize("variant", ["short", "full"])
def test_the_adapter_gives_the_recorded_faces(variant: str) -> None:
    detector = open_detector("mediapipe" if variant == "short" else "mediapipe-full")
    for scene in SCENES:
        expected = recorded_faces(variant, scene)
        found = detector.detect(read_picture(scene))
        assert len(found) == len(expected)
        for one, other in zip(paired(found, expected), expected):
            assert iou(one.box, other.box) > 0.97
            assert set(one.landmarks) == set(other.landmarks)
    detector.close()


def test_the_adapter_can_be_closed_twice_and_then_detects_no_more() -> None:
    detector = open_detector("mediapipe")
    detector.close()
    detector.close()
    with pytest.raises(ValueError, match="closed"):
        detector.detect(np.zeros((48, 64, 3), np.uint8))


def test_the_adapter_refuses_a_gray_picture(theirs: FaceDetector) -> None:
    with pytest.raises(ValueError, match="a detector takes"):
        theirs.detect(np.zeros((480, 640), np.uint8))
