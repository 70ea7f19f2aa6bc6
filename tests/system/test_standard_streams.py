from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fer_edge.system.standard_streams import standard_descriptor

ROOT = Path(__file__).parents[2]


def run_in_a_shell(folder: Path, arguments: str, redirections: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
    program = f"{shlex.quote(sys.executable)} -m fer_edge --camera demo --display none"
    return subprocess.run(
        ["bash", "-c", f"{program} {arguments} {redirections}"],
        cwd=folder,
        env={**plain, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link", "/dev/fd/7"])
def test_a_standard_output_that_gets_results_gets_nothing_else_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    done = run_in_a_shell(tmp_path, f"--frames 3 --output {name}", "7>&1")
    assert done.returncode == 0, done.stderr
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 3
    assert "FPS total" in done.stderr


def test_results_go_behind_what_a_file_has_that_the_standard_output_was_sent_to(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept\n")
    done = run_in_a_shell(tmp_path, "--frames 3 --output /dev/stdout", ">> out")
    assert done.returncode == 0, done.stderr
    first, *lines = (tmp_path / "out").read_text().splitlines()
    assert first == "kept"
    assert len([json.loads(line) for line in lines]) == 3


@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"])
def test_results_for_the_standard_error_reach_it_and_are_not_taken_for_lines_of_a_library(
    tmp_path: Path, name: str
) -> None:
    done = run_in_a_shell(tmp_path, f"--frames 30 --output {name}", "2> errors")
    assert done.returncode == 0
    lines = [line for line in (tmp_path / "errors").read_text().splitlines() if line.startswith("{")]
    assert len([json.loads(line) for line in lines]) == 30
    assert "FPS total" in done.stdout
    assert "a library says" not in (tmp_path / "errors").read_text()


def test_results_for_a_standard_error_that_is_closed_are_refused(tmp_path: Path) -> None:
    assert run_in_a_shell(tmp_path, "--frames 3 --output /dev/stderr", "2>&-").returncode == 30


@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/stdout"])
def test_a_recording_or_report_that_is_one_of_the_standard_streams_is_refused(tmp_path: Path, name: str) -> None:
    link = tmp_path / "out.mp4"
    link.symlink_to(name)
    for arguments in ("--frames 3 --record out.mp4", "--benchmark --frames 3 --report out.mp4"):
        done = run_in_a_shell(tmp_path, arguments, "> taken 2> errors")
        assert done.returncode == 30
        assert re.search(r"program's own standard (output|error)", (tmp_path / "errors").read_text())
        assert (tmp_path / "taken").read_text() == ""
        assert os.readlink(link) == name


def test_a_file_or_pipe_counts_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    for name in ("file", "pipe", "round", "missing", "missing/file"):
        assert standard_descriptor(str(tmp_path / name)) is None
    for name in ("/dev/null", "/dev/fd", "/dev/fd/x", "/dev/fd/99999", "", "a\0b", f"/proc/{os.getppid()}/fd/1"):
        assert standard_descriptor(name) is None
