"""A detector that searches: what the stage tells it of each camera's frames."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import cv2
import numpy as np
import pytest

from fer_edge import read_image, watch
from fer_edge.app.detection import Detection
from fer_edge.app.kept import KeptDetector
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.detect import FaceDetector, FaceSearch
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.sinks.jsonl import as_record
from fer_edge.types import Box, Face, Frame, Image, Observation

FACE = Face(Box(10, 10, 40, 40), 0.9, {"right_eye": (20.0, 25.0), "left_eye": (40.0, 25.0)})
SCENES = [
    np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8).repeat(40, 0).repeat(40, 1) for seed in (0, 1)
]


class Searching(FaceDetector):
    """Writes down how it was asked."""

    def __init__(self) -> None:
        self.everywhere = 0
        self.searches: List[Recorded] = []
        self.told: List[Tuple[Search, bool]] = []

    def detect(self, image: Image) -> Tuple[Face, ...]:
        self.everywhere += 1
        return (FACE,)

    def search(self, wanted: Search = EVERYTHING, hold: bool = False) -> FaceSearch:
        self.told.append((wanted, hold))
        self.searches.append(Recorded())
        return self.searches[-1]


class Recorded(FaceSearch):
    def __init__(self) -> None:
        self.asked: List[Tuple[float, bool]] = []

    def look(self, image: Image, at: float, anew: bool = False) -> Tuple[Face, ...]:
        self.asked.append((at, anew))
        return (FACE,)


def seen(camera: str, index: int, scene: int = 0, media_time: Optional[float] = None, file: str = "") -> Observation:
    return Observation(
        Frame(index, 100 + index / 10, datetime.now(timezone.utc), SCENES[scene], camera, media_time, file)
    )


def test_each_camera_has_a_search_of_its_own_that_is_told_of_time_and_cuts() -> None:
    detector = Searching()

    def build() -> FaceDetector:
        return KeptDetector(detector)

    stage = Detection({"door": build, "hall": build})
    assert [
        one.found for one in stage.work([seen("door", 0), seen("hall", 0), seen("door", 1), seen("hall", 1, 1)])
    ] == [(FACE,)] * 4
    door, hall = detector.searches
    assert door.asked == [(100.0, False), (100.1, False)]
    assert hall.asked == [(100.0, False), (100.1, True)]
    stage.work([seen("door", 2, media_time=7.5)])
    assert door.asked[-1][0] == 7.5
    assert detector.everywhere == 0


def test_single_pictures_are_searched_everywhere() -> None:
    detector = Searching()
    stage = Detection({"": lambda: detector})
    stage.work([seen("", 0, file="one.jpg"), seen("", 1, file="two.jpg")])
    assert detector.everywhere == 2
    assert not detector.searches[0].asked


def test_what_is_to_be_blurred_is_searched_everywhere_in_each_frame() -> None:
    detector = Searching()
    stage = Detection({"": lambda: detector}, everywhere=True)
    stage.work([seen("", 0), seen("", 1)])
    assert detector.everywhere == 2
    assert not detector.searches


def test_a_search_is_told_what_is_wanted_of_its_camera_and_whether_nobody_follows_faces() -> None:
    detector, wanted = Searching(), Search(min_face=40)
    Detection({"door": lambda: detector, "hall": lambda: detector}, searches={"hall": wanted}, hold=True)
    assert detector.told == [(EVERYTHING, True), (wanted, True)]


def test_auto_runs_on_a_camera_and_on_a_picture() -> None:
    with watch("demo", detector="auto") as session:
        faces = [len(observation.faces) for observation in islice(session, 4)]
    assert len(faces) == 4
    assert min(faces) >= 1
    (face,) = read_image(PORTRAIT, detector="auto")
    assert face.face.score > 0.5


@pytest.mark.slow
def test_a_file_gives_the_same_results_however_fast_it_is_read(tmp_path: Path) -> None:
    """What is looked for when goes by the time of the video: small faces that come and go, in a frame of five parts."""
    clip = tmp_path / "clip.avi"
    head = cv2.resize(cv2.imread(str(PORTRAIT)), (176, 176), interpolation=cv2.INTER_AREA)
    video = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 15.0, (1280, 720))
    for index in range(30):
        image = np.full((720, 1280, 3), 110, np.uint8)
        for left, top, begin, end in ((40, 60, 0, 30), (700, 420, 4, 26), (1000, 80, 10, 30)):
            if begin <= index < end:
                image[top : top + 176, left + 3 * index :][:, :176] = head
        video.write(image)
    video.release()

    def told(pause: float) -> List[Dict[str, Any]]:
        lines = []
        with watch(clip) as session:
            for observation in session:
                line = as_record(observation, session.rates())
                # When it was read, and how fast, differs by its nature.
                lines.append({key: value for key, value in line.items() if key not in ("timestamp", "fps")})
                time.sleep(pause)
        return lines

    once = told(0.0)
    assert [len(line["faces"]) for line in (once[0], once[-1])] == [1, 2]
    assert told(0.0) == once
    assert told(0.05) == once
