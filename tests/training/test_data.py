"""Face sets are read as they are, and what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest

from fer_edge.errors import DataSetError
from fer_edge.training.data import NO_MAJORITY, FaceSet, load_faces
from fer_edge.types import LABELS

Rows = Dict[str, Any]


def face_set(votes: object, other: object) -> FaceSet:
    count = len(np.atleast_2d(np.asarray(votes)))
    return FaceSet(
        np.zeros((count, 48, 48), np.uint8),
        np.atleast_2d(np.asarray(votes, np.float32)),
        np.atleast_2d(np.asarray(other, np.float32)),
        np.zeros(count, np.int64),
    )


def test_votes_come_in_the_order_of_the_labels(small_set: FaceSet) -> None:
    assert small_set.images.shape == (56, 48, 48)
    assert (small_set.votes.argmax(axis=1) == np.arange(56) % 7).all()
    assert (small_set.other_votes == [0, 1, 0]).all()


def test_a_picture_that_cannot_be_read_is_named_and_skipped(
    write_faces: Callable[[Rows], Path], face_rows: Callable[[int], Rows], caplog: pytest.LogCaptureFixture
) -> None:
    columns = face_rows(8)
    columns["image"][2] = {"bytes": b"not a picture", "path": "broken.png"}
    columns["image"][5] = {"bytes": columns["image"][5]["bytes"][:200], "path": None}
    columns["image"][6] = {"bytes": None, "path": None}
    faces = load_faces(write_faces(columns))
    assert faces.skipped == ("broken.png", "row 5", "row 6")
    assert "broken.png" in caplog.text
    assert faces.original.tolist() == [0, 1, 3, 4, 0]
    assert faces.votes.argmax(axis=1).tolist() == [0, 1, 3, 4, 0]


def test_missing_columns_are_all_named(write_faces: Callable[[Rows], Path], face_rows: Callable[[int], Rows]) -> None:
    columns = face_rows(4)
    del columns["ferplus_anger"], columns["fer2013"]
    with pytest.raises(DataSetError, match=r"lacks the columns fer2013, ferplus_anger"):
        load_faces(write_faces(columns))


@pytest.mark.parametrize("content", [None, b"", b"PAR1 but no Parquet"])
def test_a_file_that_is_no_face_set_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "set.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataSetError, match=r"set\.parquet"):
        load_faces(path)


def test_a_set_without_one_readable_picture_is_refused(
    write_faces: Callable[[Rows], Path], face_rows: Callable[[int], Rows]
) -> None:
    columns = face_rows(2)
    columns["image"] = [{"bytes": b"", "path": "a"}, {"bytes": b"x", "path": "b"}]
    with pytest.raises(DataSetError, match="no picture"):
        load_faces(write_faces(columns))


@pytest.mark.parametrize(
    ("votes", "other", "label"),
    [
        ([6, 0, 0, 0, 4, 0, 0], [0, 0, 0], "angry"),
        ([5, 0, 0, 0, 5, 0, 0], [0, 0, 0], None),
        ([4, 0, 0, 0, 2, 0, 0], [4, 0, 0], None),
        ([4, 0, 0, 0, 3, 0, 0], [0, 3, 0], "angry"),
        ([0, 0, 0, 0, 0, 0, 0], [0, 0, 10], None),
    ],
)
def test_the_majority_label_is_the_single_maximum_and_beats_the_others(
    votes: list[int], other: list[int], label: str | None
) -> None:
    expected = NO_MAJORITY if label is None else LABELS.index(label)
    assert face_set(votes, other).majority().tolist() == [expected]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rows", "counts"),
    [
        ("train", 27_869, (2309, 152, 620, 7334, 9273, 3328, 3110)),
        ("val", 3_533, (307, 31, 73, 872, 1233, 391, 421)),
    ],
)
def test_fer2013_has_the_published_majority_counts(shared: Path, name: str, rows: int, counts: tuple[int, ...]) -> None:
    faces = load_faces(shared / "data" / "fer2013" / f"{name}.parquet")
    labels = faces.majority()
    assert len(faces) == rows
    assert tuple(np.bincount(labels[labels != NO_MAJORITY], minlength=7)) == counts
    assert not faces.skipped
