"""``fer-edge soak`` as a user starts it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from programs import ROOT
from waiting import wait_until


def soak(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fer_edge", "soak", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


def test_a_soak_runs_the_program_and_reports_what_it_used_and_how_it_ended(tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    done = soak("--minutes", "0.2", "--size", "160x120", "--report", str(report))
    found = json.loads(report.read_text())
    # In so short a time caches still fill, and on a busy machine there may be too few frames to tell.
    complaints = [words for words in found["complaints"] if "too few" not in words and "memory grew" not in words]
    assert complaints == []
    assert done.returncode == (50 if found["complaints"] else 0), done.stderr
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
        (["--minutes", "0.001"], 2, "--minutes 0.2"),
        (["--minutes", "abc"], 2, "it must be a number from 0 on, and 'abc' is none"),
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [("FER_EDGE_FRAMES", "5"), ("FER_EDGE_DISPLAY", "window"), ("FER_EDGE_RECONNECT", "never")],
)
def test_a_variable_that_contradicts_the_purpose_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    done = soak()
    assert done.returncode == 2
    assert f"{variable}: A soak" in done.stderr
    assert "Leave out --" not in done.stderr


def test_a_program_that_is_killed_leaves_a_report_of_what_was_measured(tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    cameras = ["--camera", "demo", "--camera", "door=demo:3"]
    command = [sys.executable, "-m", "fer_edge", "soak", *cameras, "--minutes", "60", "--report", str(report)]
    # On a terminal it shows each sample.
    terminal, standard_error = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=standard_error, text=True)
    os.close(standard_error)
    try:
        shown = b""
        while shown.count(b" frames, ") < 2:
            shown += os.read(terminal, 4096)
        child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        os.kill(int(child), signal.SIGKILL)
        process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(terminal)
    assert process.returncode == 50
    found = json.loads(report.read_text())
    assert "signal 9" in found["complaints"][0]
    assert len(found["samples"]) >= 2
    assert found["source"] == "demo, demo:3"
    assert set(found["cameras"]) == {"demo", "door"}
    assert sum(camera["emitted"] for camera in found["cameras"].values()) == found["frames"]["emitted"] > 0


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
