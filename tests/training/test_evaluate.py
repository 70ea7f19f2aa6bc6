"""An evaluation counts what it should, through a detector too."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect import FakeDetector
from fer_edge.errors import DataSetError, ModelNotFound
from fer_edge.training.commands import COMMANDS
from fer_edge.training.data import FaceSet
from fer_edge.training.evaluate import THRESHOLDS, evaluate
from fer_edge.training.evaluation_report import to_markdown, write_report
from fer_edge.training.faces import through_detector, whole_image
from fer_edge.types import LABELS, Box, Expression, Face


class TopLeftPixel(ExpressionClassifier):
    """Answers with the label whose number is the upper left pixel, four times as likely as the others together."""

    provider = "none"

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


def test_pictures_that_the_reader_skipped_are_counted(small_set: FaceSet) -> None:
    faces = replace(small_set, skipped=("a.jpg", "b.jpg", "c.jpg"))
    result = evaluate(FakeClassifier(), faces, "made up")
    assert (result.faces, result.skipped, result.not_found) == (56, 3, 0)
    assert "Pictures skipped because they cannot be used: 3." in to_markdown(result)


def test_a_photograph_whose_face_the_reader_did_not_find_counts_as_wrong_among_all(small_set: FaceSet) -> None:
    faces = answered_with(small_set, np.arange(56) % 7)
    faces = replace(faces, skipped=("damaged.jpg", "wall.jpg", "sky.jpg"), without_face=("wall.jpg", "sky.jpg"))
    result = evaluate(TopLeftPixel(), faces, "made up")
    assert (result.faces, result.skipped, result.not_found) == (58, 1, 2)
    assert result.accuracy == 1
    assert result.accuracy_of_all == pytest.approx(56 / 58)


def test_a_face_that_is_not_found_counts_as_wrong_among_all(small_set: FaceSet) -> None:
    def crop(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        return None if picture[0, 0, 0] == 0 else whole_image(64)(picture)

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


def test_the_models_own_threshold_is_among_the_covered(small_set: FaceSet) -> None:
    classifier = FakeClassifier((0, 0, 0, 0.6, 0.4, 0, 0))
    classifier.spec = replace(classifier.spec, uncertain_below=0.65)
    result = evaluate(classifier, small_set, "made up")
    by_threshold = {point.threshold: (point.coverage, point.accuracy) for point in result.coverage}
    assert list(by_threshold) == sorted({*THRESHOLDS, 0.65})
    assert by_threshold[0.5] == (1, result.accuracy)
    assert by_threshold[0.65] == (0, None)
    assert result.uncertain == 1
    assert "| 0.65 (the model's own) | 0.00% | nothing answered |" in to_markdown(result)


def test_the_shipped_model_is_measured_and_reported(small_set: FaceSet, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    from PIL import Image

    from fer_edge.classify.onnx import OnnxClassifier
    from fer_edge.inference.model_files import find_model

    classifier = OnnxClassifier(find_model("fernet"), threads=1)
    try:
        result = evaluate(classifier, small_set, "generated faces")
    finally:
        classifier.close()
    assert np.sum(result.confusion) == 56
    own = next(point for point in result.coverage if point.threshold == result.uncertain_below)
    assert own.coverage == pytest.approx(1 - result.uncertain)
    assert (own.accuracy or 0) == pytest.approx(result.accuracy_when_certain)
    assert (result.coverage[0].coverage, result.coverage[0].accuracy) == (1, pytest.approx(result.accuracy))
    assert sum(each.answers for each in result.reliability) == 56
    gaps = [abs((each.accuracy or 0) - (each.confidence or 0)) * each.answers for each in result.reliability]
    assert sum(gaps) / 56 == pytest.approx(result.ece)

    # A dot in the name is no ending.
    written = write_report(result, tmp_path / "fernet v0.1")
    endings = [".json", ".md", "-confusion.png", "-coverage.png", "-reliability.png"]
    assert [path.name for path in written] == ["fernet v0.1" + ending for ending in endings]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    figures = json.loads(written[0].read_text())
    assert figures["coverage"][0] == {"threshold": 0, "coverage": 1, "accuracy": result.accuracy}
    page = written[1].read_text()
    linked = re.findall(r"!\[[^]]+\]\((.+?)\)", page)
    assert sorted(unquote(name) for name in linked) == sorted(path.name for path in written[2:])
    for path in written[2:]:
        with Image.open(path) as picture:
            picture.verify()


def test_the_report_is_there_for_programs_and_for_people(small_set: FaceSet, tmp_path: Path) -> None:
    result = evaluate(FakeClassifier(), small_set, "made up")
    pytest.importorskip("matplotlib")
    as_json, as_markdown, *_ = write_report(result, tmp_path / "figures.json")
    assert as_json == tmp_path / "figures.json"
    assert json.loads(as_json.read_text())["accuracy"] == result.accuracy
    # The page is what is printed, and links to pictures.
    printed = [line for line in as_markdown.read_text().splitlines() if line and not line.startswith("![")]
    assert printed == [line for line in to_markdown(result).splitlines() if line]
    assert "| happy | 8 |" in to_markdown(result)


def test_a_wrong_model_is_named_before_the_data_is_read(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    parser = argparse.ArgumentParser()
    COMMANDS["evaluate"].add_arguments(parser)
    args = parser.parse_args(["no_such_model", "--data", str(tmp_path / "no_such_set.parquet")])
    with pytest.raises(ModelNotFound, match="no_such_model"):
        COMMANDS["evaluate"].run(args)
