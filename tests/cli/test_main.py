from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

ROOT = Path(__file__).parents[2]

LEFT_BEHIND = """
import sys, threading
import cv2, numpy
from fer_edge import __main__
from fer_edge.cli import main as cli

picture = numpy.zeros((2000, 2000, 3), numpy.uint8)

begun = threading.Barrier(5)

def work():
    begun.wait()
    while True:
        cv2.GaussianBlur(picture, (31, 31), 9)

def run(parts):
    for number in range(4):
        threading.Thread(target=work, name=f"fer-edge-{number}", daemon=True).start()
    begun.wait()
    return 31

cli.main = run
print("the last words", end="")
sys.exit(__main__.main())
"""


def test_threads_that_still_work_in_a_library_do_not_spoil_the_exit_code() -> None:
    command = [sys.executable, "-c", LEFT_BEHIND]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (31, "the last words", "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&- >&-"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--camera", "no-such-file.mp4"], 10),
        (["--camera", "no-such-file.mp4", "--log-format", "json"], 10),
        (["--threads", "x"], 2),
        (["--no-such-option"], 2),
        (["--camera", "demo", "--frames", "3", "--log-level", "debug"], 0),
    ],
)
def test_the_exit_code_does_not_depend_on_whether_the_message_can_be_written(
    arguments: List[str], code: int, redirection: str
) -> None:
    command = [sys.executable, "-m", "fer_edge", "--display", "none", *arguments]
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", *command]
    assert subprocess.run(shell, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=120, check=False).returncode == code


def test_no_file_takes_the_place_of_a_standard_error_that_is_closed(tmp_path: Path) -> None:
    """Libraries write their warnings to descriptor 2, whatever it is."""
    program = (
        "import os, sys\n"
        "from fer_edge import __main__\n"
        "from fer_edge.cli import main as cli\n"
        "def run(parts):\n"
        "    with open(sys.argv[1], 'w'):\n"
        "        os.write(2, b'a warning')\n"
        "    return 0\n"
        "cli.main = run\n"
        "sys.exit(__main__.main())\n"
    )
    results = tmp_path / "out.jsonl"
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-c", program, str(results)]
    assert subprocess.run(shell, cwd=ROOT, timeout=120, check=False).returncode == 0
    assert results.read_text() == ""


INTERRUPTED = """
import errno, os, signal, sys
import fer_edge

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in its background
left = int(sys.argv.pop(1))

def interrupt(event, args):
    global left
    if event == "import" and args[0] != "fer_edge.__main__":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(interrupt)
from fer_edge.__main__ import main

sys.exit(main())
"""
"""Runs fer-edge, and interrupts it in the middle of an import: what it does for most of the time until it runs."""


@pytest.mark.parametrize("moment", [1, 2, 5, 15, 40, 90, 180, 300, 450])
def test_ctrl_c_while_the_program_starts_ends_it_without_a_traceback(moment: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(moment), "--camera", "demo", "--display", "none"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        assert "frames analysed" in done.stdout, "the run had begun, and was ended"
    else:
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
        assert moment < 300, "the run should have begun by now"


def test_ctrl_c_when_all_is_done_ends_the_program_without_a_traceback() -> None:
    program = (
        "import os, signal, sys\n"
        "from fer_edge.__main__ import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "code = main()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    command = [sys.executable, "-c", program, "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
    assert done.stdout.startswith("fer-edge ")


def test_too_few_descriptors_are_told_with_the_remedy() -> None:
    from fer_edge.__main__ import _meaning

    failure = _meaning(OSError(24, "Too many open files", "manifest.json"))
    assert failure is not None
    assert failure.exit_code == 6, "a code after which the service starts again"
    assert "ulimit -n" in failure.remedy
