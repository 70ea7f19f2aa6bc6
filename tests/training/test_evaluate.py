"""An evaluation counts what it should, through a detector too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier, FakeClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.crop import FaceCropper
from fer_edge.detect.base import FakeDetector
from fer_edge.errors import DataSetError
from fer_edge.training.data import FaceSet
from fer_edge.training.evaluate import evaluate, to_markdown, write_report
from fer_edge.training.faces import through_detector, whole_picture
from fer_edge.types import LABELS, Box, Expression, Face


class TopLeftPixel(ExpressionClassifier):
    """Answers with the label whose number is the upper left pixel, four times as likely as the others together."""

    def __init__(self) -> None:
        self.spec = ModelSpec(name="pixel", temperature=2.0, uncertain_below=0.5)

    def classify(self, crops: NDArray[np.uint8]) -> tuple[Expression, ...]:
        answers = []
        for crop in crops:
            probabilities = np.full(7, 0.2 / 6, np.float32)
            probabilities[crop[0, 0, 0]] = 0.8
            answers.append(Expression(probabilities, LABELS[crop[0, 0, 0]], 0.8, uncertain=bool(crop[0, 0, 0] == 6)))
        return tuple(answers)


def answered_with(small_set: FaceSet, answers: NDArray[np.int64]) -> FaceSet:
    images = np.repeat(answers.astype(np.uint8), 48 * 48).reshape(-1, 48, 48, 1)
    return replace(small_set, images=images)


def test_figures_follow_from_the_answers(small_set: FaceSet) -> None:
    answers = np.arange(56) % 7
    answers[:8] = 3
    result = evaluate(TopLeftPixel(), answered_with(small_set, answers), "made up", batch=10)
    assert result.faces == 56
    assert result.accuracy == pytest.approx(49 / 56)
    assert result.accuracy_of_all == result.accuracy
    assert result.labels["happy"].recall == 1
    assert result.labels["happy"].precision == pytest.approx(8 / 15)
    assert result.labels["angry"].recall == pytest.approx(6 / 8)
    assert result.confusion[0] == [6, 0, 0, 2, 0, 0, 0]
    assert result.uncertain == pytest.approx(7 / 56)
    assert result.accuracy_when_certain == pytest.approx(42 / 49)
    assert result.ece == pytest.approx(49 / 56 - 0.8, abs=1e-6)
    # Undoing the temperature of 2 squares the odds.
    assert result.ece_uncalibrated == pytest.approx(abs(49 / 56 - 0.64 / (0.64 + 6 * (0.2 / 6) ** 2)), abs=1e-6)


def test_faces_without_a_majority_are_left_out_and_counted(small_set: FaceSet) -> None:
    votes = small_set.votes.copy()
    votes[:3] = 0
    result = evaluate(FakeClassifier(), replace(small_set, votes=votes), "made up")
    assert (result.faces, result.without_label) == (53, 3)


def test_a_face_that_is_not_found_counts_as_wrong_among_all(small_set: FaceSet) -> None:
    def crop(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        return None if picture[0, 0, 0] == 0 else whole_picture(64)(picture)

    result = evaluate(TopLeftPixel(), answered_with(small_set, np.arange(56) % 7), "made up", crop, "picky")
    assert result.not_found == 8
    assert result.accuracy == 1
    assert result.accuracy_of_all == pytest.approx(48 / 56)


def test_a_set_in_which_nothing_is_found_is_refused(small_set: FaceSet) -> None:
    with pytest.raises(DataSetError, match="No face was found"):
        evaluate(FakeClassifier(), small_set, "made up", lambda picture: None, "blind")


def test_through_a_detector_the_crop_lies_where_the_face_was_found() -> None:
    picture = np.zeros((48, 48, 1), np.uint8)
    picture[10:14, 8:12] = 255
    # Four times as large, with half of its 192 pixels around it.
    middle = (4 * 10 + 96, 4 * 12 + 96)
    face = Face(
        Box(0, 0, 384, 384),
        1.0,
        {
            "right_eye": (middle[0] - 8, middle[1]),
            "left_eye": (middle[0] + 8, middle[1]),
            "mouth": (middle[0], middle[1] + 10),
        },
    )
    spec = ModelSpec(name="fake", crop_margin=2.0, crop_centre=0.0)
    crop = through_detector(FakeDetector([face]), FaceCropper(spec))(picture)
    assert crop is not None
    assert crop.shape == (64, 64, 3)
    bright = np.argwhere(crop[..., 0] > 128)
    assert bright.mean(axis=0) == pytest.approx([31.5, 31.5], abs=2)
    assert through_detector(FakeDetector(), FaceCropper(spec))(picture) is None


def test_the_report_is_there_for_programs_and_for_people(small_set: FaceSet, tmp_path: Path) -> None:
    result = evaluate(FakeClassifier(), small_set, "made up")
    as_json, as_markdown = write_report(result, tmp_path / "figures")
    assert json.loads(as_json.read_text())["accuracy"] == result.accuracy
    assert as_markdown.read_text() == to_markdown(result)
    assert "| happy | 8 |" in to_markdown(result)
