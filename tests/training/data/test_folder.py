"""A folder for each expression is read by the folders' names."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List

import pytest
from PIL import Image

from fer_edge.errors import DataSetError
from fer_edge.training.data import DataSource, load_faces, load_pair
from fer_edge.types import LABELS

Folder = Callable[..., Path]
SYNONYMS = ["Anger", "disgusted", "FEAR", "happiness", "neutral", "sadness", "surprised"]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_folders_are_labels_by_any_of_their_names(class_folder: Folder, suffix: str) -> None:
    faces = load_faces(DataSource(class_folder(SYNONYMS, suffix=suffix), colour="rgb"))
    assert sorted(faces.majority()) == list(range(7))
    assert faces.images.shape == (7, 20, 20, 3)
    assert faces.images[:, 10, 10, 0] == pytest.approx(10 * faces.majority(), abs=4)
    assert faces.rule == "the name of the folder"
    assert faces.people is None


def test_damaged_pictures_are_named_and_skipped_and_other_files_passed_over(
    class_folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    root = class_folder(SYNONYMS)
    (root / "FEAR" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (root / "FEAR" / "notes.txt").write_text("not a picture")
    faces = load_faces(root)
    assert faces.skipped == ("FEAR/broken.png",)
    assert len(faces) == 7
    assert "FEAR/broken.png" in caplog.text


def test_an_unknown_folder_is_refused_by_name(class_folder: Folder) -> None:
    with pytest.raises(DataSetError, match="has the folders boredom, contempt, which name no expression"):
        load_faces(class_folder([*SYNONYMS, "contempt", "boredom"]))


@pytest.mark.parametrize("spoil", ["no folder", "empty", "damaged"])
def test_a_missing_class_is_named(class_folder: Folder, spoil: str) -> None:
    root = class_folder(SYNONYMS if spoil != "no folder" else SYNONYMS[:-1])
    if spoil == "empty":
        (root / "surprised" / "one.png").unlink()
    elif spoil == "damaged":
        (root / "surprised" / "one.png").write_bytes(b"x")
    with pytest.raises(DataSetError, match="no readable face for surprise"):
        load_faces(root)


def test_parts_are_read_one_by_one_or_together(class_folder: Folder) -> None:
    for part, names in (("train", SYNONYMS), ("Validation", list(LABELS)), ("test", list(LABELS))):
        class_folder(names, under=f"set/{part}")
    root = class_folder([], under="set")
    assert len(load_faces(root)) == 21
    assert len(load_faces(DataSource(root, part="validation"))) == 7
    train, validation = load_pair(DataSource(root))
    assert (len(train), len(validation)) == (7, 7)
    (root / "spare").mkdir()
    with pytest.raises(DataSetError, match="has the folders spare beside"):
        load_faces(root)


def test_a_part_that_is_not_there_is_refused(class_folder: Folder) -> None:
    with pytest.raises(DataSetError, match="no part for test; it has none"):
        load_faces(DataSource(class_folder(SYNONYMS), part="test"))


def test_a_detector_cuts_the_face_out(class_folder: Folder, portrait: Image.Image) -> None:
    pytest.importorskip("onnxruntime")
    root = class_folder(SYNONYMS)
    without_face: List[str] = []
    for path in sorted(root.rglob("*.png")):
        portrait.save(path.with_name("two.png"))
        without_face.append(str(path.relative_to(root)))
    faces = load_faces(DataSource(root, detector="blazeface"))
    assert faces.images.shape == (7, 64, 64, 1)
    assert faces.skipped == faces.without_face == tuple(without_face)
