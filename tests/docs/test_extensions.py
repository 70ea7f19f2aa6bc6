"""What CONTRIBUTING says of each kind of extension, done for real in a copy of the program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

ROOT = Path(__file__).parents[2]

SECTIONS: Dict[str, List[Tuple[str, str]]] = {
    section.partition("\n")[0]: re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    for section in re.split(r"^## ", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if section.startswith("To add a ")
}

NEEDED = {"To add a stage": ["To add a setting", "To add a stage"]}
"""Whose blocks an example takes, where it is more than its own."""


def put_in(block: str, tree: Path) -> None:
    """Write a block as the file that its first line names, or beside the line of a file that it names."""
    first, _, rest = block.partition("\n")
    found = re.fullmatch(r"# ([\w/]+\.py)(?:, (above|below): (.+))?", first)
    assert found is not None, first
    file = tree / found[1]
    if found[2] is None:
        assert not file.exists(), "a new file"
        file.write_text(rest, encoding="utf-8")
        return
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    (at,) = (number for number, line in enumerate(lines) if line.strip().startswith(found[3]))
    lines.insert(at + (found[2] == "below"), rest)
    file.write_text("".join(lines), encoding="utf-8")


def test_there_is_an_example_for_each_kind_of_extension() -> None:
    kinds = {"source", "sink", "detector", "backend", "setting", "stage"}
    assert set(SECTIONS) == {f"To add a {kind}" for kind in kinds}


@pytest.mark.parametrize("section", sorted(set(SECTIONS) - {"To add a setting"}))
def test_an_extension_is_what_contributing_says_and_no_more(section: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "fer_edge", tmp_path / "fer_edge", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "models").symlink_to(ROOT / "models")
    for name in NEEDED.get(section, [section]):
        for kind, block in SECTIONS[name]:
            if kind == "python":
                put_in(block, tmp_path)
    wanted = [text for kind, text in SECTIONS[section] if kind == "text"]
    commands = "".join(text for kind, text in SECTIONS[section] if kind == "sh").splitlines()
    assert wanted
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
    said = ""
    for command in commands:
        words = shlex.split(command)
        if words[0] == "fer-edge":
            words[0:1] = [sys.executable, "-W", "error", "-m", "fer_edge"]
        ran = subprocess.run(
            words,
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        said += ran.stdout
        assert ran.returncode == 0, said
    for line in "".join(wanted).splitlines():
        assert line in said, said


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_the_code_of_an_extension_is_in_our_style(section: str, tmp_path: Path) -> None:
    if shutil.which("ruff", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("ruff is not installed here")
    for kind, block in SECTIONS[section]:
        found = re.match(r"# ([\w/]+\.py)\n", block)
        if kind == "python" and found is not None:
            file = tmp_path / found[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block[found.end() :], encoding="utf-8")
    ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    ran = subprocess.run([*ruff, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout
