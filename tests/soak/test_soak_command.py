"""``fer-edge soak`` as a user starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, List

import pytest
from programs import ROOT


def soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fer_edge", "soak", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


def test_a_soak_runs_the_program_and_reports_what_it_used_and_how_it_ended(tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    done = soak("--minutes", "0.15", "--size", "160x120", "--report", str(report))
    # On a busy machine there may be too few frames to tell.
    assert done.returncode in (0, 50), done.stderr
    found = json.loads(report.read_text())
    frames = [sample["frames"] for sample in found["samples"]]
    assert frames == sorted(frames)
    assert frames[-1] > frames[0]
    assert all(sample["memory"] > 10 and sample["descriptors"] > 3 for sample in found["samples"])
    assert all(sample["threads"] >= 5 for sample in found["samples"])
    assert found["exit_code"] == 0
    counts = found["frames"]
    assert counts["captured"] == counts["emitted"] + counts["dropped"] + counts["in_flight"]
    assert found["environment"]["python"]
    assert "minutes of demo: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--minutes", "0"], 2, "0 minutes"),
        (["--frames", "10"], 2, "Leave out --frames"),
        (["--display", "window"], 2, "Leave out --display"),
        (["--camera", "no-such-file.mp4"], 52, "before its first frame"),
        (["--model", "no-such-model"], 52, "before its first frame"),
        (["--report", "no/such/folder/r.json"], 30, "no/such/folder/r.json"),
        (["--minuts", "1"], 2, "--minuts"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(arguments: List[str], code: int, words: str) -> None:
    done = soak(*arguments)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_the_soak_and_its_program_and_what_was_measured_is_reported(tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    command = [sys.executable, "-m", "fer_edge", "soak", "--minutes", "60", "--report", str(report)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: bool(children.read_text().split()))
    child = Path(f"/proc/{children.read_text().split()[0]}")
    # Capture, detection, classification and the endpoint have threads of their own.
    wait_until(lambda: len(list((child / "task").iterdir())) >= 6)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert not child.exists()
    # It may have been stopped before the first frame; then there is nothing to report.
    assert report.exists() or process.returncode == 2


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
