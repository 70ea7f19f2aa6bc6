from __future__ import annotations

import sys
from pathlib import Path

from waiting import wait_until

from fer_edge.board.program import Ran, run_program


def python(program: str, timeout: float = 30.0) -> Ran:
    ran = run_program([sys.executable, "-c", program], timeout)
    assert ran is not None
    return ran


def test_a_program_gives_its_status_and_what_it_wrote() -> None:
    assert python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)") == Ran(3, "out\n", "err\n")


def test_a_signal_is_a_negative_status() -> None:
    assert python("import os, signal; os.kill(os.getpid(), signal.SIGILL)").status == -4


def test_a_missing_program_is_none() -> None:
    assert run_program(["fer-edge-no-such-program"], 1.0) is None


def test_a_program_that_hangs_is_ended_and_keeps_what_it_had_written() -> None:
    ran = python("import time; print('first', flush=True); time.sleep(600)", timeout=2.0)
    assert ran.status is None
    assert ran.output == "first\n"


def test_the_children_of_a_program_that_hangs_are_ended_too(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    assert python(program, timeout=3.0).status is None
    wait_until(lambda: is_gone(int(note.read_text())), "the end of the child")


def is_gone(pid: int) -> bool:
    # Whoever is init may be slow to collect it.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
