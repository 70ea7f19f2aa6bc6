from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media_files import write_video
from recording_files import analyse, moving_face, rows_of, write_picture, write_recording

import fer_edge
from fer_edge.errors import SourceUnreadable, UsageError
from fer_edge.recordings.rows import FRAMES

pytest.importorskip("av")

LIKE_THE_COMMAND: Any = {"detector": "blazeface", "precision": "fp32"}


def test_each_frame_comes_with_its_image_and_its_people(tmp_path: Path) -> None:
    write_recording(tmp_path / "day/a.mp4", 20)
    analysis = fer_edge.analyse(tmp_path / "day", every=2, **LIKE_THE_COMMAND)
    seen = list(analysis)
    assert [one.frame.index for one in seen] == list(range(0, 20, 2))
    assert {one.frame.source for one in seen} == {"a.mp4"} == set(analysis.recordings)
    assert seen[0].frame.image.shape == (144, 192, 3)
    assert {face.steady.label for one in seen for face in one.faces} == {"happy"}
    assert [one.frame.media_time for one in seen[:2]] == pytest.approx([0, 0.08])
    assert len(list(analysis)) == 10  # from the beginning


def test_the_table_is_that_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    scene = list(moving_face(30))
    other = [np.where(image == 70, 220, image // 2).astype(np.uint8)[:, ::-1] for image in scene]
    write_video(tmp_path / "a.mp4", [*scene, *other], 25)
    table = fer_edge.analyse(tmp_path / "a.mp4", **LIKE_THE_COMMAND).table()
    analyse(tmp_path / "a.mp4", tmp_path / "out")
    rows = rows_of(tmp_path / "out/a.mp4/frames.csv")
    assert len(table) == len(rows) == 60
    assert {row["track"] for row in rows} == {"1", "2"}  # it is cut in the middle
    assert list(table[0]) == ["recording", *(column.name for column in FRAMES)]
    for mine, row in zip(table, rows):
        assert str(mine["frame"]) == row["frame"]
        for name in ("track", "x", "height", "happy", "valence", "smooth_sad"):
            assert ("" if mine[name] is None else repr(mine[name])) == row[name]


def test_the_table_is_of_pandas_where_that_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = types.ModuleType("pandas")
    pandas.DataFrame = lambda rows, columns: ("frame of data", len(rows), columns[:3])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    write_picture(tmp_path / "p.png")
    table = fer_edge.analyse([tmp_path / "p.png"], **LIKE_THE_COMMAND).table()
    assert table == ("frame of data", 1, ["recording", "time", "frame"])


def test_a_bad_recording_of_several_is_noted_and_one_alone_is_an_error(tmp_path: Path) -> None:
    write_picture(tmp_path / "in/shots/p.png")
    (tmp_path / "in/bad.mp4").write_bytes(bytes(3000))
    analysis = fer_edge.analyse(tmp_path / "in", **LIKE_THE_COMMAND)
    assert [one.frame.file for one in analysis] == ["p.png"]
    (failure,) = analysis.failures
    assert (failure.name, failure.error) == ("bad.mp4", "SourceUnreadable")
    with pytest.raises(SourceUnreadable, match="no video that can be read"):
        list(fer_edge.analyse(tmp_path / "in/bad.mp4", **LIKE_THE_COMMAND))


@pytest.mark.parametrize(
    "options", [{"every": 0}, {"every": 2, "fps": 1.0}, {"fps": -1.0}, {"detector": "none"}, {"min_score": 7}]
)
def test_what_makes_no_sense_is_refused_at_once(tmp_path: Path, options: Any) -> None:
    write_picture(tmp_path / "p.png")
    with pytest.raises(UsageError):
        fer_edge.analyse(tmp_path / "p.png", **options)
