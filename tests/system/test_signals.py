from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterator, Tuple

import pytest
from programs import ROOT, Program, eventually

from fer_edge.system.signals import HUNG_UP


def lines(results: Path) -> int:
    return results.read_bytes().count(b"\n") if results.exists() else 0


@pytest.fixture
def in_a_terminal(tmp_path: Path) -> Iterator[Tuple[subprocess.Popen[bytes], int, Path]]:
    """Start the program in a terminal of its own; gives it, the terminal's other end, and its results."""
    results = tmp_path / "out.jsonl"
    other, terminal = pty.openpty()

    def belong_to_it() -> None:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, which may have started the tests, has it ignored
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    arguments = ["--camera", "demo", "--display", "none", "--output", str(results)]
    streams: Any = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    command = [sys.executable, "-m", "fer_edge", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, preexec_fn=belong_to_it, **streams)  # noqa: PLW1509
    os.close(terminal)
    yield process, other, results
    with suppress(OSError):
        os.close(other)
    process.kill()
    process.wait()


def test_a_terminal_that_is_closed_ends_the_run_orderly_and_not_with_0(
    in_a_terminal: Tuple[subprocess.Popen[bytes], int, Path],
) -> None:
    process, other, results = in_a_terminal
    eventually(lambda: lines(results) > 5, "results")
    os.close(other)
    assert process.wait(60) == HUNG_UP
    assert results.read_bytes().endswith(b"}\n")


def test_a_terminal_that_is_closed_is_no_success_where_the_summary_has_a_reader(tmp_path: Path) -> None:
    other, terminal = pty.openpty()
    results, summary = tmp_path / "out.jsonl", tmp_path / "summary"

    def belong_to_it() -> None:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, which may have started the tests, has it ignored
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    command = [sys.executable, "-m", "fer_edge", "--camera", "demo", "--display", "none", "--output", str(results)]
    with summary.open("wb") as file:
        streams: Any = {"stdin": terminal, "stdout": file, "stderr": file}
        process = subprocess.Popen(command, cwd=ROOT, preexec_fn=belong_to_it, **streams)  # noqa: PLW1509
    os.close(terminal)
    try:
        eventually(lambda: lines(results) > 5, "results")
        os.close(other)
        assert process.wait(60) == HUNG_UP
    finally:
        process.kill()
        process.wait()
    assert b"frames analysed" in summary.read_bytes()


def test_ctrl_c_in_a_terminal_ends_the_run_with_0(in_a_terminal: Tuple[subprocess.Popen[bytes], int, Path]) -> None:
    process, other, results = in_a_terminal
    eventually(lambda: lines(results) > 5, "results")
    os.write(other, b"\x03")
    said = b""
    with suppress(OSError):
        while process.poll() is None:
            said += os.read(other, 4096)
    assert process.wait(60) == 0
    assert b"frames analysed" in said


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_a_stray_signal_does_not_end_a_run_without_a_terminal(number: signal.Signals, tmp_path: Path) -> None:
    with Program(tmp_path, "--camera", "demo", prefix=("setsid",)) as program:
        program.more_lines()
        program.process.send_signal(number)
        program.more_lines()
        program.end()
