"""A small face set, written as the real one is: seven patterns that a network can tell apart."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest

pytest.importorskip("torch")
pyarrow = pytest.importorskip("pyarrow")

from PIL import Image  # noqa: E402
from pyarrow import parquet  # noqa: E402

from fer_edge.training.data import FaceSet, load_faces  # noqa: E402
from fer_edge.training.data.parquet import FERPLUS_COLUMNS, OTHER_COLUMNS  # noqa: E402
from fer_edge.types import LABELS  # noqa: E402

Rows = Dict[str, Any]


def pattern(label: int, seed: int) -> bytes:
    """Give a PNG: stripes whose direction and width tell the label, and some noise."""
    random = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(48), np.arange(48))
    angle = np.pi * label / len(LABELS)
    wave = np.sin((np.cos(angle) * across + np.sin(angle) * down) * 0.5 + random.uniform(0, 0.5))
    picture = np.clip(128 + 90 * wave + random.normal(0, 10, (48, 48)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def rows_of(count: int) -> Rows:
    """Give the columns of a face set whose labels go round, with nine votes of ten for each."""
    labels = [index % len(LABELS) for index in range(count)]
    columns: Rows = {
        "image": [{"bytes": pattern(label, index), "path": f"face{index}.png"} for index, label in enumerate(labels)],
        "fer2013": labels,
    }
    for index, label in enumerate(LABELS):
        columns[FERPLUS_COLUMNS[label]] = [9 if given == index else 0 for given in labels]
    for name in OTHER_COLUMNS:
        columns[name] = [1 if name.endswith("unknown") else 0] * count
    return columns


@pytest.fixture
def face_rows() -> Callable[[int], Rows]:
    """Give what makes the columns of a face set with so many rows."""
    return rows_of


@pytest.fixture
def write_faces(tmp_path: Path) -> Callable[[Rows], Path]:
    """Give what writes columns as a Parquet file."""

    def write(columns: Rows) -> Path:
        path = tmp_path / "faces.parquet"
        parquet.write_table(pyarrow.table(columns), path)
        return path

    return write


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Parquet file of 56 faces."""
    path: Path = tmp_path_factory.mktemp("faces") / "small.parquet"
    parquet.write_table(pyarrow.table(rows_of(56)), path)
    return path


@pytest.fixture(scope="session")
def small_set(small_file: Path) -> FaceSet:
    """Give those 56 faces as they are read."""
    return load_faces(small_file)
