from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx_bytes as write
import pytest

from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import ModelCorrupt, ModelMetadataError, ModelNotFound, ModelShapeError, StageFailed
from fer_edge.inference.model_files import find_model
from fer_edge.inference.onnx_session import OnnxSession, open_session
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


def network(*last: bytes, gives: bytes | None = None) -> bytes:
    """A network that gives the mean brightness, from 0 to 1, seven times, and then does what `last` says with `m`."""
    nodes = [
        write.node("GlobalAveragePool", ["image"], ["p"]),
        write.node("Flatten", ["p"], ["f"]),
        write.node("MatMul", ["f", "w"], ["m"]),
    ]
    thirds = write.tensor("w", write.FLOAT, [3, 7], write.raw(np.full((3, 7), 1 / 3, np.float32).tobytes()))
    other = write.tensor("c", write.FLOAT, [], write.raw(np.float32(-1000).tobytes()))
    graph = write.graph(
        [*nodes, *last],
        [thirds, other],
        [write.value("image", write.FLOAT, ["n", 3, 64, 64])],
        [gives or write.value("logits", write.FLOAT, ["n", 7])],
    )
    return write.model(graph, metadata=ModelSpec(name="odd").to_metadata())


def opened(tmp_path: Path, content: bytes) -> OnnxClassifier:
    (tmp_path / "odd.onnx").write_bytes(content)
    return OnnxClassifier(tmp_path / "odd.onnx")


BLACK, WHITE = (np.full((2, 64, 64, 3), value, np.uint8) for value in (0, 255))
MAKES = {
    "NaN": [write.node("Mul", ["m", "c"], ["x"]), write.node("Sqrt", ["x"], ["logits"])],
    "infinity": [
        write.node("Mul", ["m", "c"], ["x"]),
        write.node("Neg", ["x"], ["y"]),
        write.node("Exp", ["y"], ["logits"]),
    ],
}
MAKES["minus infinity"] = [
    *MAKES["infinity"][:2],
    write.node("Exp", ["y"], ["e"]),
    write.node("Neg", ["e"], ["logits"]),
]


@pytest.mark.parametrize("what", list(MAKES))
def test_what_a_network_gives_that_is_no_number_is_a_fault_and_never_an_expression(what: str, tmp_path: Path) -> None:
    classifier = opened(tmp_path, network(*MAKES[what]))
    assert len(classifier.classify(BLACK)) == 2
    for crops in (WHITE, np.concatenate([BLACK, WHITE[:1]])):
        with pytest.raises(StageFailed, match="The network odd gave no numbers"):
            classifier.classify(crops)
    classifier.close()


def test_a_network_that_never_gives_numbers_is_refused_before_the_first_face(tmp_path: Path) -> None:
    zero = [write.node("Sub", ["m", "m"], ["z"]), write.node("Div", ["z", "z"], ["logits"])]
    with pytest.raises(StageFailed, match="gave no numbers"):
        opened(tmp_path, network(*zero))


@pytest.mark.parametrize("rows", [1, 3])
def test_a_network_that_answers_for_more_or_fewer_faces_than_there_are_is_refused(rows: int, tmp_path: Path) -> None:
    sizes = write.tensor("s", 7, [2], write.raw(np.array([rows, 7], np.int64).tobytes()))
    first = write.tensor("o", 7, [2], write.raw(np.array([0, 0], np.int64).tobytes()))
    answers = [
        write.node("Constant", [], ["s"], write.attribute("value", 5, sizes, 4)),
        write.node("Constant", [], ["o"], write.attribute("value", 5, first, 4)),
        write.node("Concat", ["m", "m", "m"], ["many"], write.attribute("axis", 3, 0, 2)),
        write.node("Slice", ["many", "o", "s"], ["logits"]),
    ]
    with pytest.raises(ModelShapeError, match=r"odd\.onnx gave \[\d, 7\] for \d faces"):
        opened(tmp_path, network(*answers)).classify(WHITE)


def test_a_network_whose_answers_are_words_is_refused(tmp_path: Path) -> None:
    words = write.value("logits", write.STRING, ["n", 7])
    cast = write.node("Cast", ["m"], ["logits"], write.attribute("to", 3, write.STRING, 2))
    with pytest.raises(ModelShapeError, match=r"tensor\(string\)"):
        opened(tmp_path, network(cast, gives=words))


def of_shape(takes: bytes, outputs: int = 7) -> bytes:
    """An expression network in all but what it takes, or how many answers it gives."""
    nodes = [
        write.node("Cast", ["image"], ["x"], write.attribute("to", 3, write.FLOAT, 2)),
        write.node("Flatten", ["x"], ["f"]),
        write.node("ReduceMean", ["f"], ["m"], write.field(1, "axes") + write.field(8, 1) + write.field(20, 7)),
        write.node("Mul", ["m", "ones"], ["logits"]),
    ]
    ones = write.tensor("ones", write.FLOAT, [1, outputs], write.raw(np.ones(outputs, np.float32).tobytes()))
    graph = write.graph(nodes, [ones], [takes], [write.value("logits", write.FLOAT, ["n", outputs])])
    return write.model(graph, metadata=ModelSpec(name="odd").to_metadata())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (of_shape(write.value("image", write.FLOAT, ["n", 1, 64, 64])), r"\['n', 1, 64, 64\]"),
        (of_shape(write.value("image", write.FLOAT, ["n", 3, 64, 48])), r"\['n', 3, 64, 48\]"),
        (of_shape(write.value("image", write.FLOAT, ["n", 64, 64, 3])), r"\['n', 64, 64, 3\]"),
        (of_shape(write.value("image", write.FLOAT, [1, 3, 64, 64])), r"\[1, 3, 64, 64\]"),
        (of_shape(write.value("image", write.FLOAT, ["n", 3])), r"\['n', 3\]"),
        (of_shape(write.value("image", write.UINT8, ["n", 3, 64, 64])), r"tensor\(uint8\)"),
        (of_shape(write.value("image", write.FLOAT, ["n", 3, 64, 64]), outputs=8), r"\['n', 8\]"),
    ],
    ids=["one channel", "not square", "channels last", "one face only", "too few axes", "bytes", "eight answers"],
)
def test_what_keeps_a_network_from_being_one_of_ours_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(ModelShapeError, match=f"no expression network(.|\n)*{told}"):
        opened(tmp_path, content)


def test_a_network_of_the_right_shape_is_taken(tmp_path: Path) -> None:
    classifier = opened(tmp_path, of_shape(write.value("image", write.FLOAT, ["n", 3, 64, 64])))
    assert len(classifier.classify(WHITE)) == 2
    classifier.close()


def test_threads_that_run_one_network_at_once_get_the_answers_that_each_gets_alone(faces: np.ndarray) -> None:
    classifier = OnnxClassifier(SHIPPED)
    assert classifier.concurrent
    batches = [np.roll(faces, turn, axis=0)[: 1 + turn] for turn in range(4)]
    alone = [classifier.classify(batch) for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            for expected, given in zip(alone, threads.map(classifier.classify, batches)):
                for one, other in zip(expected, given):
                    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    classifier.close()


def test_on_a_gpu_a_network_belongs_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_a_gpu(model: Path, **how: object) -> OnnxSession:
        session = open_session(model, threads=1)
        session.provider = "CUDAExecutionProvider"
        return session

    monkeypatch.setattr("fer_edge.classify.onnx.open_session", on_a_gpu)
    classifier = OnnxClassifier(SHIPPED)
    assert not classifier.concurrent
    classifier.close()
