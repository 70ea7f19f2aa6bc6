"""How small a face may be is what the script says that measures it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Tuple

import pytest

from fer_edge.detect.reach import SMALLEST
from fer_edge.detect.registry import DEFAULT_DETECTOR

ROOT = Path(__file__).parents[2]
STEP = 0.04
"""By how much the script makes a face smaller at a time; libraries may differ by one step."""


def measure(*detectors: str, size: str = "") -> str:
    names = [word for name in detectors for word in ("--detector", name)]
    script = [sys.executable, str(ROOT / "scripts" / "smallest_face.py"), *names, *(("--size", size) if size else ())]
    return subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout


def test_the_smallest_faces_are_those_that_are_found_here() -> None:
    page = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) x (\d+) \| (\d+) px \| (\d+) px \| (\d+) px \|$", page, re.MULTILINE)
    said: Dict[Tuple[str, str], float] = {}
    for width, height, auto, short, full in rows:
        said[("auto", f"{width}x{height}")] = float(auto)
        said[("blazeface", f"{width}x{height}")] = float(short)
        said[("blazeface-full", f"{width}x{height}")] = float(full)
    assert len(said) == 12
    told: Dict[str, Dict[Tuple[int, int], int]] = {name: {} for name in SMALLEST}
    for (name, size), height in said.items():
        across, down = map(int, size.split("x"))
        if across > down:
            told[name][across, down] = int(height)
    assert told == SMALLEST  # What the doctor says.
    # A picture that is searched everywhere takes long: of the default detector one size is measured.
    printed = measure("blazeface", "blazeface-full") + measure("auto", size="640x480")
    measured = re.findall(r"^(\S+) +(\d+x\d+): (\d+) px", printed, re.MULTILINE)
    assert len(measured) == 9
    for name, size, height in measured:
        assert said[(name, size)] == pytest.approx(float(height), rel=1.5 * STEP), (name, size)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for height, size in re.findall(r"(\d+)(?: pixels)? at (\d+x\d+)", readme):
        assert said[(DEFAULT_DETECTOR, size)] == float(height)
    assert "29 pixels at 640x480" in readme
