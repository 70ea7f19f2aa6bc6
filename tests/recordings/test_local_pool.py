from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, List

import pytest
from recording_files import ASKED, analyse, tables_of, write_picture, write_recording
from waiting import PATIENCE, wait_until

from fer_edge.errors import LibraryUnusable
from fer_edge.recordings import Done, Failed, Lost, Progress, Survey, SurveyJob
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.local_pool import LocalPool
from fer_edge.recordings.pool import Message

ROOT = Path(__file__).parents[2]


def survey_of(place: Path) -> SurveyJob:
    (recording,) = find_recordings([str(place)]).recordings
    return SurveyJob(recording, ASKED, str(place) + ".out")


def until(pool: LocalPool, kind: Any) -> Message:
    """Wait for a message of a kind."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for message in pool.messages(1.0):
            if isinstance(message, kind):
                return message
    raise AssertionError("nothing came")


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_jobs_are_done_by_other_processes_and_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    good = survey_of(write_picture(tmp_path / "a.png"))
    bad = survey_of(write_picture(tmp_path / "b.png"))
    (tmp_path / "b.png").unlink()
    with LocalPool(2) as pool:
        pool.submit(good)
        done = until(pool, Done)
        assert isinstance(done, Done)
        assert done.job is good
        assert isinstance(done.result, Survey)
        pool.submit(bad)
        failed = until(pool, Failed)
        assert isinstance(failed, Failed)
        assert (failed.job, failed.kind) == (bad, "SourceNotFound")
        pids = pool.pids
        assert pids
        assert os.getpid() not in pids
    wait_until(lambda: all(map(is_gone, pids)), "the workers end")


def test_a_worker_that_is_killed_loses_its_job_and_is_replaced(tmp_path: Path) -> None:
    job = survey_of(write_picture(tmp_path / "a.png"))
    with LocalPool(1) as pool:
        pool.submit(job)
        os.kill(pool.pids[0], signal.SIGKILL)
        lost = until(pool, Lost)
        assert isinstance(lost, Lost)
        assert (lost.job, "SIGKILL" in lost.why) == (job, True)
        pool.submit(job)
        assert until(pool, Done)


def test_a_worker_that_says_nothing_for_long_is_ended(tmp_path: Path) -> None:
    job = survey_of(write_picture(tmp_path / "a.png"))
    now = [0.0]
    with LocalPool(1, silence=60.0, clock=lambda: now[0]) as pool:
        pool.submit(job)
        os.kill(pool.pids[0], signal.SIGSTOP)
        (pid,) = pool.pids
        now[0] = 61.0
        (lost,) = wait_until(lambda: pool.messages(0.0), "the job is lost")
        assert isinstance(lost, Lost)
        assert "said nothing for 60 s" in lost.why
        assert is_gone(pid)


def test_workers_that_cannot_begin_are_an_error_and_no_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = survey_of(write_picture(tmp_path / "a.png"))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with LocalPool(1) as pool:
        pool.submit(job)
        with pytest.raises(LibraryUnusable, match="ended before it could begin"):
            until(pool, Done)


IDLE = """
import sys
from recording_files import ASKED
from fer_edge.recordings import Done, SurveyJob
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.local_pool import LocalPool
pool = LocalPool(1)
pool.submit(SurveyJob(find_recordings([sys.argv[1]]).recordings[0], ASKED, sys.argv[1] + ".out"))
while not any(isinstance(message, Done) for message in pool.messages(10.0)):
    pass
print(*pool.pids, flush=True)
sys.stdin.read()
"""


def program(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program in Python that finds the helpers of these tests."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_worker_without_work_does_not_outlive_a_parent_that_is_killed_either(tmp_path: Path) -> None:
    with program(IDLE, write_picture(tmp_path / "a.png")) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert not is_gone(worker)
        parent.kill()
        wait_until(lambda: is_gone(worker), "the worker ends", 60.0)


PARENT = """
import sys
from recording_files import analyse
from pathlib import Path
from fer_edge.recordings.local_pool import LocalPool
pool = LocalPool(2)
told = pool._start
def start():
    one = told()
    print(one.process.pid, flush=True)
    return one
pool._start = start
analyse(Path(sys.argv[1]), Path(sys.argv[2]), pool)
"""


def test_no_worker_outlives_a_parent_that_is_killed_and_the_next_run_gives_the_same_as_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    for index in range(3):
        write_recording(tmp_path / f"in/{index}.mp4", 120)
    with program(PARENT, tmp_path / "in", tmp_path / "out") as parent:
        assert parent.stdout is not None
        workers = [int(parent.stdout.readline()) for _ in range(2)]
        # In the middle: something is being read, and something may be finished.
        wait_until(lambda: list(tmp_path.glob("out/*/.parts/*")), "a part is begun")
        parent.kill()
        wait_until(lambda: all(map(is_gone, workers)), "the workers end")
    for table in tmp_path.glob("out/*/*.csv"):
        assert table.read_bytes().endswith(b"\n")
    outcome = analyse(tmp_path / "in", tmp_path / "out", LocalPool(2))
    assert (outcome.failed, outcome.finished + outcome.skipped) == (0, 3)
    assert not list(tmp_path.glob("out/**/.fer-edge-*.tmp")) + list(tmp_path.glob("out/**/.parts"))
    analyse(tmp_path / "in/0.mp4", tmp_path / "whole")
    for index in range(3):
        assert tables_of(tmp_path / f"out/{index}.mp4") == tables_of(tmp_path / "whole/0.mp4")


def test_workers_that_are_killed_at_any_moment_change_nothing_in_the_results(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.mp4", 100)

    class Deadly(LocalPool):
        """Kills a worker at its first word, twice."""

        left = 2

        def messages(self, timeout: float) -> List[Message]:
            came = super().messages(timeout)
            if self.left and any(isinstance(message, Progress) for message in came):
                self.left -= 1
                os.kill(self.pids[0], signal.SIGKILL)
            return came

    outcome = analyse(tmp_path / "a.mp4", tmp_path / "out", Deadly(1))
    assert (outcome.finished, outcome.failed) == (1, 0)
    analyse(tmp_path / "a.mp4", tmp_path / "whole")
    assert tables_of(tmp_path / "out/a.mp4") == tables_of(tmp_path / "whole/a.mp4")
