"""Parquet files are read as they are, and what is wrong with them is said."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from fer_edge.errors import DataSetError
from fer_edge.training.data import NO_MAJORITY, DataSource, FaceSet, load_faces
from fer_edge.types import LABELS

Rows = Dict[str, Any]


def test_votes_come_in_the_order_of_the_labels(small_set: FaceSet) -> None:
    assert small_set.images.shape == (56, 48, 48, 1)
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


def plain(rows: Rows, column: str, values: list[Any]) -> Rows:
    return {"image": rows["image"], column: values}


def test_a_label_by_name_or_by_number_is_enough(
    write_faces: Callable[[Rows], Path], face_rows: Callable[[int], Rows]
) -> None:
    names = ["Anger", "disgusted", "fearful", "Happiness", "NEUTRAL", "sadness", "surprised"]
    for column, values in (("label", names), ("label", list(range(7))), ("fer2013", list(range(7)))):
        faces = load_faces(write_faces(plain(face_rows(7), column, values)))
        assert faces.majority().tolist() == list(range(7))
        assert faces.votes.sum() == 70
        assert column in faces.rule


def test_numbers_mean_what_the_metadata_of_hugging_face_says(tmp_path: Path, face_rows: Callable[[int], Rows]) -> None:
    names = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    described = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    table = pyarrow.table(plain(face_rows(7), "label", list(range(7))))
    table = table.replace_schema_metadata({b"huggingface": json.dumps(described).encode()})
    parquet.write_table(table, tmp_path / "named.parquet")
    assert [LABELS[label] for label in load_faces(tmp_path / "named.parquet").original] == names


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0, 1, 2, 3, 4, 5, 7], "holds 7"),
        (["angry", "disgust", "fear", "happy", "neutral", "sad", "contempt"], "contempt"),
        ([0, 1, 2, 3, 4, 5, 5], "no readable face for surprise"),
        ([0, 1, 2, 3, 4, 5, None], "holds None"),
    ],
)
def test_labels_beyond_the_seven_and_missing_ones_are_refused(
    write_faces: Callable[[Rows], Path], face_rows: Callable[[int], Rows], values: list[Any], said: str
) -> None:
    with pytest.raises(DataSetError, match=said):
        load_faces(write_faces(plain(face_rows(7), "label", values)))


def test_colour_is_kept_on_request_and_large_pictures_are_made_small(
    write_faces: Callable[[Rows], Path], face_rows: Callable[[int], Rows]
) -> None:
    rows = face_rows(7)
    for cell in rows["image"]:
        file = io.BytesIO()
        Image.new("RGB", (200, 100), (250, 100, 0)).save(file, "PNG")
        cell["bytes"] = file.getvalue()
    path = write_faces(rows)
    assert load_faces(DataSource(path, colour="rgb")).images[0, 5, 5].tolist() == [250, 100, 0]
    assert load_faces(path).images.shape == (7, 64, 64, 1)
    assert load_faces(DataSource(path, side=32)).images.shape == (7, 32, 32, 1)
