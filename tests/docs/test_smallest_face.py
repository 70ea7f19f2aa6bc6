"""How small a face may be is what the script says that measures it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Tuple

import pytest

from fer_edge.detect.reach import SMALLEST

ROOT = Path(__file__).parents[2]
STEP = 0.04
"""By how much the script makes a face smaller at a time; libraries may differ by one step."""


def test_the_smallest_faces_are_those_that_are_found_here() -> None:
    page = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) x (\d+) \| (\d+) px \| (\d+) px \| (\d+) px \|$", page, re.MULTILINE)
    said: Dict[Tuple[str, str], float] = {}
    told: Dict[str, Dict[Tuple[int, int], int]] = {"blazeface": {}, "blazeface-full": {}, "auto": {}}
    for width, height, short, full, auto in rows:
        if int(width) > int(height):
            for name, pixels in zip(told, (short, full, auto)):
                told[name][int(width), int(height)] = int(pixels)
        said[("blazeface", f"{width}x{height}")] = float(short)
        said[("blazeface-full", f"{width}x{height}")] = float(full)
    assert len(said) == 8
    assert told == SMALLEST  # what the doctor says
    names = ["--detector", "blazeface", "--detector", "blazeface-full"]
    script = [sys.executable, str(ROOT / "scripts" / "smallest_face.py"), *names]
    printed = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout
    measured = re.findall(r"^(\S+) +(\d+x\d+): (\d+) px", printed, re.MULTILINE)
    assert {(name, size): pytest.approx(float(height), rel=1.5 * STEP) for name, size, height in measured} == said
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for height, size in re.findall(r"(\d+)(?: pixels)? at (\d+x\d+)", readme):
        assert said[("blazeface", size)] == float(height)
    assert "82 pixels at 640x480" in readme
