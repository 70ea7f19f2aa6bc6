"""FER2013 with FER+ votes: from a Parquet file to arrays."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow
from PIL import Image, UnidentifiedImageError
from pyarrow import parquet

from fer_edge.errors import DataSetError
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

IMAGE_SIDE = 48
NO_MAJORITY = -1

MAJORITY_RULE = (
    "FER+ majority label: the single maximum of the votes for the seven expressions, and more votes than each of "
    "contempt, unknown and not-a-face"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceSet:
    """Faces and what people said of them.

    Attributes
    ----------
    images
        N x 48 x 48, uint8, grey.
    votes
        N x 7, float32: how many annotators chose each label, in the order of ``LABELS``.
    other_votes
        N x 3, float32: votes for contempt, unknown, not a face.
    original
        N, int64: the FER2013 label, an index into ``LABELS``.
    skipped
        Names of the rows whose picture could not be read.
    """

    images: npt.NDArray[np.uint8]
    votes: npt.NDArray[np.float32]
    other_votes: npt.NDArray[np.float32]
    original: npt.NDArray[np.int64]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Give the number of faces."""
        return len(self.images)

    def majority(self) -> npt.NDArray[np.int64]:
        """FER+ majority label of each face, ``NO_MAJORITY`` (-1) where it has none.

        The label with the most votes among the seven; it counts only where it is the single maximum and
        has more votes than each of contempt, unknown and not-a-face.
        """
        most = self.votes.max(axis=1)
        single = (self.votes == most[:, None]).sum(axis=1) == 1
        clear = single & (most > self.other_votes.max(axis=1))
        return np.where(clear, self.votes.argmax(axis=1), NO_MAJORITY).astype(np.int64)

    def labelled(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Give the rows that have a FER+ majority label, and these labels.

        Raises
        ------
        DataSetError
            If no face has one.
        """
        labels = self.majority()
        rows = np.flatnonzero(labels != NO_MAJORITY)
        if not len(rows):
            raise DataSetError("No face of the set has a FER+ majority label.", "Give a set with FER+ votes.")
        return rows, labels[rows]


def _decode(encoded: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(encoded)) as picture:
        grey = picture.convert("L")
        if grey.size != (IMAGE_SIDE, IMAGE_SIDE):
            grey = grey.resize((IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BILINEAR)
        return np.asarray(grey, dtype=np.uint8)


def load_faces(path: Path) -> FaceSet:
    """Read a Parquet file of faces.

    Parameters
    ----------
    path
        File with an ``image`` column in the Hugging Face convention (a struct of ``bytes`` and ``path``),
        ``fer2013`` (index of the original label) and the ten ``ferplus_*`` vote columns.

    Returns
    -------
    FaceSet
        Rows whose picture cannot be read are left out, logged by name and listed in ``skipped``.

    Raises
    ------
    DataSetError
        If the file is missing, is no Parquet file, lacks a column, or holds no readable picture.
    """
    if not path.is_file():
        raise DataSetError(f"There is no data set at {path}.", "Give the path of a Parquet file of faces.")
    needed = ["image", "fer2013", *FERPLUS_COLUMNS.values(), *OTHER_COLUMNS]
    try:
        file = parquet.ParquetFile(path)
        missing = [name for name in needed if name not in file.schema_arrow.names]
        if missing:
            raise DataSetError(
                f"{path} lacks the columns {', '.join(missing)}.", f"A face set has {', '.join(needed)}."
            )
        table = file.read(columns=needed)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise DataSetError(f"{path} cannot be read as Parquet: {error}.", "Fetch or write the file again.") from error

    images: list[npt.NDArray[np.uint8]] = []
    kept: list[int] = []
    skipped: list[str] = []
    for row, cell in enumerate(table.column("image").to_pylist()):
        try:
            if not cell or not cell.get("bytes"):
                raise ValueError("no bytes")
            images.append(_decode(cell["bytes"]))
            kept.append(row)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            name = (cell or {}).get("path") or f"row {row}"
            skipped.append(str(name))
            _log.warning("%s: picture %s (row %d) skipped: %s", path, name, row, error)
    if not kept:
        raise DataSetError(f"{path} holds no picture that can be read.", "Check the bytes in its image column.")

    def columns(names: list[str]) -> npt.NDArray[np.float32]:
        stacked = np.stack([table.column(name).to_numpy() for name in names], axis=1)
        return stacked[kept].astype(np.float32)

    return FaceSet(
        images=np.stack(images),
        votes=columns([FERPLUS_COLUMNS[label] for label in LABELS]),
        other_votes=columns(list(OTHER_COLUMNS)),
        original=table.column("fer2013").to_numpy()[kept].astype(np.int64),
        skipped=tuple(skipped),
    )
