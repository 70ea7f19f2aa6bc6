"""``fer-edge rest``: records a resting face, or says why it cannot and leaves everything as it was."""

from __future__ import annotations

import argparse
import json
import os
import stat
import threading
from pathlib import Path
from typing import List, Sequence

import cv2
import numpy as np
import pytest

from fer_edge.app.parts import Parts
from fer_edge.app.tracking import network_of
from fer_edge.capture.fake import FakeSource
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.classify.fake import FakeClassifier
from fer_edge.cli.main import main
from fer_edge.cli.rest import DESCRIPTION, add_rest_arguments, run_rest
from fer_edge.detect.fake import FakeDetector
from fer_edge.errors import FerEdgeError, OutputNotWritable, RestNotSeen, SourceNotFound, UsageError
from fer_edge.settings import Settings
from fer_edge.track.rest_file import read_rest
from fer_edge.types import Box, Face

IMAGE = np.zeros((48, 64, 3), np.uint8)
FACE = Face(Box(10, 10, 20, 20), 0.9, {"right_eye": (15, 15), "left_eye": (25, 15), "mouth": (20, 25)})
OTHER = Face(Box(40, 10, 20, 20), 0.8, {"right_eye": (45, 15), "left_eye": (55, 15), "mouth": (50, 25)})
AT_REST = [0.002, 0, 0, 0.001, 0.96, 0.037, 0]
HAPPY = [0, 0, 0, 0.99, 0.01, 0, 0]


def rest(arguments: List[str], probabilities: Sequence[float] = AT_REST, faces: int = 1, stopped: bool = False) -> int:
    parts = Parts(
        source=lambda settings, camera, paced, names: FakeSource([IMAGE], live=True, fps=50.0, repeat=True),
        detector=lambda settings, name: lambda: FakeDetector([FACE, OTHER][:faces]),
        classifier=lambda settings: lambda: FakeClassifier(probabilities),
    )
    parser = argparse.ArgumentParser()
    add_rest_arguments(parser)
    stop = threading.Event()
    if stopped:
        stop.set()
    return run_rest(parser.parse_args([*arguments, "--seconds", "0.3"]), stop, lambda line: None, parts)


def test_a_face_at_rest_is_saved_for_its_user_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "anna.json"
    umask = os.umask(0)
    try:
        assert rest(["--save", str(path)]) == 0
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_rest(path, network_of(Settings())).log_odds[5] == pytest.approx(np.log(0.037 / 0.96), abs=1e-2)
    told = capsys.readouterr().out
    assert f"--rest {path}" in told
    assert "happy is 5.4 easier to reach" in told
    assert [one.name for one in tmp_path.iterdir()] == ["anna.json"]


def test_it_may_be_recorded_again(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    rest(["--save", str(path)])
    path.write_text(json.dumps({"fer_edge_rest": 1}))
    rest(["--save", str(path)])
    assert read_rest(path, network_of(Settings())).frames > 1


@pytest.mark.parametrize(("faces", "words"), [(0, "No face"), (2, "More than one face")])
def test_nobody_or_two_people_are_an_error_and_nothing_is_saved(tmp_path: Path, faces: int, words: str) -> None:
    with pytest.raises(RestNotSeen, match=words) as caught:
        rest(["--save", str(tmp_path / "anna.json")], faces=faces)
    assert caught.value.exit_code == 9
    assert not list(tmp_path.iterdir())


def test_an_expression_is_saved_only_where_somebody_insists(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    with pytest.raises(RestNotSeen, match="looked happy") as caught:
        rest(["--save", str(path)], HAPPY)
    assert "--anyway" in caught.value.remedy
    assert not list(tmp_path.iterdir())
    assert rest(["--save", str(path), "--anyway"], HAPPY) == 0
    assert path.exists()


def test_ended_early_it_saves_nothing_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "anna.json"
    rest(["--save", str(path)])
    before = path.read_bytes()
    with pytest.raises(RestNotSeen, match="ended early"):
        rest(["--save", str(path)], stopped=True)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["anna.json"]


def test_no_other_file_is_replaced(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("dear diary")
    with pytest.raises(OutputNotWritable, match=r"diary\.txt.*no resting face"):
        rest(["--save", str(diary)])
    assert diary.read_text() == "dear diary"


@pytest.mark.parametrize("place", ["-", "/dev/stdout", "/dev/null", "no/such/folder/anna.json", "."])
def test_a_place_where_no_file_can_be_is_refused_before_anything_is_recorded(place: str) -> None:
    with pytest.raises(OutputNotWritable) as caught:
        rest(["--save", place], faces=0)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "more",
    [
        ["--rest", "auto"],
        ["--output", "out.jsonl"],
        ["--record", "out.mp4"],
        ["--frames", "3"],
        ["--tracks", "off"],
        ["--display", "window"],
    ],
)
def test_what_contradicts_the_purpose_is_refused(tmp_path: Path, more: List[str]) -> None:
    with pytest.raises(UsageError, match="records a resting face and nothing else"):
        rest(["--save", str(tmp_path / "anna.json"), *more])


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "x", "1e9"])
def test_a_time_that_makes_no_sense_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rest", "--save", "anna.json", "--seconds", seconds])
    assert "above 0" in capsys.readouterr().err


def test_a_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        main(["rest", "--camera", str(tmp_path / "none.mp4"), "--save", str(tmp_path / "anna.json")])
    assert not list(tmp_path.iterdir())


def test_a_picture_does_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, path = tmp_path / "portrait.png", tmp_path / "anna.json"
    cv2.imwrite(str(picture), cv2.imread(str(PORTRAIT)))
    with pytest.raises(FerEdgeError, match="looked happy"):
        main(["rest", "--camera", str(picture), "--save", str(path)])
    assert main(["rest", "--camera", str(picture), "--save", str(path), "--anyway"]) == 0
    face = read_rest(path, network_of(Settings()))
    assert (face.frames, face.seconds) == (1, 0.0)
    assert "1 picture" in capsys.readouterr().out


def test_the_help_says_how_to_go_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rest", "--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert DESCRIPTION in told
    for option in ("--save", "--seconds", "--anyway", "--camera", "--model"):
        assert option in told


@pytest.mark.parametrize("given", ["argument", "variable"])
def test_each_frame_is_looked_at_whatever_the_run_that_follows_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    if given == "variable":
        monkeypatch.setenv("FER_EDGE_DETECT_EVERY", "3")
    path = tmp_path / "anna.json"
    assert rest(["--save", str(path), *(["--detect-every", "2"] if given == "argument" else [])]) == 0
    assert path.exists()
