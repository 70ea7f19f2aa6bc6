"""FER2013 as its authors gave it out, a CSV file, with the votes of FER+ beside it."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from fer_edge.errors import DataSetError
from fer_edge.training.data.face_set import FaceSet
from fer_edge.training.data.labels import FER2013_ORDER, require_every_label
from fer_edge.training.data.layout import FER2013_NAME, USAGES
from fer_edge.training.data.pictures import Form, PictureStack
from fer_edge.types import LABELS

COLUMNS = ("emotion", "pixels", "Usage")
VOTES_NAME = "fer2013new.csv"
SIDE = 48

VOTE_COLUMNS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
OTHER_VOTE_COLUMNS = ("contempt", "unknown", "NF")

_log = logging.getLogger(__name__)


def read_fer2013(path: Path, form: Form, part: str | None = None, votes: Path | None = None) -> FaceSet:
    """Read fer2013.csv.

    Parameters
    ----------
    path
        The file: columns emotion (0 to 6 in FER2013's order), pixels (48 x 48 numbers) and Usage.
    form
        How the faces are wanted.
    part
        ``training``, ``validation`` (PublicTest) or ``test`` (PrivateTest); None for all three.
    votes
        fer2013new.csv of FER+, whose rows follow those of ``path``; None looks for it beside ``path``.

    Returns
    -------
    FaceSet
        Rows with damaged pixels or an impossible emotion are left out, logged and listed in ``skipped``.

    Raises
    ------
    DataSetError
        If a file is missing or has another layout, if the part has no row, if the two do not fit each other, or
        if, without votes, one of the seven labels does not occur.
    """
    beside = path.with_name(VOTES_NAME)
    if votes is None and beside.is_file():
        _log.info("%s: taking the FER+ votes from %s", path, beside)
        votes = beside
    tables = _rows(path, COLUMNS)
    vote_columns = [*(VOTE_COLUMNS[label] for label in LABELS), *OTHER_VOTE_COLUMNS]
    counted = list(_rows(votes, ("Usage", *vote_columns))) if votes else None

    stack = PictureStack(path, form)
    labels: list[int] = []
    tallies: list[list[float]] = []
    row = -1
    for row, (line, cells) in enumerate(tables):
        if counted is not None and (row >= len(counted) or counted[row][1]["Usage"] != cells["Usage"]):
            raise _not_of(votes, path, f"row {row} differs in Usage or is missing")
        if part and cells["Usage"] != USAGES[part]:
            continue
        name = f"line {line}"
        emotion = _emotion(cells["emotion"])
        if emotion is None:
            stack.skipped.append(name)
            _log.warning("%s: %s skipped: its emotion is %r", path, name, cells["emotion"])
        elif stack.add(name, lambda text=cells["pixels"]: _picture(text)):  # type: ignore[misc]
            labels.append(emotion)
            if votes is not None and counted is not None:
                tallies.append(_tally(votes, counted[row], vote_columns))
    if counted is not None and row + 1 != len(counted):
        raise _not_of(votes, path, f"it has {len(counted)} rows and not {row + 1}")

    if part and not labels and not stack.skipped:
        raise DataSetError(
            f"{path} has no row with the Usage {USAGES[part]}, which is its {part} part.",
            "Name another part, or fetch the whole file.",
        )
    images = stack.images()
    if counted is None:
        require_every_label(labels, str(path))
        rule = "the emotion in fer2013.csv"
        return FaceSet.with_plain_labels(images, labels, rule, tuple(stack.skipped))
    table = np.array(tallies, np.float32)
    return FaceSet(images, table[:, :7], table[:, 7:], np.array(labels, np.int64), tuple(stack.skipped))


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Return each row with the number of its line; names and cells stripped."""
    if not path.is_file():
        raise DataSetError(
            f"There is no file {path}.", f"Give the path of {FER2013_NAME}, or of {VOTES_NAME} for its votes."
        )
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            missing = [name for name in needed if name not in header]
            if missing:
                raise DataSetError(
                    f"{path} lacks the columns {', '.join(missing)}; its first line is {','.join(header)[:80]!r}.",
                    f"It must have the columns {', '.join(needed)}.",
                )
            for cells in lines:
                if cells:
                    # A line that is too short reads as empty cells, which no column takes as a value.
                    padded = cells + [""] * (len(header) - len(cells))
                    yield lines.line_num, dict(zip(header, (cell.strip() for cell in padded)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path} cannot be read as CSV: {error}.", "Fetch the file again.") from error


def _emotion(text: str) -> int | None:
    return LABELS.index(FER2013_ORDER[int(text)]) if text in tuple("0123456") else None


def _picture(text: str) -> Image.Image:
    pixels = bytes(map(int, text.split()))
    if len(pixels) != SIDE * SIDE:
        raise ValueError(f"it has {len(pixels)} pixels and not {SIDE * SIDE}")
    return Image.frombytes("L", (SIDE, SIDE), pixels)


def _tally(votes: Path, row: tuple[int, dict[str, str]], columns: list[str]) -> list[float]:
    line, cells = row
    try:
        return [float(int(cells[name])) for name in columns]
    except ValueError as error:
        raise DataSetError(f"{votes}, line {line}: the votes are no whole numbers.", "Fetch the file again.") from error


def _not_of(votes: Path | None, path: Path, why: str) -> DataSetError:
    return DataSetError(
        f"The votes in {votes} are not those of {path}: {why}.",
        "FER+ has one row for each row of the original fer2013.csv, in the same order; give that file.",
    )
