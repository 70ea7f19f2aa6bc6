"""A number added to a logit: the file answers that label more readily, and all else in it stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from fer_edge.classify.onnx import OnnxClassifier  # noqa: E402
from fer_edge.cli.main import main  # noqa: E402
from fer_edge.errors import UsageError  # noqa: E402
from fer_edge.inference.model_files import find_model  # noqa: E402
from fer_edge.training.data import FaceSet  # noqa: E402
from fer_edge.training.offsets import add_offsets, offsets_of  # noqa: E402
from fer_edge.types import LABELS  # noqa: E402

FERNET = find_model("fernet")
CROPS = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)


def log_odds(path: Path) -> np.ndarray:
    """Return of each crop the logits, less that of neutral."""
    classifier = OnnxClassifier(path)
    probabilities = np.array([one.probabilities for one in classifier.classify(CROPS)], np.float64)
    temperature = classifier.spec.temperature
    classifier.close()
    logits = temperature * np.log(probabilities)
    return logits - logits[:, [LABELS.index("neutral")]]


@pytest.fixture(scope="module")
def written(small_set: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("offsets") / "mine.onnx"
    add_offsets(FERNET, path, small_set, "stripes", {"disgust": 0.4, "fear": -0.1})
    return path


def test_what_is_added_is_added_to_these_logits_and_to_no_other(written: Path) -> None:
    added = log_odds(written) - log_odds(FERNET)
    expected = [{"disgust": 0.4, "fear": -0.1}.get(label, 0.0) for label in LABELS]
    np.testing.assert_allclose(added, np.tile(expected, (len(CROPS), 1)), atol=2e-3)


def test_the_file_says_what_was_added_and_how_well_it_does_now(written: Path) -> None:
    classifier, before = OnnxClassifier(written), OnnxClassifier(FERNET)
    spec, whole = classifier.spec, before.spec
    classifier.close()
    before.close()
    assert json.loads(spec.facts["offsets"]) == {"disgust": 0.4, "fear": -0.1}
    said = json.loads(spec.facts["accuracy"])
    assert (said["data"], said["faces"]) == ("stripes", 56)
    same = {"temperature": whole.temperature, "facts": whole.facts}
    assert replace(spec, **same) == replace(whole, **same)


def test_a_second_time_counts_from_the_first(written: Path, small_set: FaceSet, tmp_path: Path) -> None:
    add_offsets(written, tmp_path / "again.onnx", small_set, "stripes", {"disgust": 0.2})
    classifier = OnnxClassifier(tmp_path / "again.onnx")
    assert json.loads(classifier.spec.facts["offsets"]) == {"disgust": 0.6, "fear": -0.1}
    classifier.close()


def test_what_it_reports_is_what_the_written_file_does(small_set: FaceSet, tmp_path: Path) -> None:
    result = add_offsets(FERNET, tmp_path / "mine.onnx", small_set, "stripes", {"happy": 5.0})
    nothing = add_offsets(tmp_path / "mine.onnx", tmp_path / "same.onnx", small_set, "stripes", {"happy": 0.0})
    assert (result.accuracy, result.macro_f1) == (nothing.accuracy_before, nothing.macro_f1_before)
    assert result.accuracy != result.accuracy_before
    recall, _, recall_before, _ = result.labels["happy"]
    assert recall >= recall_before
    assert result.labels["happy"][:2] == nothing.labels["happy"][2:]


def test_a_network_in_int8_is_to_be_made_from_the_new_file(small_set: FaceSet, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="INT8"):
        add_offsets(FERNET.with_name("fernet.int8.onnx"), tmp_path / "mine.onnx", small_set, "stripes", {"fear": 0.1})


def test_a_network_without_a_bias_at_its_end_is_named(small_set: FaceSet, tmp_path: Path) -> None:
    model = onnx.load(FERNET)
    last = next(node for node in model.graph.node if model.graph.output[0].name in node.output)
    del last.input[2]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(UsageError, match=r"bare\.onnx does not end with"):
        add_offsets(tmp_path / "bare.onnx", tmp_path / "mine.onnx", small_set, "stripes", {"fear": 0.1})
    assert not (tmp_path / "mine.onnx").exists()


@pytest.mark.parametrize("text", ["disgust", "disgust=", "joy=1", "fear=nan", "fear=9"])
def test_what_is_no_label_and_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="does not say what to add"):
        offsets_of(text.split())


def test_a_label_that_is_there_twice_is_named() -> None:
    with pytest.raises(UsageError, match="names fear twice"):
        offsets_of(["fear=0.1", "fear=0.2"])


def test_the_command_writes_it_and_refuses_what_it_takes_from_the_file(small_file: Path, tmp_path: Path) -> None:
    asked = [
        "export",
        "fernet",
        str(tmp_path / "mine.onnx"),
        "--validation",
        str(small_file),
        "--offset",
        "disgust=0.4",
    ]
    with pytest.raises(UsageError, match="Leave --name"):
        main([*asked, "--name", "Mine"])
    with pytest.raises(UsageError, match="two steps"):
        main([*asked, "--int8", "--calibration", str(small_file)])
    assert main(asked) == 0
    assert (tmp_path / "mine.onnx").is_file()


def without_effect(_model: onnx.ModelProto, last: onnx.NodeProto) -> None:
    kept = [one for one in last.attribute if one.name != "beta"]
    del last.attribute[:]
    last.attribute.extend([*kept, onnx.helper.make_attribute("beta", 0.0)])


def with_odd_words(model: onnx.ModelProto, _last: onnx.NodeProto) -> None:
    entry = model.metadata_props.add()
    entry.key, entry.value = "fer_edge.offsets", "[1, 2]"


@pytest.mark.parametrize(
    ("change", "why"), [(without_effect, "does something else"), (with_odd_words, "no list of labels and numbers")]
)
def test_a_network_that_would_not_do_what_its_file_says_is_not_written(
    change: Callable[[onnx.ModelProto, onnx.NodeProto], None], why: str, small_set: FaceSet, tmp_path: Path
) -> None:
    model = onnx.load(FERNET)
    change(model, next(node for node in model.graph.node if model.graph.output[0].name in node.output))
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(UsageError, match=why):
        add_offsets(tmp_path / "odd.onnx", tmp_path / "mine.onnx", small_set, "stripes", {"happy": 5.0})
    assert not (tmp_path / "mine.onnx").exists()
