"""A folder in which some pictures cannot be read: every file has its line, and the run its end."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np
import pytest

from fer_edge import deliver, watch
from fer_edge.app.live import LiveRun
from fer_edge.app.summary import Summary
from fer_edge.errors import SourceUnreadable
from fer_edge.settings import Settings
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.jsonl import told
from fer_edge.types import FrameBalance, Observation, Rates

BEFORE, BETWEEN, GONE = "1.jpg", "3.png", "4.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    (place / BEFORE).write_bytes(b"\xff\xd8\xff broken")
    cv2.imwrite(str(place / "2.png"), np.full((60, 80, 3), 90, np.uint8))
    (place / BETWEEN).write_bytes(b"no picture")
    (place / GONE).symlink_to("nowhere.png")
    cv2.imwrite(str(place / "5.png"), np.full((48, 64, 3), 90, np.uint8))
    (place / "notes.txt").write_text("not a picture", encoding="utf-8")
    return place


def lines(path: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def run(folder: Path, output: Path, **more: Any) -> Summary:
    asked = {"camera": str(folder), "display": "none", "output": str(output), **more}
    return LiveRun(Settings.of().changed(**asked), threading.Event()).run()


def test_each_file_has_its_line_in_order_with_its_name_and_the_reason(folder: Path, tmp_path: Path) -> None:
    summary = run(folder, tmp_path / "out.jsonl")
    found = lines(tmp_path / "out.jsonl")
    assert [one["file"] for one in found] == [BEFORE, "2.png", BETWEEN, GONE, "5.png"]
    assert [one["frame"] for one in found] == [0, 1, 2, 3, 4]
    assert ["error" in one for one in found] == [True, False, True, True, False]
    assert "no picture" in found[2]["error"]
    assert "not there" in found[3]["error"]
    assert summary.balance.captured == summary.balance.emitted == 5
    assert f"3 of the pictures could not be read: {BEFORE}, {BETWEEN}, {GONE}" in str(summary)


def test_such_files_are_left_out_of_the_recording_and_nothing_is_blurred_in_them(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(folder, tmp_path / "out.jsonl", record=str(tmp_path / "out.mp4"), blur=True)
    recorded = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    count = 0
    while recorded.grab():
        count += 1
    recorded.release()
    assert count == 2
    assert "cannot be recorded" not in caplog.text
    assert len(lines(tmp_path / "out.jsonl")) == 5


def test_a_folder_in_which_none_can_be_read_is_an_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"broken")
    with pytest.raises(SourceUnreadable, match=r"None of the 2 pictures.*a\.jpg") as caught:
        list(watch(str(tmp_path)))
    assert caught.value.exit_code == 13


class Remembering(Sink):
    def __init__(self) -> None:
        self.info = StreamInfo()
        self.problems: List[str] = []

    def open(self, info: StreamInfo) -> None:
        self.info = info

    def write(self, observation: Observation, rates: Rates) -> None:
        self.problems.append(observation.frame.problem)

    def close(self) -> None:
        pass


def test_a_program_gets_them_without_an_image_and_its_sink_the_size_of_the_others(folder: Path) -> None:
    shapes = [(one.frame.image.shape, bool(one.frame.problem)) for one in watch(str(folder))]
    assert shapes[0] == ((0, 0, 3), True)
    assert shapes[1] == ((60, 80, 3), False)
    sink = Remembering()
    deliver(watch(str(folder)), sink)
    assert (sink.info.width, sink.info.height) == (80, 60)
    assert [bool(problem) for problem in sink.problems] == [True, False, True, True, False]


def named(folder: Path, pattern: str) -> Sequence[str]:
    return [one.frame.file for one in watch(str(folder / pattern))]


def test_files_of_a_pattern_are_told_below_its_fixed_part(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png", "b/c/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((20, 20, 3), np.uint8))
    assert named(tmp_path, "**/*.png") == ["a/1.png", "b/1.png", "b/c/2.png"]
    assert named(tmp_path, "b/*.png") == ["1.png"]
    assert named(tmp_path, "b/1.png") == ["1.png"]


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"a: b\nc.PNG", b"two  words .png", b"-x.png", "ü.png".encode()])
def test_a_file_may_have_any_name(tmp_path: Path, name: bytes) -> None:
    place = tmp_path / "photos"
    place.mkdir()
    image = cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes()
    (place / os.fsdecode(name)).write_bytes(image)
    run(place, tmp_path / "out.jsonl")
    (line,) = lines(tmp_path / "out.jsonl")
    line["file"].encode("utf-8")  # no half of a surrogate, which many readers of JSON refuse
    assert line["file"] == told(os.fsdecode(name))
    (seen,) = watch(str(place))
    assert (place / seen.frame.file).read_bytes() == image


def test_two_names_that_are_not_text_stay_two() -> None:
    names = [b"a\xff.png", b"a\\xff\xff.png", b"a\\\xff.png", b"a\xfe.png"]
    assert len({told(os.fsdecode(name)) for name in names}) == len(names)


def test_a_long_list_of_unread_files_is_shortened() -> None:
    unread = tuple(f"{number}.jpg" for number in range(30))
    text = str(Summary(1.0, FrameBalance(30, 30, 0, 0), 0, Rates(), unread=unread))
    assert "30 of the pictures could not be read: 0.jpg" in text
    assert "19.jpg and 10 more" in text
    assert "20.jpg" not in text
