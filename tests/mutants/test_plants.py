"""Faults that are planted by hand with ``make mutants`` fit the tree, and the script that plants them tells true."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Dict, List

import pytest
from waiting import wait_until

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
import os, subprocess, sys
from fer_edge import sums

def test_it_counts():
    assert sums.count() == 3

def test_a_child_adds():
    command = [sys.executable, "-I", "-m", "fer_edge.sums"]
    assert subprocess.run(command, cwd="/", env={}, stdout=subprocess.PIPE, check=True).stdout == b"3\\n"

def test_it_can_be_imported():
    assert sums.add

def test_the_users_files_are_out_of_reach():
    assert os.path.expanduser("~") == os.path.join(os.path.dirname(os.getcwd()), "home")

def test_broken():
    assert False
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name, text in {
        "fer_edge/__init__.py": "",
        "fer_edge/__main__.py": "",
        "fer_edge/sums.py": MODULE,
        "tests/test_sums.py": TESTS,
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-q"\n',
        ".gitignore": "ignored\n__pycache__/\n",
        "ignored": "not copied",
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


ADD = {"was": "one + other", "becomes": "one - other", "promise": "numbers are added"}
COUNT = {"was": "number < 3", "becomes": "number < 4", "promise": "it counts to three"}


def sow(tree: Path, *plants: Dict[str, str]) -> Path:
    """Write plants that name the test or the tests in their ``tests``, separated by spaces."""
    path = tree / "sums.toml"
    with path.open("w") as file:
        for plant in plants:
            tests = ", ".join(f'"tests/test_sums.py::{name}"' for name in plant["tests"].split())
            file.write(f'[[plant]]\nfile = "fer_edge/sums.py"\ntests = [{tests}]\n')
            file.writelines(f'{key} = "{value}"\n' for key, value in plant.items() if key != "tests")
    return path


def plant_faults(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--root", str(tree), "--jobs", "2", "--limit", "5"]
    return subprocess.run(
        [*command, str(tree / "sums.toml"), *arguments], capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture(scope="module")
def ran(tree: Path) -> subprocess.CompletedProcess[str]:
    """One run with a fault of every kind."""
    sow(
        tree,
        {**ADD, "tests": "test_the_users_files_are_out_of_reach test_a_child_adds"},
        {**COUNT, "tests": "test_it_counts"},
        {**COUNT, "becomes": "number < 3 or True", "tests": "test_it_counts", "promise": "it comes to an end"},
        {**ADD, "tests": "test_it_can_be_imported", "promise": "nobody looks at it"},
        {**ADD, "tests": "test_it_can_be_imported", "promise": "nobody need look at it", "survives": "nobody adds"},
        {**ADD, "tests": "test_broken", "promise": "its tests are broken"},
    )
    return plant_faults(tree, "--report", str(tree / "report.md"))


def test_faults_that_tests_see_die_also_where_only_a_child_process_runs_them(
    ran: subprocess.CompletedProcess[str], tree: Path
) -> None:
    assert "killed  fer_edge/sums.py:6  numbers are added  (tests/test_sums.py::test_a_child_adds)" in ran.stdout
    assert "killed  fer_edge/sums.py:10  it counts to three  (tests/test_sums.py::test_it_counts)" in ran.stdout
    assert (tree / "fer_edge" / "sums.py").read_text() == MODULE


def test_a_fault_that_makes_the_tests_hang_dies_and_it_is_told_so(ran: subprocess.CompletedProcess[str]) -> None:
    assert "killed  fer_edge/sums.py:10  it comes to an end  (the tests hung for" in ran.stdout


def test_faults_that_no_test_sees_are_told_with_their_reason_and_too_many_are_a_failure(
    ran: subprocess.CompletedProcess[str], tree: Path
) -> None:
    assert ran.returncode == 1
    assert "lives   fer_edge/sums.py:6  nobody looks at it\n" in ran.stdout
    assert "killed 3 of 6 = 50 %" in ran.stdout
    assert (tree / "report.md").read_text() == textwrap.dedent("""\
        | area | planted | died | |
        | --- | ---: | ---: | ---: |
        | sums | 6 | 3 | 50 % |
        | all | 6 | 3 | 50 % |

        | promise that no test holds | file | why |
        | --- | --- | --- |
        | its tests are broken | `fer_edge/sums.py` | its tests do not pass by themselves: tests/test_sums.py::test_broken |
        | nobody looks at it | `fer_edge/sums.py` | no reason is given |
        | nobody need look at it | `fer_edge/sums.py` | nobody adds |
        """)


def test_tests_that_fail_by_themselves_are_no_proof(ran: subprocess.CompletedProcess[str]) -> None:
    assert "untried fer_edge/sums.py:6  its tests are broken" in ran.stdout


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv (apt-get install util-linux)")
def test_a_test_that_hangs_does_not_outlive_a_script_that_is_killed(tree: Path, tmp_path: Path) -> None:
    sow(tree, {**COUNT, "becomes": "number < 3 or True", "tests": "test_it_counts"})
    command = [sys.executable, str(SCRIPT), "--root", str(tree), str(tree / "sums.toml")]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL) as script:
        try:
            wait_until(
                lambda: any("or True" in copy.read_text() for copy in tmp_path.glob("*/0/tree/fer_edge/sums.py"))
            )
            wait_until(lambda: running_below(tmp_path))
        finally:
            script.kill()
    wait_until(lambda: not running_below(tmp_path))


def running_below(folder: Path) -> List[str]:
    """Return the processes whose tests write below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"--basetemp\0{folder}/".encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


def test_all_is_well_when_each_fault_dies(tree: Path) -> None:
    sow(tree, {**COUNT, "tests": "test_it_counts"})
    assert plant_faults(tree).returncode == 0


def test_plants_that_do_not_fit_the_tree_are_refused_by_name_before_anything_runs(tree: Path) -> None:
    changes = {
        "occurs 0 times: 'one * other'": {"was": "one * other"},
        "occurs 4 times: 'number'": {"was": "number"},
        "what it becomes is no Python": {"becomes": "one +"},
        "it changes nothing": {"becomes": "one + other"},
        "there is no test tests/test_sums.py::test_gone": {"tests": "test_gone"},
        "plant 6: missing or unknown: reason": {"reason": "x"},
    }
    sow(tree, *({**ADD, "tests": "test_a_child_adds", **change} for change in changes.values()))

    refused = plant_faults(tree)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert [told for told in changes if told not in refused.stderr] == []
    assert "6 do not fit" in refused.stderr


def test_the_faults_can_be_listed_and_chosen(tree: Path) -> None:
    sow(tree, {**ADD, "tests": "test_a_child_adds"}, {**COUNT, "tests": "test_it_counts"})

    assert plant_faults(tree, "--list", "--only", "ADDED").stdout == "sums: fer_edge/sums.py:6  numbers are added\n"
    assert plant_faults(tree, "--only", "nothing of that").returncode == 2
