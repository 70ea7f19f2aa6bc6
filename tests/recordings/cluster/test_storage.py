"""Files at addresses: found, fetched, put back whole; and jobs whose files lie there."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Iterator

import pytest
from recording_files import ASKED, analyse, tables_of, write_picture, write_recording

pytest.importorskip("fsspec", reason="fsspec is not installed (extra 'cluster')")

import fsspec

import fer_edge.recordings.cluster.storage
from fer_edge.errors import (
    DiskFull,
    MissingExtra,
    OutputNotWritable,
    SourceNotFound,
    SourcePermission,
    SourceUnreachable,
    SourceUnreadable,
    UsageError,
)
from fer_edge.recordings import Done, FakePool
from fer_edge.recordings.cluster.find import find_anywhere
from fer_edge.recordings.cluster.scratch import BEGINNING, refuse_too_large, scratch, sweep
from fer_edge.recordings.cluster.staging import moved, perform_anywhere
from fer_edge.recordings.cluster.storage import Storage
from fer_edge.recordings.jobs import Job, PartJob, SurveyJob
from fer_edge.recordings.pool import Message
from fer_edge.recordings.recording import PICTURES
from fer_edge.recordings.run import Run
from fer_edge.recordings.work import failure_of

IN, OUT = "memory://in", "memory://out"


@pytest.fixture(autouse=True)
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def put(folder: Path) -> None:
    for path in sorted(folder.rglob("*.*")):
        Storage(IN).put(os.fspath(path), f"{IN}/{path.relative_to(folder).as_posix()}")


def perform_at(scratch_root: Path, stage: str, job: Job) -> Iterator[Message]:
    there = moved(job, stage, OUT)
    try:
        yield Done(job, perform_anywhere(there, root=os.fspath(scratch_root)))
    except Exception as error:  # noqa: BLE001
        yield failure_of(job, error)


def test_recordings_at_an_address_give_the_same_tables_there_and_leave_nothing_here(tmp_path: Path) -> None:
    here = tmp_path / "here"
    write_recording(here / "anna" / "1.mp4", 60)
    for number in range(4):
        write_picture(here / "photos" / f"{number}.png", number)
    analyse(here, tmp_path / "out")
    put(here)
    root, stage = tmp_path / "root", tmp_path / "stage"
    root.mkdir()
    stage.mkdir()

    def run() -> Run:
        found = find_anywhere([IN], OUT)
        pool = FakePool(lambda job: perform_at(root, os.fspath(stage), job), workers=2)
        return Run(found.recordings, ASKED, os.fspath(stage), pool)

    outcome = run().run()
    assert (outcome.finished, outcome.failures) == (2, ())
    for name in ("anna/1.mp4", "photos"):
        for table, content in tables_of(tmp_path / "out" / name).items():
            assert fsspec.filesystem("memory").cat(f"/out/{name}/{table}") == content
    summary = fsspec.filesystem("memory").cat("/out/anna/1.mp4/summary.json")
    assert b'"path": "memory://in/anna/1.mp4"' in summary
    assert sorted(Storage(OUT).files_below(OUT)) == [
        f"{OUT}/{name}/{file}"
        for name in ("anna/1.mp4", "photos")
        for file in ("frames.csv", "states.csv", "summary.json")
    ]
    assert os.listdir(root) == []
    assert run().run().skipped == 2


def test_a_recording_that_is_replaced_between_two_jobs_is_refused_by_its_address(tmp_path: Path) -> None:
    video = write_recording(tmp_path / "1.mp4", 30)
    Storage(IN).put(os.fspath(video), f"{IN}/1.mp4")
    (recording,) = find_anywhere([f"{IN}/1.mp4"]).recordings
    survey = perform_anywhere(SurveyJob(recording, ASKED, os.fspath(tmp_path / "out"), 4))
    Storage(IN).put(os.fspath(video), f"{IN}/1.mp4")  # of the same size, so that its stamp alone tells
    job = PartJob(recording, ASKED, survey.identity, None, f"{OUT}/part.gz")
    with pytest.raises(SourceUnreadable, match=r"memory://in/1\.mp4 was changed while it was analysed"):
        perform_anywhere(job)
    assert Storage(OUT).files_below(OUT) == {}


def test_the_summary_is_put_at_an_address_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_there = []
    real = Storage.put

    def noted(storage: Storage, path: str, url: str, *tick: object) -> None:
        put_there.append(url.rpartition("/")[2])
        real(storage, path, url)

    write_recording(tmp_path / "in" / "1.mp4", 30)
    put(tmp_path / "in")
    monkeypatch.setattr(Storage, "put", noted)
    stage = os.fspath(tmp_path / "stage")
    os.mkdir(stage)
    Run(find_anywhere([IN]).recordings, ASKED, stage, FakePool(lambda job: perform_at(tmp_path, stage, job))).run()
    assert put_there[-1] == "summary.json"
    assert put_there.count("summary.json") == 1


def test_a_file_that_cannot_be_put_whole_leaves_nothing_under_its_name(
    tmp_path: Path, memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "frames.csv"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(type(memory), "mv", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputNotWritable, match=r"memory://out/frames\.csv cannot be written: OSError"):
        Storage(OUT).put(os.fspath(path), f"{OUT}/frames.csv")
    assert Storage(OUT).files_below(OUT) == {}


def test_a_storage_that_cannot_rename_gets_the_file_itself(
    tmp_path: Path, memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "frames.csv"
    path.write_bytes(b"whole")
    monkeypatch.setattr(type(memory), "mv", lambda *_: (_ for _ in ()).throw(NotImplementedError()))
    Storage(OUT).put(os.fspath(path), f"{OUT}/frames.csv")
    assert {name: memory.cat(name[len("memory:/") :]) for name in Storage(OUT).files_below(OUT)} == {
        f"{OUT}/frames.csv": b"whole"
    }


class NoCredentialsError(Exception):
    """As botocore calls it."""


@pytest.mark.parametrize(
    ("error", "told", "words"),
    [
        (OSError("Could not connect"), SourceUnreachable, "memory://in cannot be reached: OSError: Could not connect"),
        (NoCredentialsError("Unable to locate credentials"), SourcePermission, "may not be read: NoCredentialsError"),
        (PermissionError("Forbidden"), SourcePermission, "may not be read: PermissionError: Forbidden"),
    ],
)
def test_a_storage_that_does_not_answer_or_refuses_is_not_one_without_the_file(
    memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch, error: Exception, told: type, words: str
) -> None:
    storage = Storage(IN)
    assert not storage.is_file(f"{IN}/1.mp4")
    monkeypatch.setattr(type(memory), "info", lambda *_: (_ for _ in ()).throw(error))
    with pytest.raises(told, match=words):
        storage.is_file(f"{IN}/1.mp4")


def test_a_file_that_is_put_makes_no_bucket(
    tmp_path: Path, memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "frames.csv"
    path.touch()
    made = []
    monkeypatch.setattr(fer_edge.recordings.cluster.storage, "WHOLE_OR_NOT", frozenset(("memory",)))
    monkeypatch.setattr(type(memory), "makedirs", lambda self, path, exist_ok: made.append(path))
    Storage(OUT).put(os.fspath(path), f"{OUT}/frames.csv")
    assert Storage(OUT).is_file(f"{OUT}/frames.csv")
    assert made == []


def test_a_server_of_s3_that_says_nothing_is_not_waited_for_longer_than_whoever_set_it_wants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "4")
    Storage(IN)
    assert os.environ["AWS_MAX_ATTEMPTS"] == "4"
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    Storage(IN)
    assert os.environ["AWS_MAX_ATTEMPTS"] == "2"


def test_addresses_are_found_as_paths_are(tmp_path: Path) -> None:
    files = (
        "take10.mp4",
        "take2.mp4",
        "notes.txt",
        "wave.gif",
        "photos/b.png",
        "photos/a.jpg",
        ".hidden/x.mp4",
        "results/old.mp4",
    )
    for name in files:
        fsspec.filesystem("memory").pipe(f"/in/{name}", b"12")
    found = find_anywhere([IN + "/"], f"{IN}/results")
    assert [one.name for one in found.recordings] == ["photos", "take2.mp4", "take10.mp4", "wave.gif"]
    assert [one.path for one in found.recordings][:3] == [f"{IN}/photos", f"{IN}/take2.mp4", f"{IN}/take10.mp4"]
    assert found.recordings[0].kind == PICTURES
    assert found.recordings[0].files == ("a.jpg", "b.png")
    assert found.others == 1
    (one,) = find_anywhere([f"{IN}/take2.mp4"]).recordings
    assert (one.name, one.path, one.size) == ("take2.mp4", f"{IN}/take2.mp4", 2)


def test_addresses_with_nothing_to_analyse_are_refused() -> None:
    with pytest.raises(SourceNotFound, match="memory://nothing"):
        find_anywhere(["memory://nothing"])
    fsspec.filesystem("memory").pipe("/texts/notes.txt", b"1")
    with pytest.raises(SourceUnreadable, match="no videos and no pictures"):
        find_anywhere(["memory://texts"])
    with pytest.raises(UsageError, match="no storage"):
        find_anywhere(["gopher://folder/file.mp4"])
    for folder in ("a", "b"):
        fsspec.filesystem("memory").pipe(f"/{folder}/same.mp4", b"1")
    with pytest.raises(UsageError, match=r"same\.mp4"):
        find_anywhere(["memory://a", "memory://b"])


def test_a_path_and_an_address_are_searched_together_and_may_not_give_one_name(tmp_path: Path) -> None:
    here = tmp_path / "here.mp4"
    here.write_bytes(b"1")
    for name in ("there", "here"):
        fsspec.filesystem("memory").pipe(f"/in/{name}.mp4", b"1")
    found = find_anywhere([os.fspath(here), f"{IN}/there.mp4", f"{IN}/there.mp4"])
    assert [one.path for one in found.recordings] == [os.fspath(here), f"{IN}/there.mp4"]
    with pytest.raises(UsageError, match=rf"called 'here\.mp4': {here} and {IN}/here\.mp4"):
        find_anywhere([os.fspath(here), f"{IN}/here.mp4"])


def test_a_storage_whose_package_is_missing_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(MissingExtra, match=r"s3://bucket.*'s3fs'"):
        Storage("s3://bucket/interviews")


def test_a_message_shows_no_password_of_an_address() -> None:
    with pytest.raises(UsageError) as caught:
        Storage("gopher://anna:secret@host/file.mp4")
    assert "secret" not in str(caught.value)


def test_what_a_killed_process_left_is_swept_and_what_one_holds_is_not(tmp_path: Path) -> None:
    left = tmp_path / f"{BEGINNING}left"
    left.mkdir()
    (left / ".held").touch()
    os.utime(left / ".held", (time.time() - 3600,) * 2)
    young = tmp_path / f"{BEGINNING}young"
    young.mkdir()
    (young / ".held").touch()
    with scratch(os.fspath(tmp_path)) as folder:
        held = Path(folder).parent
        os.utime(held / ".held", (time.time() - 3600,) * 2)
        sweep(os.fspath(tmp_path))
        assert sorted(os.listdir(tmp_path)) == sorted([held.name, young.name])
    assert os.listdir(tmp_path) == [young.name]


def test_a_recording_that_does_not_fit_is_refused_before_it_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="MB are to be fetched"):
        refuse_too_large(os.fspath(tmp_path), 1 << 60)


def test_a_job_whose_files_are_all_here_is_done_as_it_is(tmp_path: Path) -> None:
    video = write_recording(tmp_path / "1.mp4", 30)
    (recording,) = find_anywhere([os.fspath(video)]).recordings
    job = SurveyJob(recording, replace(ASKED, every=2), os.fspath(tmp_path / "out"))
    done = []
    perform_anywhere(job, work=lambda job, tell: done.append(job))  # type: ignore[func-returns-value,arg-type,return-value]
    assert done == [job]
