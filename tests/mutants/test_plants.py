"""Faults that are planted by hand with ``make mutants`` fit the tree, and the script that plants them tells true."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "plant_faults.py"


def test_no_fault_in_the_tree_is_stale_and_each_names_tests_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    plants = importlib.import_module("plants")

    found, wrong = plants.read_plants(sorted(Path(__file__).parent.glob("*.toml")))

    assert found
    assert wrong + [reason for plant in found for reason in plants.misfits(plant, ROOT)] == []


MODULE = '''
import sys

def add(one, other):
    """Add."""
    return one + other

def count():
    number = 0
    while number < 3:
        number += 1
    return number

if __name__ == "__main__":
    print(add(1, 2))
'''

TESTS = """
import subprocess, sys
from fer_edge import sums

def test_it_counts():
    assert sums.count() == 3

def test_a_child_adds():
    command = [sys.executable, "-I", "-m", "fer_edge.sums"]
    assert subprocess.run(command, cwd="/", env={}, stdout=subprocess.PIPE, check=True).stdout == b"3\\n"

def test_it_can_be_imported():
    assert sums.add

def test_it_is_broken():
    assert False
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "fer_edge/__init__.py": "",
        "fer_edge/__main__.py": "",
        "fer_edge/sums.py": MODULE,
        "tests/test_sums.py": TESTS,
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-q"\n',
        ".gitignore": "ignored\n__pycache__/\n",
        "ignored": "not copied",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tests" / "mutants").mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


ADD = {"was": "one + other", "becomes": "one - other", "promise": "numbers are added"}
COUNT = {"was": "number < 3", "becomes": "number < 4", "promise": "it counts to three"}


def sow(tree: Path, *plants: Dict[str, str]) -> None:
    """Write plants that name the test or the tests in their ``tests``, separated by spaces."""
    with (tree / "tests" / "mutants" / "sums.toml").open("w") as file:
        for plant in plants:
            tests = ", ".join(f'"tests/test_sums.py::{name}"' for name in plant["tests"].split())
            file.write(f'[[plant]]\nfile = "fer_edge/sums.py"\ntests = [{tests}]\n')
            file.writelines(f'{key} = "{value}"\n' for key, value in plant.items() if key != "tests")


def plant_faults(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--root", str(tree), "--jobs", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_faults_that_tests_see_die_also_where_only_a_child_process_runs_them(tree: Path) -> None:
    sow(tree, {**ADD, "tests": "test_a_child_adds"}, {**COUNT, "tests": "test_it_counts"})

    ran = plant_faults(tree, "--jobs", "2")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "killed  fer_edge/sums.py:6  numbers are added  (tests/test_sums.py::test_a_child_adds)" in ran.stdout
    assert "killed 2 of 2 = 100 %" in ran.stdout
    assert (tree / "fer_edge" / "sums.py").read_text() == MODULE


def test_a_fault_that_no_test_sees_is_told_and_is_a_failure_also_with_a_reason_if_it_is_one_of_few(tree: Path) -> None:
    sow(tree, {**ADD, "tests": "test_it_can_be_imported"}, {**COUNT, "tests": "test_it_counts"})
    unexplained = plant_faults(tree)
    sow(tree, {**ADD, "tests": "test_it_can_be_imported", "survives": "nobody adds"})
    explained = plant_faults(tree, "--report", str(tree / "report.md"))

    assert unexplained.returncode == 1
    assert "killed 1 of 2 = 50 %" in unexplained.stdout
    assert "| numbers are added | `fer_edge/sums.py` | no reason is given |" in unexplained.stdout
    assert explained.returncode == 1
    assert (tree / "report.md").read_text() == textwrap.dedent("""\
        | area | planted | died | |
        | --- | ---: | ---: | ---: |
        | sums | 1 | 0 | 0 % |
        | all | 1 | 0 | 0 % |

        | promise that no test holds | file | why |
        | --- | --- | --- |
        | numbers are added | `fer_edge/sums.py` | nobody adds |
        """)


def test_a_fault_that_makes_the_tests_hang_dies_and_it_is_told_so(tree: Path) -> None:
    sow(tree, {**COUNT, "becomes": "number < 3 or True", "tests": "test_it_counts"})

    ran = plant_faults(tree, "--limit", "2")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the tests hung for" in ran.stdout


def test_tests_that_fail_by_themselves_are_no_proof(tree: Path) -> None:
    sow(tree, {**ADD, "tests": "test_it_can_be_imported test_it_is_broken"}, {**COUNT, "tests": "test_it_counts"})

    ran = plant_faults(tree)

    assert ran.returncode == 1
    assert "its tests do not pass by themselves: tests/test_sums.py::test_it_is_broken" in ran.stdout
    assert "killed 1 of 2" in ran.stdout


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"was": "one * other"}, "occurs 0 times: 'one * other'"),
        ({"was": "number"}, "occurs 4 times: 'number'"),
        ({"becomes": "one +"}, "what it becomes is no Python"),
        ({"becomes": "one + other"}, "it changes nothing"),
        ({"tests": "test_gone"}, "there is no test tests/test_sums.py::test_gone"),
        ({"reason": "x"}, "missing or unknown: reason"),
    ],
)
def test_a_plant_that_does_not_fit_the_tree_is_refused_by_name(tree: Path, changed: Dict[str, str], told: str) -> None:
    sow(tree, {**ADD, "tests": "test_a_child_adds", **changed})

    ran = plant_faults(tree)

    assert ran.returncode == 2
    assert told in ran.stderr
    assert ran.stdout == ""


def test_the_faults_can_be_listed_and_chosen(tree: Path) -> None:
    sow(tree, {**ADD, "tests": "test_a_child_adds"}, {**COUNT, "tests": "test_it_counts"})

    assert plant_faults(tree, "--list", "--only", "ADDED").stdout == "sums: fer_edge/sums.py:6  numbers are added\n"
    assert plant_faults(tree, "--only", "nothing of that").returncode == 2
