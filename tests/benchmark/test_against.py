"""``benchmarks/against.py`` compares two checkouts; here with programs that pretend to be them."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of other processes")

PROGRAM = """\
import json, os, sys, time
told = dict(zip(sys.argv[1:], sys.argv[2:]))
if "--precision" in told and told["--precision"] not in PRECISIONS:
    sys.exit("usage: fer-edge [-h]\\nfer-edge: error: --precision: 'int8' will not do\\n  What it sets: precision")
assert not [name for name in os.environ if name.startswith("FER_EDGE_")]
faces = int((told["--camera"] + ":1").split(":")[1])
until = time.monotonic() + float(told["--duration"]) * 1.5
while time.monotonic() < until:
    BUSY or time.sleep(0.01)
if "--report" in told:
    result = {"fps": {"total": FPS / faces}, "stages": {"classify": {"p50_ms": 1e3 / FPS}}}
    with open(told["--report"], "w") as file:
        json.dump({"results": [{**result, "precision": "fp32" if LIES else told["--precision"]}]}, file)
else:
    print("fer-edge: hello\\n30 frames analysed in 1.0 s, 30 faces\\nFPS total 30.0")
"""


def program(folder: Path, **facts: Any) -> Path:
    told = {"FPS": 100, "PRECISIONS": ["fp32"], "BUSY": False, "LIES": False, **facts}
    (folder / "fer_edge").mkdir(parents=True)
    text = "".join(f"{name} = {value!r}\n" for name, value in told.items()) + PROGRAM
    (folder / "fer_edge" / "__init__.py").touch()
    (folder / "fer_edge" / "__main__.py").write_text(text)
    return folder


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("against")


def compared(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "against.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_both_checkouts_are_run_and_what_the_older_one_cannot_do_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_EDGE_CAMERA", "/dev/video7")
    other, this = program(tmp_path / "old"), program(tmp_path / "new", FPS=200, PRECISIONS=["fp32", "int8"])
    done = compared(str(other), "--this", str(this), "--rounds", "1", "--seconds", "0.4")
    assert done.returncode == 0, done.stderr
    cells = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in done.stdout.splitlines() if "|" in line}
    rows = {title: [cell.strip() for cell in line] for title, line in cells.items()}
    assert rows["FPS total, 1 face, FP32"] == ["100.0", "200.0", "2.00", "2.00 to 2.00"]
    assert rows["FPS total, 8 faces, INT8"] == ["12.5*", "25.0", "2.00", "2.00 to 2.00"]
    assert rows["classify ms, 1 face, 1 thread, INT8"][:3] == ["10.00*", "5.00", "0.50"]
    assert rows["analysed of 30 frames a second"][:3] == ["30.0", "30.0", "1.00"]
    assert "* of FP32, as the other checkout has no INT8" in done.stdout
    assert "8 int8 of other, alone int8 of other, paced int8 of other: --precision: 'int8' will not do\n" in done.stdout
    assert "cannot be had" not in done.stdout
    assert re.search(r"medians of 1 round\(s\) in turn", done.stdout)
    assert max(map(len, done.stdout.splitlines()[:16])) <= 80


def figures(**facts: float) -> Dict[str, float]:
    return {"total": 100.0, "share": 0.9, "cpu_ms": 5.0, "memory_mb": 150.0, "classify_ms": 2.0, **facts}


def test_a_ratio_is_taken_within_a_round_and_the_median_of_them_shown(script: ModuleType) -> None:
    def one(**facts: float) -> Any:
        return script.Figures(**figures(**facts))

    rounds = [
        {("other", "1 fp32"): one(total=of_other), ("this", "1 fp32"): one(total=of_this)}
        for of_other, of_this in ((100.0, 110.0), (50.0, 60.0), (200.0, 100.0))
    ]
    missing = {(which, case.name): "no" for which in ("other", "this") for case in script.cases()[1:]}
    lines: List[List[str]] = script.table(rounds, missing)
    assert lines[1] == ["FPS total, 1 face, FP32", "100.0", "100.0", "1.10", "0.50 to 1.20"]
    assert lines[2] == ["FPS total, 3 faces, FP32", "n/a", "n/a", "n/a", ""]
    assert "12 of 15 rows cannot be had" in script.footnotes(lines, missing)


def test_the_processor_time_of_a_run_is_that_of_its_middle(script: ModuleType) -> None:
    runs = importlib.import_module("checkout_runs")
    # Three seconds of start with all of four cores, then ten with half of one, and an end that takes two again.
    samples = [(0.0, 0.0), (3.0, 12.0)] + [(3.0 + step, 12.0 + step / 2) for step in range(1, 11)] + [(13.1, 17.2)]
    assert runs.cores_busy(samples, 10.0) == pytest.approx(0.5)
    with pytest.raises(runs.CannotBeHad, match="too soon"):
        runs.cores_busy([], 10.0)


def test_how_busy_a_program_is_is_seen_from_outside(tmp_path: Path, script: ModuleType) -> None:
    case = script.cases()[0]
    runs = importlib.import_module("checkout_runs")
    busy = runs.run(program(tmp_path / "busy", BUSY=True), case, 0.6)
    idle = runs.run(program(tmp_path / "idle"), case, 0.6)
    assert busy.share > 3 * idle.share
    assert busy.share <= 1.01
    assert busy.cpu_ms == pytest.approx(1e3 * busy.share * runs.usable_core_time() / 100)
    assert busy.memory_mb > 5


def test_a_program_that_ran_in_another_precision_gives_no_figures(tmp_path: Path, script: ModuleType) -> None:
    runs = importlib.import_module("checkout_runs")
    case = next(case for case in script.cases() if case.precision == "int8")
    with pytest.raises(runs.CannotBeHad, match="it ran in fp32"):
        runs.run(program(tmp_path / "new", PRECISIONS=["int8"], LIES=True), case, 0.1)


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, script: ModuleType) -> None:
    runs = importlib.import_module("checkout_runs")
    folder = program(tmp_path / "new")
    (folder / "fer_edge" / "__main__.py").write_text("import time\ntime.sleep(100)")
    with pytest.raises(runs.CannotBeHad, match="did not end within 0 s"):
        runs.watched(folder, [], 0.3)


def test_what_is_no_checkout_is_refused_in_one_line(tmp_path: Path) -> None:
    for given in (tmp_path, tmp_path / "nowhere", FOLDER):
        done = compared(str(given))
        assert done.returncode == 1
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert "is no checkout of this program" in line
        assert "git worktree add" in line


@pytest.mark.parametrize("given", [["--rounds", "0"], ["--rounds", "x"], ["--seconds", "-1"], ["--seconds", "nan"]])
def test_a_number_that_makes_no_sense_is_refused(given: List[str]) -> None:
    done = compared(str(FOLDER.parent), *given)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"against.py: error: argument {given[0]}")
