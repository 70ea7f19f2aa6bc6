"""``fer-edge --benchmark`` as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from programs import ROOT


def test_several_cameras_at_the_rate_of_a_camera_are_measured_in_one_run(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["--camera", "demo", "--camera", "door=demo:3", "--paced", "--camera-fps", "10", "--frames", "20"]
    command = [sys.executable, "-m", "fer_edge", "--benchmark", *arguments, "--warm-up", "0", "--report", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    content = json.loads(report.read_text())
    assert (content["protocol"]["source"], content["protocol"]["paced"]) == ("demo, demo:3", True)
    (result,) = content["results"]
    cameras = result["cameras"]
    assert list(cameras) == ["demo", "door"]
    assert [camera["faces_per_frame"] for camera in cameras.values()] == [1, 3]
    assert sum(camera["frames"]["emitted"] for camera in cameras.values()) == 20
    assert result["cpu_ms_per_frame"] > 0
    assert result["share_of_machine"] > 0
    # Twenty frames of two cameras take a second at the least; this machine could give them faster.
    assert result["measured_s"] > 0.5
    assert "door    demo:3" in done.stdout


def test_what_only_a_benchmark_has_is_refused_without_one() -> None:
    command = [sys.executable, "-m", "fer_edge", "--paced"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert "Add --benchmark" in done.stderr
