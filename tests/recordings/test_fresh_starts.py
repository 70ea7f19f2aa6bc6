from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording_files import analyse, in_this_process, rows_of, small_face, tables_of, write_recording

from fer_edge.cli.main import main
from fer_edge.recordings import FakePool, PartJob, run, splitting
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.splitting import Division, divide, fresh_starts

pytest.importorskip("av")


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "LEAST_FRAMES", 25)
    monkeypatch.setattr(splitting, "FRESH_FRAMES", 25)
    monkeypatch.setattr(run, "PARTS_FOR_EACH", 1)


short = pytest.mark.usefixtures("_short")


def analysed(path: Path, out: Path, workers: int, **asked: Any) -> Tuple[Dict[str, bytes], int]:
    """Analyse with the default detector, and return the tables and how many parts there were."""
    pool = FakePool(in_this_process, workers)
    outcome = analyse(path, out, pool, **{"detector": "auto", **asked})
    assert (outcome.finished, outcome.failed) == (1, 0), outcome.failures
    return tables_of(out / path.name), sum(isinstance(job, PartJob) for job in pool.submitted)


def division(path: Path, most: int, remembers: bool = True) -> Division:
    (recording,) = find_recordings([str(path)]).recordings
    return divide(recording, most, remembers)


STAMPS = [index * 40 + (index % 3) * 11 + (700 if index > 60 else 0) for index in range(120)]


@short
@pytest.mark.parametrize(
    ("name", "options", "asked"),
    [
        ("b_frames.mp4", {}, {}),
        ("open_gop.mkv", {"x264-params": "scenecut=0:open-gop=1"}, {"tracks": False}),
        ("variable.mkv", {"stamps": STAMPS}, {"fps": 9.0}),
        ("every_seventh.mp4", {}, {"every": 7}),
    ],
)
def test_the_default_detector_gives_the_same_bytes_for_any_number_of_workers(
    tmp_path: Path, name: str, options: Dict[str, Any], asked: Dict[str, Any]
) -> None:
    path = write_recording(tmp_path / name, 120, images=small_face, **options)
    whole, one = analysed(path, tmp_path / "one", 1, **asked)
    two, in_two = analysed(path, tmp_path / "two", 2, **asked)
    three, in_three = analysed(path, tmp_path / "three", 3, **asked)
    assert (one, in_two, in_three) == (1, 2, 3)
    assert whole == two == three
    rows = rows_of(tmp_path / "one" / name / "frames.csv")
    assert sum(bool(row["face"]) for row in rows) > 0.9 * len(rows)


@short
def test_a_face_that_is_there_at_a_fresh_start_keeps_its_number_and_is_found_by_a_new_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recording(tmp_path / "a.mp4", 120, images=small_face)
    assert division(path, 1).fresh == (40, 80)
    analysed(path, tmp_path / "fresh", 1)
    monkeypatch.setattr(splitting, "FRESH_FRAMES", 1000)
    analysed(path, tmp_path / "never", 1)
    fresh, never = (rows_of(tmp_path / name / "a.mp4/frames.csv") for name in ("fresh", "never"))
    assert [row["frame"] for row in fresh] == [str(index) for index in range(120)]
    assert {row["track"] for row in fresh} == {"1"}
    assert fresh[:40] == never[:40]
    assert fresh[40] != never[40]
    assert fresh[80] != never[80]


@given(st.sets(st.integers(1, 4999)), st.integers(1, 5000), st.lists(st.integers(1, 64), min_size=2, max_size=4))
def test_where_a_detector_begins_afresh_does_not_depend_on_how_many_read_it(
    keys: List[int], count: int, workers: List[int]
) -> None:
    index = splitting._Index(
        splitting.np.arange(count, dtype=splitting.np.int64), [(key, key) for key in {0, *keys} if key < count], 0.04
    )
    found = [splitting._spans(index, 0.0, most, count * 0.04, True) for most in workers]
    assert len({one.fresh for one in found}) == 1
    for one in found:
        assert {span.first for span in one.spans} <= {0, *one.fresh}
        assert sum(span.count for span in one.spans) in (0, count)


def test_fresh_starts_are_far_apart_and_none_comes_where_little_is_left() -> None:
    keys = [(index, index * 40, index * 40) for index in range(0, 3000, 250)]
    assert [first for first, _, _ in fresh_starts(keys, 3000)] == [750, 1500, 2250]
    assert [first for first, _, _ in fresh_starts(keys, 2500)] == [750, 1500]


@short
def test_nothing_is_looked_at_afresh_where_a_recording_cannot_be_split_or_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recording(tmp_path / "a.mp4", 100)
    assert division(path, 4, remembers=False).fresh == ()
    avi = division(write_recording(tmp_path / "a.avi", 100, bf="0"), 4)
    assert (avi.fresh, avi.spans) == ((), ())
    assert "index" in avi.why_not
    alone = division(write_recording(tmp_path / "b.mp4", 100, g="500"), 4)
    assert (alone.fresh, alone.spans) == ((), ())
    assert alone.why_not == "it has no key frame in its course"
    late = division(write_recording(tmp_path / "c.mp4", 100, g="90"), 4)
    assert (late.fresh, late.spans) == ((), ())
    assert late.why_not == "it has no key frame at which the detector could begin afresh"
    monkeypatch.setattr("fer_edge.recordings.splitting.has_av", lambda: False)
    without = division(path, 4)
    assert (without.fresh, without.spans) == ((), ())


@short
def test_of_a_damaged_recording_any_number_of_workers_tell_the_same(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mkv", 120, images=small_face)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    one, _ = analysed(path, tmp_path / "one", 1)
    two, _ = analysed(path, tmp_path / "two", 2)
    assert one == two


def test_a_recording_whose_index_cannot_be_read_to_its_end_is_analysed_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import av

    class Torn:
        """A container that breaks off."""

        def __init__(self, container: Any) -> None:
            self._container = container

        def __enter__(self) -> Torn:
            return self

        def __exit__(self, *_: object) -> None:
            self._container.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._container, name)

        def demux(self, stream: Any) -> Iterator[Any]:
            for number, packet in enumerate(self._container.demux(stream)):
                if number == 50:
                    raise av.error.InvalidDataError(1, "torn")
                yield packet

    path = write_recording(tmp_path / "a.mp4", 60)
    monkeypatch.setattr(splitting, "LEAST_FRAMES", 25)
    opened = av.open
    with monkeypatch.context() as patch:
        patch.setattr(av, "open", lambda *arguments, **named: Torn(opened(*arguments, **named)))
        found = division(path, 2)
    assert (found.spans, found.fresh, found.why_not) == ((), (), "it is damaged")


@short
def test_the_log_tells_how_often_the_detector_begins_afresh(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fer_edge"):
        analysed(write_recording(tmp_path / "a.mp4", 120), tmp_path / "out", 1, every=20)
    assert "a.mp4: the detector begins afresh at 2 of its key frames" in caplog.text
    assert "not split" not in caplog.text


@short
def test_a_dry_run_tells_of_the_parts_and_of_the_fresh_starts(tmp_path: Path, capsys: Any) -> None:
    path = write_recording(tmp_path / "a.mp4", 120, images=small_face)
    base = ["analyse", str(path), "--out", str(tmp_path / "out"), "--precision", "fp32", "--dry-run", "--workers"]
    assert main([*base, "1"]) == 0
    assert "120 frames, where the detector begins afresh at 2 key frames\n" in capsys.readouterr().out
    assert main([*base, "3"]) == 0
    assert "120 frames, in 3 parts, where the detector begins afresh at 2 key frames\n" in capsys.readouterr().out
    assert main([*base, "3", "--detector", "blazeface"]) == 0
    assert "afresh" not in capsys.readouterr().out
