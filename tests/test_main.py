from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

LEFT_BEHIND = """
import sys, threading, time
import cv2, numpy
from fer_edge import __main__

picture = numpy.zeros((2000, 2000, 3), numpy.uint8)

def work():
    while True:
        cv2.GaussianBlur(picture, (31, 31), 9)

def run():
    for number in range(4):
        threading.Thread(target=work, name=f"fer-edge-{number}", daemon=True).start()
    time.sleep(0.3)
    return 31

__main__.cli.main = run
print("the last words", end="")
sys.exit(__main__.main())
"""


def test_threads_that_still_work_in_a_library_do_not_spoil_the_exit_code() -> None:
    command = [sys.executable, "-c", LEFT_BEHIND]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (31, "the last words", "")
