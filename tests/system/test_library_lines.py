"""What libraries write to descriptor 2 by themselves, in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from programs import eventually

from fer_edge.system.library_lines import MOST_KINDS, PERIOD, Sieve

ROOT = Path(__file__).parents[2]

PROGRAM = """
import ctypes, logging, os, subprocess, sys, threading, time, warnings
from fer_edge import __main__
from fer_edge.cli import main as cli
from fer_edge.system import library_lines
from fer_edge.system import standard_error
from fer_edge.system.logs import set_up_logging

libc = ctypes.CDLL(None)

def run(**_parts):
    set_up_logging("info", "json")
    {work}
    return 0

cli.main = run
sys.exit(__main__.main())
"""


def program(work: str) -> List[str]:
    return [sys.executable, "-c", PROGRAM.format(work=work.strip().replace("\n", "\n    "))]


def run(work: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(program(work), cwd=ROOT, capture_output=True, timeout=120, check=False)


def log_of(work: str) -> List[Dict[str, Any]]:
    """Give the lines of the log; what is no JSON fails."""
    done = run(work)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_of_lines_that_differ_by_numbers_the_first_in_a_period_is_let_through() -> None:
    clock = Clock()
    sieve = Sieve(clock)
    assert sieve.wait is None
    shown = [sieve.lets_through(f"[h264 @ 0x55d0{number:x}] error at {number} {number}") for number in range(500)]
    assert shown == [True] + [False] * 499
    assert sieve.lets_through("Corrupt JPEG data: premature end of data segment")
    assert (sieve.left_out, sieve.untold(), sieve.wait) == (499, 0, PERIOD)
    clock.now += PERIOD
    assert (sieve.untold(), sieve.untold(), sieve.wait) == (499, 0, None)
    assert sieve.lets_through("[h264 @ 0x1] error at 9 9")


def test_of_lines_that_all_differ_only_so_many_are_let_through() -> None:
    clock = Clock()
    sieve = Sieve(clock)
    for _ in range(3):
        words = [f"{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(2 * MOST_KINDS)]
        assert sum(map(sieve.lets_through, words)) == MOST_KINDS
        clock.now += PERIOD
    assert sieve.untold(at_once=True) == 3 * MOST_KINDS


def test_a_flood_of_a_library_becomes_a_line_of_the_log_and_a_count() -> None:
    log = log_of("""
for number in range(20000):
    libc.dprintf(2, b"Corrupt JPEG data: %d extraneous bytes\\n", number)
logging.getLogger("fer_edge").info("behind it")
""")
    events = [line.get("event") for line in log]
    assert events.count("library") == 1
    assert {"level": "warning", "message": "a library says: Corrupt JPEG data: 0 extraneous bytes"}.items() <= log[
        events.index("library")
    ].items()
    assert events.count("library_lines_left_out") == 1
    # A decoder does not wait; what had no room in the pipe is not counted.
    assert 1000 < log[-1]["lines"] < 20000
    assert "behind it" in [line["message"] for line in log]


def test_who_writes_is_not_held_up_by_a_log_that_stands_still() -> None:
    log = log_of("""
handler = logging.getLogger().handlers[0]
handler.acquire()
for number in range(20000):
    libc.dprintf(2, b"Corrupt JPEG data: %d extraneous bytes\\n", number)
handler.release()
""")
    assert log[0]["message"] == "a library says: Corrupt JPEG data: 0 extraneous bytes"


def test_what_children_write_goes_the_same_way_and_so_do_lines_without_an_end() -> None:
    log = log_of("""
subprocess.run(["sh", "-c", "echo I am a child >&2"], check=True)
os.write(2, b"rtsp://me:secret@camera/ has \\x1b[31m no end")
""")
    assert [line["message"] for line in log] == [
        "a library says: I am a child",
        r"a library says: rtsp://***@camera/ has \x1b[31m no end",
    ]


def test_what_python_reports_is_json_as_well() -> None:
    done = run("""
def fail():
    raise ValueError("one\\n<3>two")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
warnings.warn("careful")
class Spoiled:
    def __del__(self):
        raise ValueError("at its end")
Spoiled()
raise KeyError("three")
""")
    assert done.returncode == 1
    thread, warning, unraisable, end = [json.loads(line) for line in done.stderr.splitlines()]
    assert thread["message"] == r"nobody expected this: ValueError: one\n<3>two"
    assert "in fail" in thread["traceback"]
    assert "careful" in warning["message"]
    assert unraisable["message"] == "nobody expected this: ValueError: at its end"
    assert end["message"] == "nobody expected this: KeyError: 'three'"


@pytest.mark.parametrize(
    ("end", "word"),
    [
        ("libc.abort()", "Fatal Python error: Aborted"),
        ("ctypes.string_at(0)", "Fatal Python error: Segmentation fault"),
        ("ctypes.pythonapi.Py_FatalError(b'that was it')", "Fatal Python error: that was it"),
    ],
)
def test_the_last_words_of_a_process_that_dies_are_not_lost(end: str, word: str) -> None:
    done = run(f"libc.dprintf(2, b'terminate called: CUDA error\\n')\n{end}")
    assert done.returncode < 0
    assert b"terminate called: CUDA error" in done.stderr
    assert word.encode() in done.stderr
    assert b" in run\n" in done.stderr


def test_a_process_that_dies_waits_for_no_reader() -> None:
    reading, writing = os.pipe()
    work = """
for number in range(5000):
    logging.getLogger("fer_edge").info("a line that nobody reads, %d", number)
for number in range(100000):
    libc.dprintf(2, b"a line of a library, %d\\n", number)
libc.abort()
"""
    dying = subprocess.Popen(program(work), cwd=ROOT, stderr=writing)
    try:
        assert dying.wait(60) < 0
    finally:
        dying.kill()
        dying.wait()
        os.close(writing)
        os.close(reading)


def test_nothing_of_it_is_left_when_the_program_has_ended(tmp_path: Path) -> None:
    """Neither the process that waits for last words, nor one that a killed program leaves behind."""
    work = "open(sys.argv[1], 'w').write(str(library_lines._taken._keeper.pid))\n{}"
    for number, end in enumerate(("", "os.kill(os.getpid(), 9)")):
        place = tmp_path / str(number)
        command = [*program(work.format(end)), str(place)]
        subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
        keeper = int(place.read_text())
        eventually(lambda keeper=keeper: not Path(f"/proc/{keeper}/fd").exists(), "the end of the keeper")  # type: ignore[misc]


def test_elsewhere_descriptor_2_is_left_alone() -> None:
    work = (
        "import os\n"
        "from fer_edge.system import logs\n"
        "import sys, io\n"
        "before = os.fstat(2)\n"
        "logs.set_up_logging('info')\n"
        "assert os.fstat(2) == before\n"
    )
    subprocess.run([sys.executable, "-c", work], cwd=ROOT, timeout=60, check=True)
