"""Small data sets in the layouts of others."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Callable, List, Optional

import pytest
from PIL import Image

from fer_edge.capture.synthetic import PORTRAIT

USAGES = ("Training", "PublicTest", "PrivateTest")
KDEF_EXPRESSIONS = ("AF", "AN", "DI", "HA", "NE", "SA", "SU")


@pytest.fixture
def fer2013_file(tmp_path: Path) -> Callable[..., Path]:
    """Give what writes a fer2013.csv: for each usage the emotions 0 to 6, each picture filled with ten times its emotion."""

    def write(header: str = "emotion,pixels,Usage", spoil: Optional[Callable[[List[List[str]]], None]] = None) -> Path:
        rows = [
            [str(emotion), " ".join([str(10 * emotion)] * 48 * 48), usage] for usage in USAGES for emotion in range(7)
        ]
        if spoil:
            spoil(rows)
        path = tmp_path / "fer2013.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header.split(","), *rows])
        return path

    return write


@pytest.fixture(scope="session")
def portrait() -> Image.Image:
    """Give the demo's portrait in the form of KDEF's photographs."""
    with Image.open(PORTRAIT) as picture:
        return picture.convert("RGB").crop((110, 10, 350, 335)).resize((562, 762))


@pytest.fixture
def kdef_folder(tmp_path: Path, portrait: Image.Image) -> Path:
    """Give a folder as KDEF is: two people, one of each sex, seven expressions, from the front."""
    root = tmp_path / "KDEF"
    for person in ("AF01", "AM07"):
        (root / person).mkdir(parents=True)
        for expression in KDEF_EXPRESSIONS:
            portrait.save(root / person / f"{person}{expression}S.JPG")
    return root


@pytest.fixture
def class_folder(tmp_path: Path) -> Callable[..., Path]:
    """Give what fills a folder with one small picture for each of ``names``, filled with its number."""

    def write(names: List[str], under: str = "set", suffix: str = "png") -> Path:
        root = tmp_path / under
        for number, name in enumerate(names):
            (root / name).mkdir(parents=True)
            Image.new("RGB", (20, 20), (10 * number, 0, 0)).save(root / name / f"one.{suffix}")
        return root

    return write
