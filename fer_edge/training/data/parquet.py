"""Faces in a Parquet file, pictures as Hugging Face stores them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import parquet

from fer_edge.errors import DataSetError
from fer_edge.training.data.face_set import FaceSet
from fer_edge.training.data.labels import find_label, names_of_the_seven, require_every_label
from fer_edge.training.data.pictures import Form, PictureStack, open_picture
from fer_edge.types import LABELS

FERPLUS_COLUMNS = {
    "angry": "ferplus_anger",
    "disgust": "ferplus_disgust",
    "fear": "ferplus_fear",
    "happy": "ferplus_happiness",
    "neutral": "ferplus_neutral",
    "sad": "ferplus_sadness",
    "surprise": "ferplus_surprise",
}
"""The column with the FER+ votes for each of our labels."""

OTHER_COLUMNS = ("ferplus_contempt", "ferplus_unknown", "ferplus_NF")
"""FER+ votes for none of the seven: contempt, cannot tell, not a face."""

LABEL_COLUMNS = ("fer2013", "label")
"""Where a plain label is looked for, in this order."""


def read_parquet(path: Path, form: Form) -> FaceSet:
    """Read a Parquet file of faces.

    Parameters
    ----------
    path
        File with an ``image`` column in the Hugging Face convention (a struct of ``bytes`` and ``path``), and either
        ``fer2013`` and the ten ``ferplus_*`` vote columns, or ``fer2013`` or ``label`` alone. A label is a name, or a
        number: by the names that the file's Hugging Face metadata lists, or else an index into ``LABELS``.
    form
        How the faces are wanted.

    Returns
    -------
    FaceSet
        Rows whose picture cannot be read are left out, logged by name and listed in ``skipped``.

    Raises
    ------
    DataSetError
        If the file is missing, is no Parquet file, lacks a column, holds no readable picture, a label that is none of
        the seven, or plain labels without one of the seven.
    """
    if not path.is_file():
        raise DataSetError(f"There is no data set at {path}.", "Give the path of a Parquet file of faces.")
    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        columns = _needed(path, schema.names)
        table = file.read(columns=columns)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise DataSetError(f"{path} cannot be read as Parquet: {error}.", "Fetch or write the file again.") from error

    stack = PictureStack(path, form)
    kept = []
    for row, cell in enumerate(table.column("image").to_pylist()):
        name = str((isinstance(cell, dict) and cell.get("path")) or f"row {row}")

        def read(cell: Any = cell) -> Any:
            if not isinstance(cell, dict) or not cell.get("bytes"):
                raise ValueError("it has no bytes")
            return open_picture(cell["bytes"])

        if stack.add(name, read):
            kept.append(row)
    images = stack.images()
    labels = _labels(path, columns[1], table.column(columns[1]), schema.metadata)[kept]
    if len(columns) == 2:
        require_every_label(labels.tolist(), str(path))
        rule = f"the label in the column {columns[1]}"
        return FaceSet.with_plain_labels(images, labels.tolist(), rule, tuple(stack.skipped))

    def votes(names: list[str]) -> npt.NDArray[np.float32]:
        return np.stack([table.column(name).to_numpy() for name in names], axis=1)[kept].astype(np.float32)

    return FaceSet(
        images=images,
        votes=votes([FERPLUS_COLUMNS[label] for label in LABELS]),
        other_votes=votes(list(OTHER_COLUMNS)),
        original=labels,
        skipped=tuple(stack.skipped),
    )


def _needed(path: Path, present: list[str]) -> list[str]:
    """Return the columns to read: the picture, the label, and the votes where there are any."""
    ferplus = [*FERPLUS_COLUMNS.values(), *OTHER_COLUMNS]
    if any(name in present for name in ferplus):
        needed = ["image", "fer2013", *ferplus]
    else:
        needed = ["image", next((name for name in LABEL_COLUMNS if name in present), "label")]
    missing = [name for name in needed if name not in present]
    if missing:
        raise DataSetError(
            f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(present) or 'none'}.",
            f"A face set has image, and fer2013 or label, or fer2013 with the votes {', '.join(ferplus)}.",
        )
    return needed


def _labels(path: Path, column: str, values: Any, metadata: dict[bytes, bytes] | None) -> npt.NDArray[np.int64]:
    numbered = dict(enumerate(_class_names(column, metadata) or LABELS))
    given = values.to_pylist()
    meaning: dict[object, int] = {}
    for value in set(given):
        label = find_label(value if isinstance(value, str) else numbered.get(value, ""))
        if label is None:
            shown = f"{value!r} ({numbered[value]})" if value in numbered else repr(value)
            raise DataSetError(
                f"{path}: the column {column} holds {shown}, which is none of the seven expressions.",
                f"Leave such rows out; the names are {names_of_the_seven()}, the numbers 0 to {len(numbered) - 1}.",
            )
        meaning[value] = label
    return np.array([meaning[value] for value in given], np.int64)


def _class_names(column: str, metadata: dict[bytes, bytes] | None) -> list[str] | None:
    """Return the names of a ClassLabel column, from the JSON that Hugging Face's datasets puts into the schema."""
    try:
        described: Any = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        names = described["info"]["features"][column]["names"]
    except (ValueError, KeyError, TypeError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None
