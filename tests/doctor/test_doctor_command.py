from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest
from fake_machines import nano, nothing_runs, prints

from fer_edge.doctor.examine import examine
from fer_edge.doctor.finding import is_ready
from fer_edge.doctor.probe import Probe
from fer_edge.doctor.report import to_text

PROGRAM = """
import argparse, sys
from fer_edge.cli.doctor import add_doctor_arguments, run_doctor
from fer_edge.errors import FerEdgeError
parser = argparse.ArgumentParser()
add_doctor_arguments(parser)
try:
    sys.exit(run_doctor(parser.parse_args()))
except FerEdgeError as error:
    sys.stderr.write(str(error))
    sys.exit(99)
"""


def doctor(
    *arguments: str, libraries: Optional[Path] = None, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    if libraries is not None:
        environment["PYTHONPATH"] = str(libraries)
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)


def test_this_machine_can_do_the_main_job() -> None:
    done = doctor()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The main job can run." in done.stdout
    assert "a face, happy" in done.stdout


def test_a_terminal_that_knows_only_ascii_gets_the_table_too() -> None:
    done = doctor(encoding="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_the_json_has_every_topic() -> None:
    done = doctor("--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["ready"] is True
    topics = {finding["topic"] for finding in report["findings"]}
    assert topics == {
        *("machine", "power", "state", "Python", "pictures", "cameras", "GPU", "inference", "backends", "models"),
        "outputs",
        "privacy",
        "recording",
        "detectors",
        "main job",
    }
    told = {finding["subject"]: finding for finding in report["findings"] if finding["topic"] == "detectors"}
    assert told["for auto"]["value"] == "2 of 2 networks"
    assert "blazeface from 82 px" in told["faces at 640x480"]["value"]
    assert "ms" in told["time of a look"]["value"]


@pytest.mark.parametrize(
    ("library", "content", "word"),
    [
        ("onnxruntime", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("cv2", "raise ImportError('libGL.so.1: cannot open shared object file')", "libgl1"),
    ],
)
def test_a_library_that_crashes_or_cannot_be_loaded_is_found_and_does_not_take_the_doctor_down(
    tmp_path: Path, library: str, content: str, word: str
) -> None:
    (tmp_path / f"{library}.py").write_text(content)
    done = doctor(libraries=tmp_path)
    assert done.returncode == 99
    assert "PROBLEM" in done.stdout
    assert word in done.stdout
    assert "The main job cannot run" in done.stdout
    assert "cannot run on this machine" in done.stderr


def works(program: str) -> Probe:
    """Every library is there."""
    if "list_devices" in program:
        return Probe([])
    if "candidates" in program:
        return Probe([["ONNX Runtime on the CPU", True, ""]])
    if "outlook_of" in program:
        return Probe(["fp32", "this processor has no instructions for INT8"])
    if "read_image" in program:
        return Probe(["happy"])
    if "open_detector" in program:
        return Probe({"blazeface": 9.0, "auto": 30.0})
    if "display_available" in program:
        return Probe({"available": False, "reason": "DISPLAY is not set"})
    if "sinks.video" in program:
        return Probe(["libx264 by PyAV 12.3.0", {}])
    if "pycuda" in program:
        return Probe({"version": "2021.1", "gpu": "NVIDIA Tegra X1", "capability": "5.3", "memory": 3964})
    if "/proc/self/fd" in program:
        return Probe({"reports": False})
    return Probe({"version": "1.2.3", "build": "", "providers": ["CPUExecutionProvider"]})


def test_a_nano_in_5_w_is_seen_in_the_whole_table(tmp_path: Path) -> None:
    findings = examine(nano(tmp_path, mode=1), nothing_runs, works)
    text = to_text(findings)
    assert "WARNING  power mode       5W (mode 1)" in text
    assert "32.7.1 (JetPack 4.6.1)" in text
    assert "10.2.300" in text
    assert is_ready(findings)


def test_what_fails_in_one_topic_does_not_hide_the_others(tmp_path: Path) -> None:
    def strange(program: str) -> Probe:
        if "open_detector" in program:
            return works(program)
        return Probe({}) if "numpy" in program else Probe({"unexpected": 1}) if "cv2" in program else works(program)

    findings = examine(nano(tmp_path), prints(nvpmodel="NV Power Mode: MAXN\n0\n"), strange)
    failed = [finding.topic for finding in findings if finding.subject == "examination"]
    assert failed == ["pictures"]
    assert any(finding.topic == "main job" for finding in findings)


def test_a_main_job_that_could_not_be_tried_is_not_taken_for_ready(tmp_path: Path) -> None:
    def strange(program: str) -> Probe:
        return Probe(17) if "read_image" in program else works(program)

    findings = examine(nano(tmp_path), nothing_runs, strange)
    assert [finding.level for finding in findings if finding.topic == "main job"] == ["problem"]
    assert not is_ready(findings)


def test_progress_is_shown_and_taken_away(tmp_path: Path) -> None:
    lines = []
    examine(nano(tmp_path), nothing_runs, works, lines.append)
    assert lines[0] == "looking at: machine"
    assert lines[-1] == ""
