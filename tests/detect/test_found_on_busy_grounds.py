"""The search of the default detector in videos: who comes is found among what looks like a face, and nobody else is."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Iterator, List, Sequence

import numpy as np
import pytest

from fer_edge.detect.auto import AutoDetector
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.known_faces import distance
from fer_edge.types import Box, Face

pytestmark = pytest.mark.slow

RATE = 15
FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def videos(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("search_videos")


@pytest.fixture(scope="module")
def detector() -> Iterator[AutoDetector]:
    built = AutoDetector()
    yield built
    built.close()


def told(faces: Sequence[Face], box: Box) -> bool:
    return any(distance(face.box, box) < box.height / 2 for face in faces)


def test_of_nine_new_faces_seven_are_found_within_half_a_second_among_much_that_looks_like_one(
    detector: AutoDetector, videos: ModuleType
) -> None:
    found = set()
    for seed in range(3):
        search, random = detector.search(), np.random.default_rng(seed)
        frames = videos.APPEARS + RATE // 2 + 1
        scenes = videos.people("busy", (1920, 1080), 60, 1.0, random, new=True, frames=frames)
        for number, scene in enumerate(scenes):
            faces = search.look(scene.image, number / RATE)
            found |= {(seed, head) for head, box in enumerate(scene.faces) if told(faces, box)}
    assert len(found) >= 7


def test_in_a_video_without_anybody_no_more_is_found_than_the_short_range_network_alone_does(
    detector: AutoDetector, videos: ModuleType
) -> None:
    short = BlazeFaceDetector("short")
    of_search: List[Face] = []
    of_short: List[Face] = []
    for seed in range(4):
        search = detector.search()
        for number, image in enumerate(videos.nobody("pan over shapes", 20, np.random.default_rng(seed))):
            of_search += search.look(image, number / RATE)
            of_short += short.detect(image)
    short.close()
    assert len(of_search) <= len(of_short)
