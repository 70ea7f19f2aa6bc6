"""Each stress changes a face in its own way, and always in the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import DataSetError
from fer_edge.training.data import FaceSet
from fer_edge.training.evaluate import evaluate
from fer_edge.training.evaluation_report import to_markdown, write_report
from fer_edge.training.faces import whole_image
from fer_edge.training.stress import STRESSES, Stress, stressed
from fer_edge.training.stress_figures import stresses_for, under_stress
from fer_edge.types import LABELS, Expression

BY_NAME = {stress.name: stress for stress in STRESSES}


def face(side: int = 64) -> NDArray[np.uint8]:
    """Give a smooth picture with a dark mouth and eyes."""
    picture = np.full((side, side, 3), 190, np.uint8)
    for across, down in ((0.32, 0.4), (0.68, 0.4), (0.5, 0.8)):
        cv2.circle(picture, (int(across * side), int(down * side)), side // 10, (20, 20, 20), -1)
    return picture


@pytest.mark.parametrize("stress", STRESSES, ids=lambda stress: stress.name)
@pytest.mark.parametrize("side", [48, 64, 112])
def test_a_stress_keeps_the_shape_changes_something_and_repeats_itself(stress: Stress, side: int) -> None:
    before = face(side)
    after = stressed(before, stress, 0)
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    assert np.array_equal(before, face(side))
    assert np.array_equal(after, stressed(face(side), stress, 0))
    fine = int(stress.name.split()[0]) if stress.name.endswith("pixels") else 0
    assert np.array_equal(after, before) == (fine >= side)


def test_another_seed_gives_other_noise_and_another_face_too() -> None:
    noise = BY_NAME["noise"]
    assert not np.array_equal(stressed(face(), noise, 0), stressed(face(), noise, 1))
    other = face()
    other[0, 0] = 0
    assert not np.array_equal(stressed(face(), noise, 0)[1:], stressed(other, noise, 0)[1:])


def test_the_two_rolls_are_each_others_mirror_image() -> None:
    left, right = (stressed(face(), BY_NAME[f"rolled 30° to the {way}"], 0) for way in ("left", "right"))
    mirrored = stressed(np.ascontiguousarray(face()[:, ::-1]), BY_NAME["rolled 30° to the left"], 0)[:, ::-1]
    assert np.abs(mirrored.astype(int) - right).mean() < 2
    assert np.abs(left.astype(int) - right).mean() > 5


def test_a_grey_picture_stays_grey_but_for_the_colour_cast() -> None:
    for stress in STRESSES:
        after = stressed(face(), stress, 0)
        assert (np.ptp(after, axis=2).max() == 0) != stress.colour


def test_covered_parts_are_of_one_shade_and_the_rest_stays() -> None:
    after = stressed(face(), BY_NAME["mouth covered"], 0)
    assert len(np.unique(after[45:60, 20:44])) == 1
    assert np.array_equal(after[:39], face()[:39])


def test_the_colour_cast_is_left_out_where_the_network_sees_grey() -> None:
    grey, why = stresses_for("gray")
    assert "colour cast" not in [stress.name for stress in grey]
    assert why == {"colour cast": "the network sees grey"}
    assert stresses_for("rgb") == (STRESSES, {})


class Brightness(ExpressionClassifier):
    """Calls what is bright happy, and what is dark sad."""

    provider = "none"

    def __init__(self) -> None:
        self.spec = ModelSpec(name="brightness")

    def classify(self, crops: NDArray[np.uint8]) -> tuple[Expression, ...]:
        answers = []
        for crop in crops:
            label = "happy" if crop.mean() > 60 else "sad"
            probabilities = np.asarray(0.93 * np.eye(7)[LABELS.index(label)] + 0.01, np.float32)
            answers.append(Expression(probabilities, label, 0.94, uncertain=label == "sad"))
        return tuple(answers)


@pytest.fixture
def smiles(small_set: FaceSet) -> FaceSet:
    """Give bright faces that are all happy."""
    images = np.repeat(face(48)[None, :, :, :1], 5, axis=0)
    images[:, 0, 0, 0] = np.arange(5)  # each its own noise
    return FaceSet.with_plain_labels(images, [LABELS.index("happy")] * 5, "made up")


def test_figures_of_each_stress_follow_from_the_answers(smiles: FaceSet) -> None:
    done: list[int] = []
    figures = under_stress(Brightness(), smiles, batch=2, on_batch=done.append)
    by_name = {row.stress: row for row in figures.rows}
    assert figures.faces == 5
    assert figures.nothing.accuracy == 1
    assert by_name["low light"].accuracy == 0
    assert by_name["low light"].uncertain == 1
    assert by_name["low light"].ece == pytest.approx(0.94)
    assert all(row.accuracy == 1 for name, row in by_name.items() if name != "low light")
    assert figures.accuracy == pytest.approx((len(figures.rows) - 1) / len(figures.rows))
    assert sum(done) == 5 * (1 + len(figures.rows))
    assert figures == under_stress(Brightness(), smiles, batch=64)


def test_a_face_that_is_not_found_is_in_no_row(smiles: FaceSet) -> None:
    whole = whole_image(64)
    figures = under_stress(Brightness(), smiles, lambda image: None if image[0, 0, 0] == 3 else whole(image))
    assert figures.faces == 4
    with pytest.raises(DataSetError, match="No face was found"):
        under_stress(Brightness(), smiles, lambda image: None)


def test_a_report_with_stresses_has_their_table_and_picture(smiles: FaceSet, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from PIL import Image

    from fer_edge.training.stress_picture import STRESS_SIZE

    classifier = FakeClassifier((0, 0, 0, 0.9, 0.1, 0, 0))
    result = replace(evaluate(classifier, smiles, "made $up$"), stress=under_stress(classifier, smiles))
    written = write_report(result, tmp_path / "r")
    assert written[-1].name == "r-stress.png"
    with Image.open(written[-1]) as picture:
        assert picture.size == STRESS_SIZE
    page = written[1].read_text(encoding="utf-8")
    assert "| **mean over the stresses** | 100.00% | +0.0 points |" in page
    assert "Left out, the network sees grey: colour cast." in page
    assert "(r-stress.png)" in page
    assert "stress" not in to_markdown(replace(result, stress=None))
