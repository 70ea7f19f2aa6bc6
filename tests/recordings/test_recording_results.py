from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from media_files import turn_mp4, write_video
from recording_files import analyse, moving_face, rows_of, tables_of, write_picture, write_recording

import fer_edge
from fer_edge.recordings.rows import FRAMES

pytest.importorskip("av")


def test_a_row_tells_of_each_frame_and_face_with_the_time_that_the_file_gives(tmp_path: Path) -> None:
    stamps = [0, 30, 200, 210, 900, 1000, 2500, 2540, 2600, 2640]
    write_recording(tmp_path / "in/a.mkv", len(stamps), stamps=stamps)
    analyse(tmp_path / "in", tmp_path / "out")
    rows = rows_of(tmp_path / "out/a.mkv/frames.csv")
    assert list(rows[0]) == [column.name for column in FRAMES]
    assert [round(1000 * float(row["time"])) for row in rows] == stamps
    for row in rows:
        assert (row["face"], row["track"], row["label"], row["steady_label"]) == ("0", "1", row["label"], "happy")
        assert sum(float(row[label]) for label in fer_edge.LABELS) == pytest.approx(1, abs=0.001)
        assert 0 < float(row["x"]) + float(row["width"]) / 2 < 192
        assert row["right_eye_x"]
    summary = json.loads((tmp_path / "out/a.mkv/summary.json").read_text())
    assert (summary["frames"], summary["faces"], summary["people"], summary["whole"]) == (10, 10, 1, True)
    assert summary["valence"] > 0.5
    (state,) = rows_of(tmp_path / "out/a.mkv/states.csv")
    assert (state["track"], state["label"], state["start"], state["end"]) == ("1", "happy", "0.0", "2.64")
    assert summary["seconds"]["happy"] == float(state["duration"]) == 2.64


def test_a_frame_without_a_face_has_a_row_and_a_pause_ends_a_state(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.mp4", 60)
    analyse(tmp_path / "a.mp4", tmp_path / "out")
    rows = rows_of(tmp_path / "out/a.mp4/frames.csv")
    assert [int(row["frame"]) for row in rows] == list(range(60))
    away = [row for row in rows if not row["face"]]
    assert {int(row["frame"]) for row in away} >= set(range(41, 49))
    assert {row["label"] + row["track"] + row["x"] for row in away} == {""}
    (line,) = rows_of(tmp_path / "out/summary.csv")
    assert (line["name"], line["frames"], line["width"], line["height"]) == ("a.mp4", "60", "192", "144")
    assert rows_of(tmp_path / "out/failures.csv") == []


def test_a_video_is_turned_as_its_file_says(tmp_path: Path) -> None:
    def lying() -> object:
        return (cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE) for image in moving_face(12))

    write_video(tmp_path / "a.mp4", lying(), 25)  # type: ignore[arg-type]
    turn_mp4(tmp_path / "a.mp4", (0, 1, -1, 0))
    analyse(tmp_path / "a.mp4", tmp_path / "out")
    (line,) = rows_of(tmp_path / "out/summary.csv")
    assert (line["width"], line["height"], line["faces"]) == ("192", "144", "12")


def test_pictures_of_a_folder_are_one_recording_with_a_row_for_each_file(tmp_path: Path) -> None:
    for name in ("p10.png", "p9.png", "=1+1.png"):
        write_picture(tmp_path / "shots" / name)
    (tmp_path / "shots/p11.png").write_bytes(b"broken")
    outcome = analyse(tmp_path / "shots", tmp_path / "out")
    rows = rows_of(tmp_path / "out/shots/frames.csv")
    assert [row["file"] for row in rows] == ["'=1+1.png", "p9.png", "p10.png", "p11.png"]
    assert [bool(row["face"]) for row in rows] == [True, True, True, False]
    assert {row["time"] + row["track"] for row in rows} == {""}
    (line,) = rows_of(tmp_path / "out/summary.csv")
    assert [line[name] for name in ("duration_s", "fps", "people", "happy_s", "neutral_s")] == [""] * 5
    (failure,) = outcome.failures
    assert failure.results == "partial"
    assert "p11.png" in failure.reason


def test_who_was_not_followed_has_no_number_of_people_and_no_seconds_instead_of_zeros(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.mp4", 12)
    analyse(tmp_path / "a.mp4", tmp_path / "off", tracks=False)
    summary = json.loads((tmp_path / "off/a.mp4/summary.json").read_text())
    assert (summary["faces"], summary["people"], summary["seconds"]) == (12, None, None)
    (line,) = rows_of(tmp_path / "off/summary.csv")
    assert (line["people"], line["happy_s"], line["angry_s"], line["fps"]) == ("", "", "", "25.0")


def test_every_nth_frame_and_so_many_a_second_can_be_analysed(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.mp4", 50)
    analyse(tmp_path / "a.mp4", tmp_path / "nth", every=20)
    assert [row["frame"] for row in rows_of(tmp_path / "nth/a.mp4/frames.csv")] == ["0", "20", "40"]
    analyse(tmp_path / "a.mp4", tmp_path / "rate", fps=2.0)
    times = [float(row["time"]) for row in rows_of(tmp_path / "rate/a.mp4/frames.csv")]
    assert times == [0.0, 0.52, 1.0, 1.52]
    summary = json.loads((tmp_path / "rate/a.mp4/summary.json").read_text())
    assert (summary["frames"], summary["frames_analysed"]) == (50, 4)


def test_a_parquet_file_has_the_same_values_as_one_for_spreadsheets(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_recording(tmp_path / "a.mp4", 48)
    analyse(tmp_path / "a.mp4", tmp_path / "out")
    rows = rows_of(tmp_path / "out/a.mp4/frames.csv")
    analyse(tmp_path / "a.mp4", tmp_path / "out", form="parquet")
    assert set(tables_of(tmp_path / "out/a.mp4")) == {"frames.parquet", "states.parquet"}
    table = parquet.read_table(str(tmp_path / "out/a.mp4/frames.parquet")).to_pylist()
    assert len(table) == len(rows) == 48
    for told, row in zip(table, rows):
        assert (told["frame"], told["time"]) == (int(row["frame"]), float(row["time"]))
        assert ("" if told["valence"] is None else repr(told["valence"])) == row["valence"]
        assert ("" if told["uncertain"] is None else str(told["uncertain"]).lower()) == row["uncertain"]


def test_a_file_that_is_cut_off_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.mkv", 60)
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content[: len(content) // 2])
    outcome = analyse(tmp_path / "a.mkv", tmp_path / "out")
    (failure,) = outcome.failures
    assert (outcome.finished, failure.error, failure.results) == (1, "SourceTruncated", "partial")
    rows = rows_of(tmp_path / "out/a.mkv/frames.csv")
    assert 10 < len(rows) < 60
    (line,) = rows_of(tmp_path / "out/summary.csv")
    assert line["whole"] == "false"
    assert f"{len(rows)} frames could be read" in line["problems"]


def test_opencv_reads_where_pyav_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("reading", "splitting"):
        monkeypatch.setattr(f"fer_edge.recordings.{module}.has_av", lambda: False)
    write_recording(tmp_path / "a.mp4", 50)
    analyse(tmp_path / "a.mp4", tmp_path / "out", every=5)
    rows = rows_of(tmp_path / "out/a.mp4/frames.csv")
    assert [int(row["frame"]) for row in rows] == list(range(0, 50, 5))
    assert [float(row["time"]) for row in rows] == pytest.approx(np.arange(0, 2, 0.2), abs=0.001)
