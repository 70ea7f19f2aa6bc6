from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from recording_files import (
    ASKED,
    analyse,
    in_this_process,
    moving_face,
    rows_of,
    small_face,
    tables_of,
    write_picture,
    write_recording,
)

from fer_edge.recordings import FakePool, PartJob, splitting
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.splitting import divide
from fer_edge.types import Image

pytest.importorskip("av")


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "LEAST_FRAMES", 25)
    monkeypatch.setattr(splitting, "FRESH_FRAMES", 25)
    monkeypatch.setattr(splitting, "LEAST_PICTURES", 2)


def both(folder: Path, place: Path, **asked: Any) -> List[Dict[str, bytes]]:
    """Analyse a recording in one and in parts; see that it was split, and return both results."""
    results = []
    for workers in (1, 2):
        pool, out = FakePool(in_this_process, workers), folder / f"out{workers}"
        outcome = analyse(place, out, pool, **asked)
        assert (outcome.finished, outcome.failed) == (1, 0), outcome.failures
        parts = [job for job in pool.submitted if isinstance(job, PartJob)]
        assert (len(parts) > 2) == (workers > 1)
        results.append(tables_of(out / place.name))
    return results


STAMPS = [index * 40 + (index % 3) * 11 + (700 if index > 60 else 0) for index in range(120)]
"""Thousandths of a second, at no rate at all, with a pause."""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("b_frames.mp4", {}),
        ("pyramid.mp4", {"bf": "7", "x264-params": "scenecut=0:b-pyramid=normal:ref=4"}),
        ("open_gop.mkv", {"x264-params": "scenecut=0:open-gop=1"}),
        ("open_gop.mp4", {"x264-params": "scenecut=0:open-gop=1"}),
        ("variable.mkv", {"stamps": STAMPS}),
        ("mpeg4.mp4", {"codec": "mpeg4", "g": "20", "bf": "2"}),
        ("vp8.webm", {"codec": "libvpx", "g": "20", "deadline": "realtime"}),
    ],
)
def test_a_recording_that_is_split_gives_the_same_bytes_as_one_that_is_not(
    tmp_path: Path, name: str, options: Dict[str, Any]
) -> None:
    path = write_recording(tmp_path / name, 120, **options)
    whole, joined = both(tmp_path, path)
    assert set(whole) == {"frames.csv", "states.csv"}
    assert whole == joined
    rows = rows_of(tmp_path / "out1" / name / "frames.csv")
    assert [int(row["frame"]) for row in rows] == list(range(120))
    assert any(row["track"] for row in rows)


@pytest.mark.parametrize(
    "asked", [{"every": 7}, {"fps": 4.0}, {"tracks": False}, {"form": "parquet"}, {"rest": "auto"}]
)
def test_what_is_asked_for_is_the_same_in_parts(tmp_path: Path, asked: Dict[str, Any]) -> None:
    if asked.get("form") == "parquet":
        pytest.importorskip("pyarrow")
    whole, joined = both(tmp_path, write_recording(tmp_path / "a.mp4", 120), **asked)
    assert whole == joined


def test_pictures_are_split_by_files(tmp_path: Path) -> None:
    for index in range(12):
        write_picture(tmp_path / "shots" / f"p{index}.png", index)
    (tmp_path / "shots" / "p3.png").write_bytes(b"none")
    whole, joined = both(tmp_path, tmp_path / "shots")
    assert whole == joined
    assert [row["file"] for row in rows_of(tmp_path / "out2/shots/frames.csv")] == [f"p{n}.png" for n in range(12)]


def why_not_split(path: Path) -> str:
    (recording,) = find_recordings([str(path)]).recordings
    found = divide(recording, 4, remembers=False)
    assert not found.spans
    assert found.frames > 0
    return found.why_not


def test_what_has_no_index_of_key_frames_or_is_interlaced_is_not_split(tmp_path: Path) -> None:
    assert "index" in why_not_split(write_recording(tmp_path / "a.avi", 100, bf="0"))
    interlaced = {"x264-params": "scenecut=0:interlaced=1", "flags": "+ildct+ilme"}
    assert "interlaced" in why_not_split(write_recording(tmp_path / "a.mkv", 100, **interlaced))
    assert "key frame" in why_not_split(write_recording(tmp_path / "b.mp4", 100, g="500"))


def test_without_pyav_nothing_is_split_and_it_is_said_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_recording(tmp_path / "a.mp4", 100)
    monkeypatch.setattr("fer_edge.recordings.splitting.has_av", lambda: False)
    assert "PyAV" in why_not_split(path)


@pytest.mark.parametrize(("detector", "images"), [("blazeface", moving_face), ("auto", small_face)])
def test_parts_that_do_not_fit_together_are_read_anew_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detector: str, images: Callable[[int], Iterator[Image]]
) -> None:
    path = write_recording(tmp_path / "a.mp4", 100, images=images)
    analyse(path, tmp_path / "whole", detector=detector)
    spans = splitting._spans

    def wrong(*arguments: Any) -> Any:
        found = spans(*arguments)
        if not found.spans:
            return found
        return replace(found, spans=(*found.spans[:-1], splitting.Span(40, 60, *_ends(found.spans[-1]))))

    def _ends(span: Any) -> Any:
        return span.start, span.end, span.seek, span.origin, span.before

    monkeypatch.setattr(splitting, "_spans", wrong)
    pool = FakePool(in_this_process, 2)
    assert analyse(path, tmp_path / "out", pool, detector=detector).finished == 1
    assert [job.of for job in pool.submitted if isinstance(job, PartJob)][-1] == 1
    assert tables_of(tmp_path / "out/a.mp4") == tables_of(tmp_path / "whole/a.mp4")


def test_damage_in_a_part_has_the_recording_read_in_one_and_told(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mkv", 120)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    pool = FakePool(in_this_process, 2)
    outcome = analyse(path, tmp_path / "out", pool)
    assert outcome.finished == 1
    (failure,) = outcome.failures
    assert (failure.error, failure.results) == ("SourceTruncated", "partial")
    assert json.loads((tmp_path / "out/a.mkv/summary.json").read_text())["whole"] is False
    assert ASKED.detector == "blazeface"


def test_an_index_that_calls_every_frame_a_key_frame_is_not_believed(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "keys.mp4", 120, codec="mpeg4", g="20", bf="0")
    content = path.read_bytes()
    assert content.count(b"stss") == 1
    path.write_bytes(content.replace(b"stss", b"skip"))
    pool = FakePool(in_this_process, 2)
    analyse(path, tmp_path / "out", pool)
    assert len([job for job in pool.submitted if isinstance(job, PartJob)]) == 1
