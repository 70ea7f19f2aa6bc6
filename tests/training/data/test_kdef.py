"""KDEF is read by its file names, and its faces are cut as the program cuts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_edge.detect import FakeDetector
from fer_edge.errors import DataSetError, UsageError
from fer_edge.training.data import DataSource, load_faces, load_pair
from fer_edge.training.data.kdef import parse_name, read_kdef
from fer_edge.training.data.pictures import Form
from fer_edge.types import LABELS, Box, Face

pytest.importorskip("onnxruntime")
OF_ONE_PERSON = ["fear", "angry", "disgust", "happy", "neutral", "sad", "surprise"]

EYES = {"right_eye": (220.0, 330.0), "left_eye": (340.0, 330.0), "mouth": (280.0, 460.0)}
ONE_FACE = FakeDetector([Face(Box(180, 250, 200, 260), 0.9, EYES)])


def test_a_name_says_who_looks_how_from_where() -> None:
    said = parse_name("bm35suhl.jpg")
    assert said is not None
    assert (said.session, said.person, LABELS[said.label], said.angle) == ("B", 69, "surprise", "HL")
    first, again = parse_name("AF01ANS.JPG"), parse_name("BF01DIFR.JPG")
    assert first is not None
    assert again is not None
    assert first.person == again.person == 0


@pytest.mark.parametrize(
    "name", ["AF00ANS.JPG", "AF36ANS.JPG", "CF01ANS.JPG", "AF01XXS.JPG", "AF01ANX.JPG", "AF01AN.JPG"]
)
def test_other_names_are_none_of_kdef(name: str) -> None:
    assert parse_name(name) is None


def test_photographs_become_faces_with_labels_and_people(kdef_folder: Path) -> None:
    faces = load_faces(DataSource(kdef_folder, colour="rgb"))
    assert faces.images.shape == (14, 64, 64, 3)
    assert [LABELS[label] for label in faces.majority()] == OF_ONE_PERSON * 2
    assert faces.people is not None
    assert faces.people.tolist() == [0] * 7 + [41] * 7
    assert faces.rule == "the label in the file name"
    red, _, blue = faces.images[:, 16:48, 16:48].mean(axis=(0, 1, 2))
    assert red > blue + 20, "skin is more red than blue"


def test_the_face_fills_the_cut(kdef_folder: Path, portrait: Image.Image) -> None:
    cut = load_faces(kdef_folder).images[0, :, :, 0].astype(float)
    whole = np.asarray(portrait.convert("L").resize((64, 64)), float)
    shrunk = np.asarray(portrait.convert("L").crop((120, 160, 440, 560)).resize((64, 64)), float)
    assert np.corrcoef(cut.ravel(), shrunk.ravel())[0, 1] > np.corrcoef(cut.ravel(), whole.ravel())[0, 1]


def test_full_profiles_are_left_out_unless_asked_for(kdef_folder: Path, portrait: Image.Image) -> None:
    for angle in ("HL", "HR", "FL", "FR"):
        portrait.save(kdef_folder / f"BF02HA{angle}.JPG")
    assert len(read_kdef(kdef_folder, Form(), ONE_FACE)) == 16
    assert len(read_kdef(kdef_folder, Form(), ONE_FACE, ("S", "FL"))) == 15
    with pytest.raises(UsageError, match="no angle UP"):
        read_kdef(kdef_folder, Form(), ONE_FACE, ("S", "UP"))


def test_what_cannot_be_used_is_named_and_skipped(kdef_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.new("RGB", (562, 762), (90, 90, 90)).save(kdef_folder / "AF02HAS.JPG")
    whole = (kdef_folder / "AF01" / "AF01ANS.JPG").read_bytes()
    (kdef_folder / "AF03HAS.JPG").write_bytes(whole[: len(whole) // 2])
    (kdef_folder / "AF31V.JPG").write_bytes(whole)
    faces = load_faces(kdef_folder)
    assert faces.skipped == ("AF02HAS.JPG", "AF03HAS.JPG", "AF31V.JPG")
    assert faces.without_face == ("AF02HAS.JPG",)
    assert len(faces) == 14
    for reason in ("finds no face", "truncated", "not one of KDEF's"):
        assert reason in caplog.text


def test_a_missing_expression_is_named(kdef_folder: Path) -> None:
    for path in kdef_folder.rglob("*DIS.JPG"):
        path.unlink()
    with pytest.raises(DataSetError, match="no readable face for disgust"):
        load_faces(kdef_folder)


def test_a_set_without_photographs_of_the_angle_is_refused(kdef_folder: Path) -> None:
    with pytest.raises(DataSetError, match="from the angles FL"):
        load_faces(DataSource(kdef_folder, angles=("FL",)))


def test_it_is_split_by_person_unless_told_otherwise(kdef_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    train, validation = load_pair(DataSource(kdef_folder), share=0.5)
    assert train.people is not None
    assert validation.people is not None
    assert {*train.people.tolist()}.isdisjoint(validation.people.tolist())
    assert (len(train), len(validation)) == (7, 7)
    load_pair(DataSource(kdef_folder), split="random", share=0.5)
    assert "same person on both sides" in caplog.text
