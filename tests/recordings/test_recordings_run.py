from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from recording_files import ASKED, analyse, in_this_process, rows_of, tables_of, write_picture, write_recording

from fer_edge.errors import DiskFull, ModelCorrupt, OutputError, OutputNotWritable, UsageError
from fer_edge.recordings import Done, Failed, FakePool, JoinJob, Lost, PartJob, SurveyJob
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.output import claimed
from fer_edge.recordings.pool import Message
from fer_edge.recordings.run import Run
from fer_edge.recordings.work import failure_of, perform


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings of pictures, which take no time."""
    for name in ("a", "b", "c"):
        write_picture(tmp_path / "in" / name / "p.png", ord(name) % 7)
    return tmp_path


def kinds(pool: FakePool, kind: Any) -> List[str]:
    return [job.recording.name for job in pool.submitted if isinstance(job, kind)]


def again(folder: Path, **asked: Any) -> List[str]:
    """Run again, and return which recordings were analysed."""
    pool = FakePool(in_this_process)
    outcome = analyse(folder / "in", folder / "out", pool, **asked)
    done = kinds(pool, JoinJob)
    assert (outcome.finished, outcome.skipped) == (len(done), 3 - len(done))
    assert len(rows_of(folder / "out/summary.csv")) == 3
    return done


@pytest.mark.parametrize(
    ("asked", "told"), [({"every": 20}, True), ({"fps": 0.5}, True), ({"fps": 1.0}, False), ({}, False)]
)
def test_looks_so_rare_that_nobody_can_be_followed_are_warned_of(
    asked: Dict[str, Any], told: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_recording(tmp_path / "in" / "a.mp4", 40, rate=10)
    analyse(tmp_path / "in", tmp_path / "out", FakePool(in_this_process), **asked)
    assert ("a.mp4: a frame is analysed each 2 s only" in caplog.text) is told


def test_what_is_finished_is_skipped_until_its_content_the_settings_or_the_results_change(folder: Path) -> None:
    assert again(folder) == ["a", "b", "c"]
    assert again(folder) == []
    os.utime(folder / "in/a/p.png")  # looked at, and not changed
    assert again(folder) == []
    write_picture(folder / "in/b/p.png", 20)
    assert again(folder) == ["b"]
    assert again(folder, min_score=0.6) == ["a", "b", "c"]
    assert again(folder, min_score=0.6, model="fernet_r.onnx of another path", version="") == []
    with (folder / "out/c/frames.csv").open("a") as file:
        file.write("more\n")
    assert again(folder, min_score=0.6) == ["c"]
    (folder / "out/a/states.csv").unlink()
    (folder / "out/b/summary.json").write_text('{"version": 2')
    assert again(folder, min_score=0.6) == ["a", "b"]
    summary = json.loads((folder / "out/c/summary.json").read_text())
    summary["version"] = 0
    (folder / "out/c/summary.json").write_text(json.dumps(summary))
    assert again(folder, min_score=0.6) == ["c"]


@pytest.mark.parametrize(
    "damage",
    [
        {"seconds": "long"},
        {"seconds": {"happy": [1]}},
        {"frames": "many"},
        {"frames": 10**400},
        {"duration_s": float("nan")},
        {"problems": 5},
        {"path": None},
        {"files": {"../../in/b/p.png": "its size"}},
    ],
)
def test_a_summary_with_figures_that_are_none_is_made_anew(folder: Path, damage: Dict[str, Any]) -> None:
    assert again(folder) == ["a", "b", "c"]
    place = folder / "out/b/summary.json"
    size = (folder / "in/b/p.png").stat().st_size
    damage = {"files": {"../../in/b/p.png": size}} if "files" in damage else damage
    place.write_text(json.dumps({**json.loads(place.read_text()), **damage}))
    assert again(folder) == ["b"]
    assert again(folder) == []


def test_a_pipe_in_the_place_of_a_summary_is_not_waited_for(folder: Path) -> None:
    assert again(folder) == ["a", "b", "c"]
    (folder / "out/b/summary.json").unlink()
    os.mkfifo(folder / "out/b/summary.json")
    assert again(folder) == ["b"]


def test_what_a_run_left_that_was_cut_off_is_cleared_away_and_nothing_else(folder: Path) -> None:
    (folder / "out/a/.parts").mkdir(parents=True)
    (folder / "out/a/.parts/0-of-1.jsonl.gz").write_bytes(b"half")
    (folder / "out/a/.fer-edge-0123.tmp").write_bytes(b"half")
    (folder / "out/a/mine.txt").write_text("mine")
    assert again(folder) == ["a", "b", "c"]
    assert {path.name for path in (folder / "out/a").iterdir()} == {
        *("frames.csv", "states.csv", "summary.json", "mine.txt")
    }


def test_a_page_of_a_run_before_does_not_stay_beside_new_tables_and_what_is_no_page_does(folder: Path) -> None:
    for name, content in (("a", "<!doctype html><p>old"), ("b", "notes of mine")):
        (folder / "out" / name).mkdir(parents=True)
        (folder / "out" / name / "report.html").write_text(content)
    assert again(folder) == ["a", "b", "c"]
    assert not (folder / "out/a/report.html").exists()
    assert (folder / "out/b/report.html").read_text() == "notes of mine"


def test_parts_that_are_a_link_lead_nowhere_else(folder: Path) -> None:
    (folder / "out/a").mkdir(parents=True)
    (folder / "precious").mkdir()
    (folder / "precious/0-of-1.jsonl.gz").write_bytes(b"keep")
    (folder / "out/a/.parts").symlink_to(folder / "precious")
    assert again(folder) == ["a", "b", "c"]
    assert (folder / "precious/0-of-1.jsonl.gz").read_bytes() == b"keep"
    assert not (folder / "out/a/.parts").is_symlink()


def test_a_bad_recording_is_told_and_the_others_are_done(folder: Path) -> None:
    (folder / "in/b/p.png").write_bytes(b"no picture")
    (folder / "in/bad.mp4").write_bytes(bytes(3000))
    (folder / "in/empty.mp4").write_bytes(b"")
    outcome = analyse(folder / "in", folder / "out")
    assert (outcome.finished, outcome.failed) == (2, 3)
    rows = rows_of(folder / "out/failures.csv")
    assert [(row["name"], row["error"], row["results"]) for row in rows] == [
        ("b", "SourceUnreadable", "none"),
        ("bad.mp4", "SourceUnreadable", "none"),
        ("empty.mp4", "SourceUnreadable", "none"),
    ]
    assert "is empty" in rows[2]["reason"]
    assert [row["name"] for row in rows_of(folder / "out/summary.csv")] == ["a", "c"]
    assert not (folder / "out/b").exists()


def with_fault(at: Any, fault: Callable[[Job], Message], times: int = 1, name: str = "b") -> FakePool:
    """Return a pool that does not do a job of one kind, but gives a message instead, so many times."""
    left = [times]

    def perform_or_not(job: Job) -> Iterator[Message]:
        if isinstance(job, at) and job.recording.name == name and left[0]:
            left[0] -= 1
            yield fault(job)
        else:
            yield from in_this_process(job)

    return FakePool(perform_or_not)


@pytest.mark.parametrize("at", [SurveyJob, PartJob, JoinJob])
def test_work_that_is_lost_is_done_again_and_after_three_times_given_up(folder: Path, at: Any) -> None:
    outcome = analyse(folder / "in", folder / "out", with_fault(at, lambda job: Lost(job, "it died"), times=2))
    assert (outcome.finished, outcome.failed) == (3, 0)
    write_picture(folder / "in/b/p.png", 20)
    outcome = analyse(folder / "in", folder / "out", with_fault(at, lambda job: Lost(job, "it died"), times=3))
    assert (outcome.finished, outcome.skipped, outcome.failed) == (0, 2, 1)
    (failure,) = outcome.failures
    assert (failure.error, "it died" in failure.reason) == ("WorkerLost", True)


def test_a_fault_of_the_program_is_one_recordings_and_is_named(folder: Path) -> None:
    outcome = analyse(folder / "in", folder / "out", with_fault(PartJob, lambda job: failure_of(job, KeyError("x"))))
    (failure,) = outcome.failures
    assert (outcome.finished, failure.error) == (2, "StageFailed")
    assert "KeyError" in failure.reason


@pytest.mark.parametrize(
    ("kind", "error"),
    [("DiskFull", DiskFull), ("ModelCorrupt", ModelCorrupt), ("OutputNotWritable", OutputNotWritable)],
)
def test_what_would_meet_every_recording_ends_the_run_and_keeps_what_is_finished(
    folder: Path, kind: str, error: Any
) -> None:
    with pytest.raises(error, match="no more"):
        analyse(folder / "in", folder / "out", with_fault(JoinJob, lambda job: Failed(job, kind, "no more")))
    assert [row["name"] for row in rows_of(folder / "out/summary.csv")] == ["a"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        *(".fer-edge.lock", "a", "failures.csv", "summary.csv")
    ]
    assert again(folder) == ["b", "c"]


def test_a_recording_that_changes_or_vanishes_meanwhile_is_told(folder: Path) -> None:
    def change(job: Job) -> Iterator[Message]:
        if isinstance(job, PartJob) and job.recording.name == "a":
            write_picture(folder / "in/a/p.png", 30)
        if isinstance(job, JoinJob) and job.recording.name == "b":
            (folder / "in/b/p.png").unlink()
        yield from in_this_process(job)

    outcome = analyse(folder / "in", folder / "out", FakePool(change))
    assert outcome.finished == 1
    assert [(one.name, one.error) for one in outcome.failures] == [("a", "SourceUnreadable"), ("b", "SourceNotFound")]
    assert "was changed while" in outcome.failures[0].reason
    assert not (folder / "out/a").exists()


def test_a_run_that_is_stopped_keeps_what_is_finished_and_leaves_nothing_half(folder: Path) -> None:
    stop = threading.Event()

    def then_stop(job: Job) -> Iterator[Message]:
        for message in in_this_process(job):
            if isinstance(message, Done) and isinstance(job, JoinJob):
                stop.set()
            yield message

    pool = FakePool(then_stop)
    found = find_recordings([str(folder / "in")])
    with claimed(str(folder / "out")):
        outcome = Run(found.recordings, ASKED, str(folder / "out"), pool, stop=stop).run()
    assert (outcome.finished, outcome.interrupted, pool.closed) == (1, True, True)
    assert sorted(path.name for path in (folder / "out").iterdir()) == [
        *(".fer-edge.lock", "a", "failures.csv", "summary.csv")
    ]
    assert again(folder) == ["b", "c"]


def test_two_runs_do_not_write_to_one_folder(folder: Path) -> None:
    with claimed(str(folder / "out")), pytest.raises(OutputNotWritable, match="Another program writes"):
        analyse(folder / "in", folder / "out")
    (folder / "file").write_text("mine")
    with pytest.raises(OutputError):
        analyse(folder / "in", folder / "file")


def test_a_worker_with_another_version_or_another_network_refuses_by_name(folder: Path) -> None:
    for changes, error, words in (
        ({"version": "99.0"}, UsageError, "99.0"),
        ({"model_sha256": "0" * 64}, ModelCorrupt, "another network as 'fernet_r'"),
    ):
        (recording, *_) = find_recordings([str(folder / "in")]).recordings
        asked = replace(ASKED, **changes)  # type: ignore[arg-type]
        survey = perform(SurveyJob(recording, ASKED, str(folder / "out")))
        job = PartJob(recording, asked, survey.identity, None, str(folder / "part"))  # type: ignore[union-attr]
        with pytest.raises(error, match=words):
            perform(job)


def test_a_part_whose_file_is_damaged_ends_the_run_with_its_name(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.mp4", 8)

    def spoil(job: Job) -> Iterator[Message]:
        if isinstance(job, JoinJob):
            path = Path(job.parts[0].file)
            path.write_bytes(path.read_bytes()[:-20])
        yield from in_this_process(job)

    with pytest.raises(OutputError, match="is lost"):
        analyse(tmp_path / "a.mp4", tmp_path / "out", FakePool(spoil))
    assert not list(tmp_path.glob("out/a.mp4/*.csv"))
    assert analyse(tmp_path / "a.mp4", tmp_path / "out").finished == 1
    assert len(tables_of(tmp_path / "out/a.mp4")) == 2
