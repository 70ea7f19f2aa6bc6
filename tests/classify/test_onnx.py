from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.errors import ModelCorrupt, ModelMetadataError, ModelNotFound, ModelShapeError
from fer_edge.model_files import find_model
from fer_edge.types import LABELS

SHIPPED = find_model("fernet")


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    import fer_edge.capture

    image = cv2.imread(str(Path(fer_edge.capture.__file__).parent / "astronaut.jpg"))
    assert image is not None
    return image


@pytest.fixture
def faces(portrait: np.ndarray) -> np.ndarray:
    whole = cv2.resize(portrait, (64, 64))
    return np.stack([whole, cv2.flip(whole, 1), np.zeros_like(whole), np.full_like(whole, 200)])


def test_probabilities_sum_to_one_and_label_and_confidence_follow_from_them(faces: np.ndarray) -> None:
    classifier = OnnxClassifier(SHIPPED)
    expressions = classifier.classify(faces)
    classifier.close()
    assert len(expressions) == len(faces)
    for expression in expressions:
        assert expression.probabilities.dtype == np.float32
        assert expression.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert expression.label == LABELS[int(expression.probabilities.argmax())]
        assert expression.confidence == expression.probabilities.max()
        assert expression.uncertain == (expression.confidence < classifier.spec.uncertain_below)


def test_a_face_gets_the_same_answer_alone_and_in_a_batch(faces: np.ndarray) -> None:
    classifier = OnnxClassifier(SHIPPED)
    together = classifier.classify(faces)
    for index, expression in enumerate(together):
        (alone,) = classifier.classify(faces[index : index + 1])
        np.testing.assert_allclose(alone.probabilities, expression.probabilities, atol=1e-5)
    assert classifier.classify(faces[:0]) == ()
    classifier.close()


def test_a_grey_network_does_not_look_at_colours(faces: np.ndarray) -> None:
    classifier = OnnxClassifier(SHIPPED)
    grey = np.stack([cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR) for face in faces])
    for coloured, colourless in zip(classifier.classify(faces), classifier.classify(grey)):
        np.testing.assert_allclose(coloured.probabilities, colourless.probabilities, atol=0.02)
    classifier.close()


def test_a_higher_temperature_lowers_every_confidence(faces: np.ndarray) -> None:
    plain = OnnxClassifier(SHIPPED, metadata={"fer_edge.temperature": "1.0"})
    cooled = OnnxClassifier(SHIPPED, metadata={"fer_edge.temperature": "4.0"})
    for hot, cool in zip(plain.classify(faces), cooled.classify(faces)):
        assert cool.confidence < hot.confidence
        assert cool.label == hot.label
    plain.close()
    cooled.close()


def test_labels_in_another_order_are_put_into_ours(faces: np.ndarray) -> None:
    swapped = '["happy", "disgust", "fear", "angry", "neutral", "sad", "surprise"]'
    ours, theirs = OnnxClassifier(SHIPPED), OnnxClassifier(SHIPPED, metadata={"fer_edge.labels": swapped})
    for one, other in zip(ours.classify(faces), theirs.classify(faces)):
        assert one.probabilities[LABELS.index("angry")] == other.probabilities[LABELS.index("happy")]
        assert one.probabilities[LABELS.index("sad")] == other.probabilities[LABELS.index("sad")]
    ours.close()
    theirs.close()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="nowhere.onnx"):
        OnnxClassifier(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize("size", [0, 100, 5_000_000])
def test_a_truncated_model_is_called_damaged(tmp_path: Path, size: int) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(SHIPPED.read_bytes()[:size])
    with pytest.raises(ModelCorrupt, match="cut.onnx"):
        OnnxClassifier(cut)


def test_a_network_without_metadata_is_refused_unless_the_caller_knows_it() -> None:
    detector = find_model("blazeface_short")
    with pytest.raises(ModelMetadataError, match="fer_edge.labels"):
        OnnxClassifier(detector)


def test_a_network_of_another_shape_is_refused_and_both_shapes_are_named() -> None:
    with pytest.raises(ModelShapeError, match=r"\[1, 3, 128, 128\]") as caught:
        OnnxClassifier(find_model("blazeface_short"), metadata=OnnxClassifier(SHIPPED).spec.to_metadata())
    assert "[N, 3, 64, 64]" in str(caught.value)
