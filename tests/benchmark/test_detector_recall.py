"""``benchmarks/detector_recall.py`` measures detectors on images whose faces are where it says."""

from __future__ import annotations

import importlib
import json
import zlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List, Sequence, Tuple

import cv2
import numpy as np
import pytest

from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector, FaceSearch
from fer_edge.errors import SourceNotFound, UsageError
from fer_edge.types import Box, Face, Image

FOLDER = Path(__file__).parents[2] / "benchmarks"
TRUE = Box(100, 100, 80, 80)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("detector_recall")


class Knowing(FaceDetector):
    """Knows the faces of images that it was told of before."""

    def __init__(self, scenes: Sequence[Any], times: int = 1) -> None:
        self._known: Dict[int, Tuple[Box, ...]] = {zlib.crc32(one.image.tobytes()): one.faces * times for one in scenes}

    def detect(self, image: Image) -> Tuple[Face, ...]:
        return tuple(Face(box, 0.9, {}) for box in self._known[zlib.crc32(image.tobytes())])


class Blind(FaceDetector):
    def detect(self, image: Image) -> Tuple[Face, ...]:
        return ()


def some_groups(script: ModuleType) -> Any:
    """One group of each table."""
    return list({group.table: group for group in script.suite(0, quick=True)}.values())


def tallies(report: Any, name: str, what: str) -> Dict[str, int]:
    return {group["table"]: group["detectors"][name][what] for group in report["groups"]}


@pytest.mark.slow
def test_a_detector_that_finds_all_gets_all_and_one_that_finds_nothing_gets_nothing(script: ModuleType) -> None:
    groups = some_groups(script)
    scenes = [scene for group in groups for scene in group.scenes()]
    detectors = {"knowing": Knowing(scenes), "blind": Blind(), "doubling": Knowing(scenes, 2)}
    report = script.measure(groups, detectors)  # which makes the images again: they are the same
    faces = tallies(report, "blind", "faces")
    assert {table for table, count in faces.items() if count} == {
        "size",
        "company",
        "roll",
        "turn",
        "light",
        "motion",
        "double",
    }
    assert tallies(report, "knowing", "found") == faces
    assert not any(tallies(report, "blind", "found").values())
    assert not any(tallies(report, "knowing", what)["double"] for what in ("false", "doubled", "doubled_after"))
    assert tallies(report, "doubling", "doubled") == {**tallies(report, "blind", "frames"), "empty": 0}
    assert not any(tallies(report, "doubling", "doubled_after").values())


@pytest.mark.parametrize("roll", [0.0, 40.0])
def test_a_scene_has_its_faces_where_it_says(script: ModuleType, roll: float) -> None:
    scenes, random = importlib.import_module("detector_scenes"), np.random.default_rng(3)
    heads = scenes.place((640, 480), 100, random, most=2, roll=roll)
    scene = scenes.draw(np.full((480, 640, 3), 120, np.float32), heads, random)
    found = [face.box for face in open_detector("blazeface").detect(scene.image)]
    assert len(scene.faces) == 2
    assert script.judge(found, scene.faces) == ([True, True], 0, False)
    if not roll:
        for box in found:
            assert min(abs(box.height / face.height - 1) for face in scene.faces) < 0.1


@pytest.mark.parametrize("turn", [20.0, 40.0, 60.0])
def test_a_turned_head_has_its_face_where_it_says(turn: float) -> None:
    scenes, random = importlib.import_module("detector_scenes"), np.random.default_rng(3)
    (head,) = scenes.place((640, 480), 120, random, most=1, turn=turn)
    left, _, right, _ = scenes.extent(head)
    straight = scenes.extent(replace(head, turn=0.0))
    assert right - left < straight[2] - straight[0]
    middle = head.box.x + head.box.width / 2
    assert left < middle - head.box.width / 2 < middle + head.box.width / 2 < right


def test_the_portraits_face_is_the_box_that_blazeface_gives_it(script: ModuleType) -> None:
    grounds = importlib.import_module("detector_grounds")
    (face,) = open_detector("blazeface").detect(grounds.portrait())
    assert face.box == pytest.approx(grounds.FACE, abs=2)


def test_heads_lie_within_the_image_and_over_no_other_also_where_they_just_fit(script: ModuleType) -> None:
    scenes = importlib.import_module("detector_scenes")
    for seed, height in enumerate((24, 60, 60, 100, 100, 104)):
        heads = scenes.place((640, 480), height, np.random.default_rng(seed))
        areas = [scenes.extent(head) for head in heads]
        assert len(heads) == 3
        for index, (left, top, right, bottom) in enumerate(areas):
            assert left >= -0.01
            assert top >= -0.01
            assert right <= 640.01
            assert bottom <= 480.01
            for other in areas[:index]:
                assert left >= other[2] or other[0] >= right or top >= other[3] or other[1] >= bottom
    assert scenes.place((320, 240), 160, np.random.default_rng(0)) == []


def test_a_box_is_a_faces_where_both_its_middle_and_its_size_fit(script: ModuleType) -> None:
    other = Box(300, 100, 80, 80)
    assert script.judge([TRUE], [TRUE, other]) == ([True, False], 0, False)
    assert script.judge([Box(110, 110, 90, 90)], [TRUE]).found == [True]
    assert script.judge([Box(120, 120, 40, 40)], [TRUE]) == ([False], 0, False)  # too small: a quarter of the area
    assert script.judge([Box(60, 60, 160, 160)], [TRUE]).found == [False]  # too large
    assert script.judge([Box(500, 100, 80, 80)], [TRUE, other]) == ([False, False], 1, False)
    assert script.judge([], []) == ([], 0, False)


def test_each_box_is_one_faces_and_a_second_one_on_a_head_is_told(script: ModuleType) -> None:
    beside = Box(125, 100, 80, 80)
    assert script.judge([Box(110, 100, 80, 80)], [TRUE, beside]).found.count(True) == 1
    assert script.judge([TRUE, Box(110, 100, 80, 80)], [TRUE]) == ([True], 0, True)


@pytest.mark.slow
def test_a_quick_run_gives_tables_and_a_file_and_images(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, images = tmp_path / "all.json", tmp_path / "images"
    assert script.main(["--quick", "blazeface", "--json", str(file), "--images", str(images)]) == 0
    told = capsys.readouterr()
    assert told.out.count("**") == 2 * 9
    row = next(line for line in told.out.splitlines() if line.startswith("| 640x480 | blazeface |"))
    assert row.endswith("| 100 / 100 |")  # the largest faces
    assert "size-plain-640x480-40" in told.err
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["seed"] == 0
    assert report["environment"]["cpu"]
    assert report["ms"]["640x480, 3 of 96 px"]["blazeface"]["median"] > 0
    assert cv2.imread(str(images / "size-busy-640x480-80-0.png")).shape == (480, 640, 3)


class Searching(Blind):
    """Keeps what its searches were shown."""

    def __init__(self) -> None:
        self.shown: List[Tuple[float, bool]] = []

    def search(self) -> FaceSearch:
        return Noting(self.shown)


class Noting(FaceSearch):
    def __init__(self, shown: List[Tuple[float, bool]]) -> None:
        self._shown = shown

    def look(self, image: Image, at: float, anew: bool = False) -> Tuple[Face, ...]:
        self._shown.append((at, anew))
        return ()


def test_a_detector_that_searches_videos_gets_clips_as_videos_and_all_else_as_pictures(script: ModuleType) -> None:
    def clips() -> Any:
        for first in (0, 3):
            for _ in range(2):
                yield script.Scene(np.zeros((48, 64, 3), np.uint8), (TRUE,), first)

    detector = Searching()
    script.measure([script.Group("size", {"height": 80}, clips)], {"auto": detector})
    assert detector.shown == []
    script.measure([script.Group("motion", {"height": 80}, clips, 10)], {"auto": detector})
    assert detector.shown == [(0.0, True), (0.1, False), (0.2, True), (pytest.approx(0.3), False)]


def test_what_searches_videos_is_timed_both_ways(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    times = importlib.import_module("detector_times")
    monkeypatch.setattr(times, "SIZES", ((64, 48),))
    measured = times.measure_times({"blind": Blind(), "auto": Searching()}, 0, 2, lambda line: None)
    assert [list(one) for one in measured.values()] == [["blind", "auto, picture", "auto, video"]] * 2


def test_tables_of_a_page_are_replaced_under_their_titles_and_nothing_else(script: ModuleType) -> None:
    lines = ["Measured with a board.", "", "**One**", "", "| a |", "| --- |", "| 1 |", "", "**Two**", "", "| b |"]
    page = "# Page\n\nMeasured with another.\n\n**One**\n\n| a |\n| --- |\n| 7 |\n| 8 |\n\nText.\n\n| own |\n"
    done = "# Page\n\nMeasured with a board.\n\n**One**\n\n| a |\n| --- |\n| 1 |\n\nText.\n\n| own |\n"
    assert script.filled(page, lines) == done
    assert script.filled(done, lines) == done
    with pytest.raises(UsageError, match="none of these tables"):
        script.filled("# Page\n", lines)


class Left(FaceDetector):
    """Takes what is red in the left part of an image for a face there."""

    def detect(self, image: Image) -> Tuple[Face, ...]:
        red = image[..., 2] > 200
        if not red.any():
            return ()
        rows, columns = np.nonzero(red)
        across, down = np.ptp(columns) + 1, np.ptp(rows) + 1
        return (Face(Box(float(columns.min()), float(rows.min()), float(across), float(down)), 0.9, {}),)


def test_parts_of_clips_are_where_nobody_is_in_any_frame(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = importlib.import_module("detector_nobody")
    monkeypatch.setattr(nobody, "open_detector", lambda name, min_score: Left())
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (480, 270))
    for number in range(5):
        frame = np.full((270, 480, 3), 60, np.uint8)
        if number == 3:
            frame[100:160, 60:120] = (0, 0, 255)
        writer.write(frame)
    writer.release()
    parts = [scene.image for scene in nobody.parts_of_clips(tmp_path, (640, 480), 20)]
    assert 0 < len(parts) <= 20
    assert all(image.shape == (480, 640, 3) and image[..., 2].max() < 100 for image in parts)


def test_hands_are_drawn_within_the_image_and_are_the_same_again(script: ModuleType) -> None:
    nobody = importlib.import_module("detector_nobody")
    for seed in range(5):
        hand = nobody.hand((640, 480), np.random.default_rng(seed))
        assert hand.shape == (480, 640, 3)
        assert (hand == nobody.hand((640, 480), np.random.default_rng(seed))).all()


@pytest.mark.parametrize("option", ["--clips", "--nobody"])
def test_a_folder_that_is_not_there_or_has_nothing_fit_is_told_before_anything_is_measured(
    script: ModuleType, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, words in ((tmp_path / "none", "There is no folder"), (tmp_path, "has no file")):
        assert script.main(["blazeface", option, str(folder)]) == SourceNotFound.exit_code
        told = capsys.readouterr().err
        assert words in told
        assert told.count("\n") == 2  # what is wrong, and what to do


def test_a_page_that_cannot_be_written_is_told_before_anything_is_measured(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["blazeface", "--write", str(tmp_path / "none.md")]) == 30
    assert "cannot be written" in capsys.readouterr().err
    (tmp_path / "page.md").write_text("# Page", encoding="utf-8")
    assert script.main(["blazeface", "--write", str(tmp_path / "page.md")]) == 2
    assert "none of these tables" in capsys.readouterr().err


def test_what_is_asked_in_vain_is_told_with_what_to_do(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["blazefaces"]) == 2
    assert "Choose from auto, blazeface, blazeface-full, yunet" in capsys.readouterr().err
    assert script.main(["blazeface", "--min-score", "2"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err
    assert script.main(["blazeface", "--json", str(tmp_path / "none" / "all.json")]) == 30
    assert "cannot be written" in capsys.readouterr().err
