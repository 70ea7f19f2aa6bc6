from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

SAYS = {
    "events.py": r"^(face \d of demo-2 is happy\n){2}(face \d of demo-2 was happy for \d\.\d s, valence \+[01]\.\d\d\n){2}$",
    # A busy machine leaves so many frames out that somebody who moved is not always found.
    "many_cameras.py": r"door: \d+ frames, (3\.0|2\.[5-9]) faces in each\nfront: \d+ frames, (1\.0|0\.9) faces in each\n$",
    "notebook.py": r"^100 frames, 200 faces\n(.*\n)*median gap [\d.]+ ms, \d+ frames left out\n$",
    "one_picture.py": r"^faces: 1\na face of \d+ x \d+ pixels at \(\d+, \d+\)\n  happy ",
    "own_detector.py": r"^(\d+ \[\d+\]\n)+$",  # one of two faces, always
    "own_sink.py": r"^images of 512 x 512 pixels\nhappy +1\n$",
    "own_source.py": r"^0 happy at x = \d+\n(.*\n)*39 happy at x = \d+\n$",
}
"""What each of them prints, as a pattern."""


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
    kept["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", sorted(SAYS))
def test_an_example_does_what_it_says_without_a_camera(name: str, tmp_path: Path) -> None:
    ran = run(str(EXAMPLES / name), folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert re.search(SAYS[name], ran.stdout), ran.stdout
    assert ran.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_every_example_is_tried_and_short_enough_to_be_read() -> None:
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in EXAMPLES.glob("*.py")}
    assert sorted(lengths) == sorted(SAYS)
    assert {name: length for name, length in lengths.items() if length > 40} == {}


def test_the_example_of_one_picture_says_what_is_wrong_with_another(tmp_path: Path) -> None:
    ran = run(str(EXAMPLES / "one_picture.py"), "gone.jpg", folder=tmp_path)
    assert ran.returncode == 1
    assert "gone.jpg" in ran.stderr
    assert "Traceback" not in ran.stderr
