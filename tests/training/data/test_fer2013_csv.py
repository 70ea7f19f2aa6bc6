"""The official fer2013.csv is read with its own numbering, its parts, and the votes of FER+."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Callable, List

import numpy as np
import pytest

from fer_edge.errors import DataSetError
from fer_edge.training.data import DataSource, load_faces
from fer_edge.types import LABELS

NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
FERPLUS_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
Fer2013 = Callable[..., Path]


def write_votes(path: Path, rows: int = 21) -> Path:
    """Write eight votes for sadness, one for unknown and one for not-a-face, for each row."""
    usages = [usage for usage in ("Training", "PublicTest", "PrivateTest") for _ in range(7)][:rows]
    with path.open("w", newline="") as file:
        lines = [[usage, f"fer{index}.png", 0, 0, 0, 8, 0, 0, 0, 0, 1, 1] for index, usage in enumerate(usages)]
        csv.writer(file).writerows([FERPLUS_HEADER.split(","), *lines])
    return path


def test_its_numbers_become_our_labels_and_its_pixels_pictures(fer2013_file: Fer2013) -> None:
    faces = load_faces(DataSource(fer2013_file(), part="training"))
    assert [LABELS[label] for label in faces.majority()] == NAMES
    assert faces.images.shape == (7, 48, 48, 1)
    assert faces.images[:, 20, 20, 0].tolist() == [0, 10, 20, 30, 40, 50, 60]
    assert faces.rule == "the emotion in fer2013.csv"


def test_all_parts_are_read_when_none_is_named(fer2013_file: Fer2013) -> None:
    path = fer2013_file(header="emotion, pixels, Usage")
    assert len(load_faces(path)) == len(load_faces(path.parent)) == 21
    assert len(load_faces(DataSource(path, part="test"))) == 7


def test_a_part_without_a_row_is_named(fer2013_file: Fer2013) -> None:
    def spoil(rows: List[List[str]]) -> None:
        del rows[7:14]

    with pytest.raises(DataSetError, match="no row with the Usage PublicTest, which is its validation part"):
        load_faces(DataSource(fer2013_file(spoil=spoil), part="validation"))


def test_votes_beside_it_are_taken(fer2013_file: Fer2013) -> None:
    path = fer2013_file()
    write_votes(path.with_name("fer2013new.csv"))
    faces = load_faces(DataSource(path, part="validation"))
    assert (faces.votes[:, LABELS.index("sad")] == 8).all()
    assert (faces.votes.sum(axis=1) == 8).all()
    assert (faces.other_votes == [0, 1, 1]).all()
    assert [LABELS[label] for label in faces.original] == NAMES
    assert "FER+" in faces.rule


def test_damaged_rows_are_named_and_skipped(fer2013_file: Fer2013, caplog: pytest.LogCaptureFixture) -> None:
    def spoil(rows: List[List[str]]) -> None:
        rows[7][1] = "1 2 3"
        rows[8][1] = rows[8][1].replace("10", "x", 1)
        rows[9][1] = rows[9][1].replace("20", "256", 1)
        rows[10][0] = "8"
        rows[11] = ["4"]

    path = fer2013_file(spoil=spoil)
    votes = write_votes(path.with_name("votes.csv"))
    faces = load_faces(path)
    assert faces.skipped == ("line 9", "line 10", "line 11", "line 12", "line 13")
    assert len(faces) == 16
    assert "3 pixels" in caplog.text
    with pytest.raises(DataSetError, match="row 11 differs"):
        load_faces(DataSource(path, votes=votes))


def test_votes_stay_with_their_picture_when_another_row_is_skipped(fer2013_file: Fer2013) -> None:
    def spoil(rows: List[List[str]]) -> None:
        rows[2][1] = ""

    path = fer2013_file(spoil=spoil)
    votes = write_votes(path.with_name("votes.csv"))
    votes.write_text(votes.read_text().replace("fer3.png,0,0,0,8", "fer3.png,0,8,0,0"))
    faces = load_faces(DataSource(path, part="training", votes=votes))
    assert faces.original.tolist()[2] == LABELS.index("happy")
    assert np.flatnonzero(faces.votes[:, LABELS.index("happy")]).tolist() == [2]


def test_another_layout_is_refused_with_what_was_found(fer2013_file: Fer2013, tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="lacks the columns emotion; its first line is 'label,pixels,Usage'"):
        load_faces(fer2013_file(header="label,pixels,Usage"))
    path = fer2013_file()
    for content, said in (("Usage,neutral\n", "lacks the columns anger"), (None, "no file")):
        votes = tmp_path / f"votes-{content is None}.csv"
        if content:
            votes.write_text(content)
        with pytest.raises(DataSetError, match=said):
            load_faces(DataSource(path, votes=votes))


def test_votes_of_another_file_are_refused(fer2013_file: Fer2013) -> None:
    path = fer2013_file()
    for rows in (20, 6):
        votes = write_votes(path.with_name("short.csv"), rows)
        with pytest.raises(DataSetError, match="are not those of"):
            load_faces(DataSource(path, votes=votes))


def test_a_missing_class_is_named(fer2013_file: Fer2013) -> None:
    def spoil(rows: List[List[str]]) -> None:
        for row in rows:
            row[0] = "0" if row[0] == "1" else row[0]

    with pytest.raises(DataSetError, match="no readable face for disgust"):
        load_faces(fer2013_file(spoil=spoil))
