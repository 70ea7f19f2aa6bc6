"""The faults that plant_faults.py plants, and whether they fit the tree."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = {"file", "was", "becomes", "tests", "promise", "survives"}
OPTIONS = ("-k", "-m")
"""What may stand in ``tests`` beside paths; each takes a value."""


@dataclass(frozen=True)
class Plant:
    """One fault, the tests that should see it, and the promise it breaks."""

    area: str
    file: str
    was: str
    becomes: str
    tests: Tuple[str, ...]
    promise: str
    survives: str = ""


def read_plants(files: Sequence[Path]) -> Tuple[List[Plant], List[str]]:
    """Return the plants of the files, and what is wrong with the rest."""
    plants, wrong = [], []
    for path in files:
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("plant", [])
        except (OSError, ValueError) as error:
            wrong.append(f"{path}: {error}")
            continue
        for number, entry in enumerate(entries, 1):
            odd = sorted((set(entry) | {"survives"}) ^ KEYS)
            if odd:
                wrong.append(f"{path.name}, plant {number}: missing or unknown: {', '.join(odd)}")
            elif not isinstance(entry["tests"], list):
                wrong.append(f"{path.name}, plant {number}: tests is no list")
            else:
                plants.append(Plant(area=path.stem, **{**entry, "tests": tuple(entry["tests"])}))
    return plants, wrong


def misfits(plant: Plant, root: Path) -> List[str]:
    """Return why a plant does not fit the tree: its place is gone, it is no Python, its tests do not exist."""
    label = f"{plant.area}: {plant.file}: {plant.promise}"
    path = root / plant.file
    if not path.is_file():
        return [f"{label}: there is no such file"]
    text = path.read_text(encoding="utf-8")
    wrong = []
    if text.count(plant.was) != 1:
        wrong.append(f"{label}: occurs {text.count(plant.was)} times: {plant.was.strip()!r}")
    elif path.suffix == ".py":
        try:
            ast.parse(text.replace(plant.was, plant.becomes))
        except SyntaxError as error:
            wrong.append(f"{label}: what it becomes is no Python: {error}")
    if plant.was.strip() == plant.becomes.strip():
        wrong.append(f"{label}: it changes nothing")
    if not plant.tests:
        wrong.append(f"{label}: no tests are named")
    arguments = iter(plant.tests)
    for argument in arguments:
        if argument in OPTIONS:
            next(arguments, None)
            continue
        name, *parts = argument.split("::")
        tests = root / name
        if not tests.exists():
            wrong.append(f"{label}: there is no {name}")
        elif parts and not re.search(rf"def {re.escape(parts[-1].split('[')[0])}\b", tests.read_text(encoding="utf-8")):
            wrong.append(f"{label}: there is no test {argument}")
    return wrong


def line_of(plant: Plant, root: Path) -> int:
    """Return the line on which a plant begins."""
    text = (root / plant.file).read_text(encoding="utf-8")
    return text[: text.index(plant.was)].count("\n") + 1
