"""``fer-edge --benchmark`` as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from programs import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fer_edge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)


def test_several_cameras_at_the_rate_of_a_camera_are_measured_in_one_run(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["--camera", "demo", "--camera", "door=demo:3", "--paced", "10", "--frames", "20"]
    done = run("--benchmark", *arguments, "--warm-up", "0", "--report", str(report))
    assert done.returncode == 0, done.stderr
    content = json.loads(report.read_text())
    protocol = content["protocol"]
    assert (protocol["source"], protocol["paced"], protocol["pace_fps"]) == ("demo, demo:3", True, 10)
    (result,) = content["results"]
    cameras = result["cameras"]
    assert list(cameras) == ["demo", "door"]
    assert [camera["faces_per_frame"] for camera in cameras.values()] == [1, 3]
    assert sum(camera["frames"]["emitted"] for camera in cameras.values()) == 20
    assert result["cpu_ms_per_frame"] > 0
    assert 0 < result["share_of_machine"] <= 1
    # Twenty frames of two cameras take a second at the least; this machine could give them faster.
    assert result["measured_s"] > 0.5
    assert "door    demo:3" in done.stdout
    assert done.stdout.startswith("At 10 frames a second: FPS TOTAL IS NOT")
    if sys.platform.startswith("linux"):
        assert list(result["cpu_ms_per_frame_by"])[:4] == ["capture", "detect", "classify", "caller"]
        assert result["wake_ups_per_frame"] > 1


def test_several_networks_are_measured_at_a_pace_one_after_the_other(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    models = ("--model", "fernet_r", "--model", str(ROOT / "models" / "fernet.onnx"))
    done = run("--benchmark", *models, "--paced", "100", "--frames", "9", "--warm-up", "0", "--report", str(report))
    assert done.returncode == 0, done.stderr
    results = json.loads(report.read_text())["results"]
    assert [result["model"] for result in results] == ["fernet_r", models[3]]
    assert all(result["live"] for result in results)


def test_the_rate_of_a_camera_may_be_that_of_a_setting(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ("--paced", "--camera-fps", "50", "--frames", "5", "--warm-up", "0", "--report", str(report))
    done = run("--benchmark", *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(report.read_text())["protocol"]["pace_fps"] == 50


@pytest.mark.parametrize("pace", ["many", "0", "-5", "1e9", "240.5", "nan", "1_0", ""])
def test_a_pace_that_no_camera_has_is_refused_in_a_line_that_says_what_may_be(pace: str) -> None:
    done = run("--benchmark", "--paced", pace)
    assert done.returncode == 2
    told = f"fer-edge: error: --paced: '{pace}' is no rate from 1 to 240 frames a second."
    assert done.stderr.splitlines()[0] == told
    assert done.stdout == ""


def test_two_rates_are_refused() -> None:
    done = run("--benchmark", "--paced", "30", "--camera-fps", "15")
    assert done.returncode == 2
    assert "--paced and --camera-fps both say how fast" in done.stderr


def test_a_file_has_no_pace_to_be_measured_at(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = run("--benchmark", "--paced", "--camera", str(ROOT / "docs" / "overlay.jpg"), "--report", str(report))
    assert done.returncode == 2
    assert "overlay.jpg keeps no pace" in done.stderr
    assert not report.exists()


@pytest.mark.parametrize("given", [["--paced"], ["--paced", "30"], ["--paced", "many"]])
def test_what_only_a_benchmark_has_is_refused_without_one(given: List[str]) -> None:
    done = run(*given)
    assert done.returncode == 2
    assert "Add --benchmark" in done.stderr
