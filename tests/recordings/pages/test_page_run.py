"""The pages of a run: made for each recording that has results, by whoever did the work."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest
from recording_files import analyse, in_this_process, write_picture, write_recording

from fer_edge.cli.main import main
from fer_edge.errors import DiskFull, UsageError
from fer_edge.recordings import Done, Failed, FakePool, Lost
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.pages.run import write_pages
from fer_edge.recordings.pool import Message


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in ("a.mp4", "day 2/b.mp4"):
        write_recording(tmp_path / "in" / name, 30)
    (tmp_path / "in" / "broken.mp4").write_bytes(b"no video at all" * 100)
    analyse(tmp_path / "in", tmp_path / "out")
    return tmp_path


def test_the_program_makes_a_page_of_each_recording_and_one_of_all_and_pictures_are_asked_for(tmp_path: Path) -> None:
    write_recording(tmp_path / "in" / "a.mp4", 30)
    write_picture(tmp_path / "in" / "photos" / "one.png")
    command = [sys.executable, "-m", "fer_edge", "analyse", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    options = ["--detector", "blazeface", "--workers", "1", "--report"]
    for more, images in (([], False), (["--pictures"], True)):
        done = subprocess.run([*command, *options, *more], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "index.html" in done.stdout
        pages = [(tmp_path / "out" / name / "report.html").read_text() for name in ("a.mp4", "photos")]
        assert ["data:image/jpeg" in page for page in pages] == [images] * 2
    index = (tmp_path / "out" / "index.html").read_text()
    assert 'href="a.mp4/report.html"' in index
    assert 'href="photos/report.html"' in index


def test_a_recording_without_results_has_no_page_and_stands_on_that_of_all(results: Path) -> None:
    told = []
    found = find_recordings([str(results / "in")]).recordings
    pool = FakePool(in_this_process)
    assert write_pages(found, str(results / "out"), False, pool, lambda done, of: told.append((done, of))) == []
    assert told == [(1, 2), (2, 2)]
    assert not (results / "out" / "broken.mp4" / "report.html").exists()
    assert "broken.mp4" in (results / "out" / "index.html").read_text()


def test_a_page_that_cannot_be_made_keeps_no_other_from_being_made(results: Path) -> None:
    def one_is_lost(job: Job) -> Iterator[Message]:
        if job.recording.name == "a.mp4":
            yield Lost(job, "its process was ended by SIGKILL")
        else:
            yield from in_this_process(job)

    found = find_recordings([str(results / "in")]).recordings
    (failure,) = write_pages(found, str(results / "out"), False, FakePool(one_is_lost))
    assert (failure.name, "SIGKILL" in failure.reason) == ("a.mp4", True)
    assert (results / "out" / "day 2" / "b.mp4" / "report.html").exists()
    assert (results / "out" / "index.html").exists()


def test_a_table_that_is_damaged_keeps_no_other_page_from_being_made(results: Path) -> None:
    (results / "out" / "a.mp4" / "frames.csv").write_bytes(b"\0" * 500)
    found = find_recordings([str(results / "in")]).recordings
    (failure,) = write_pages(found, str(results / "out"), False, FakePool(in_this_process))
    assert (failure.name, "frames.csv" in failure.reason) == ("a.mp4", True)
    assert (results / "out" / "day 2" / "b.mp4" / "report.html").exists()
    assert (results / "out" / "index.html").exists()


def test_what_would_meet_every_page_ends_the_work(results: Path) -> None:
    def full(job: Job) -> Iterator[Message]:
        yield Failed(job, "DiskFull", "The disk is full.", "Make room.")

    with pytest.raises(DiskFull, match="The disk is full"):
        write_pages(find_recordings([str(results / "in")]).recordings, str(results / "out"), False, FakePool(full))


def test_a_stop_leaves_whole_pages_and_none_of_all(results: Path) -> None:
    stop = threading.Event()

    def stopped(job: Job) -> Iterator[Message]:
        stop.set()
        for message in in_this_process(job):
            if isinstance(message, Done):
                yield message

    found = find_recordings([str(results / "in")]).recordings
    assert write_pages(found, str(results / "out"), False, FakePool(stopped), stop=stop) == []
    assert len(list((results / "out").rglob("report.html"))) == 1
    assert not (results / "out" / "index.html").exists()


def test_pictures_without_pages_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pictures") as caught:
        main(["analyse", str(tmp_path), "--out", str(tmp_path / "out"), "--pictures"])
    assert "--report" in caught.value.remedy
    assert not (tmp_path / "out").exists()
