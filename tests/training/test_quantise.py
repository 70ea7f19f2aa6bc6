"""A network in INT8 is for old runtimes too, says what it is and what it was made from, and answers as the one in FP32."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from fer_edge.classify.int8_file import MADE_FROM  # noqa: E402
from fer_edge.classify.onnx import OnnxClassifier  # noqa: E402
from fer_edge.cli.main import main  # noqa: E402
from fer_edge.errors import DataSetError, UsageError  # noqa: E402
from fer_edge.inference.model_files import find_model, sha256_of  # noqa: E402
from fer_edge.training.data import FaceSet  # noqa: E402
from fer_edge.training.quantise import quantise, with_ranges  # noqa: E402

FERNET_R = find_model("fernet_r")


@pytest.fixture(scope="module")
def model(small_set: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("int8") / "mine.int8.onnx"
    result = quantise(FERNET_R, path, small_set, small_set, "stripes", cut_already=True)
    assert result.spec.precision == "int8"
    return path


def test_the_file_in_int8_is_for_old_runtimes_and_small(model: Path) -> None:
    graph = onnx.load(model)
    assert graph.ir_version == 7
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", 13)]
    assert model.stat().st_size < FERNET_R.stat().st_size / 3
    assert "AveragePool" not in {node.op_type for node in graph.graph.node}
    kinds = {tensor.name: tensor.data_type for tensor in graph.graph.initializer}
    weights = {
        node.input[0] for node in graph.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in kinds
    }
    points = {kinds[node.input[2]] for node in graph.graph.node if node.op_type == "QuantizeLinear"}
    assert onnx.TensorProto.INT8 in {kinds[name] for name in weights}
    assert points == {onnx.TensorProto.UINT8}


def test_it_says_what_it_is_and_what_it_was_made_from(model: Path) -> None:
    classifier = OnnxClassifier(model)
    spec, precision = classifier.spec, classifier.precision
    classifier.close()
    assert (spec.name, spec.precision, precision) == ("FerNet-R", "int8", "int8")
    assert spec.facts[MADE_FROM] == sha256_of(FERNET_R)
    said = json.loads(spec.facts["accuracy"])
    assert (said["data"], said["faces"]) == ("stripes", 56)
    assert 0 <= said["same_label_as_fp32"] <= 1


def test_narrower_ranges_leave_weights_and_biases_what_they_were(model: Path) -> None:
    whole = onnx.load(model)
    half = with_ranges(whole, 0.5)

    def constants(graph: onnx.ModelProto) -> dict[str, np.ndarray]:
        values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
        nodes = [node for node in graph.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in values]
        return {
            node.input[0]: values[node.input[0]].reshape(len(values[node.input[1]]), -1).astype(np.float64)
            * values[node.input[1]][:, None]
            for node in nodes
        }

    before, after = constants(whole), constants(half)
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, atol=1e-4)
    again = with_ranges(whole, 1.0)
    assert again.SerializeToString() == whole.SerializeToString()


def test_pictures_without_a_face_tell_no_ranges(small_set: FaceSet, tmp_path: Path) -> None:
    walls = replace(small_set, images=np.full_like(small_set.images, 128))
    with pytest.raises(DataSetError, match="In none of the 56 pictures to calibrate with did blazeface find a face"):
        quantise(FERNET_R, tmp_path / "out.onnx", walls, small_set, "stripes")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_int8_is_evaluated_as_what_it_is(
    model: Path, small_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", str(model), "--data", str(small_file)]
    assert main(asked) == 0
    assert "Run on CPUExecutionProvider, int8." in capsys.readouterr().out
    with pytest.raises(UsageError, match="computes in INT8") as refused:
        main([*asked, "--backend", "onnx:cpu:fp32"])
    assert "--backend onnx:cpu:int8" in refused.value.remedy


def test_a_network_in_int8_is_not_quantised_again(model: Path, small_set: FaceSet, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in INT8 already"):
        quantise(model, tmp_path / "out.onnx", small_set, small_set, "stripes", cut_already=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--int8"], "--int8 and --calibration go together"),
        (["--calibration", "x.parquet"], "--int8 and --calibration go together"),
        (
            ["--int8", "--calibration", "x.parquet", "--crop-centre", "0"],
            "says of itself what the one that it is made from says",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(given: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        main(["export", "fernet_r", str(tmp_path / "out.onnx"), "--validation", "y.parquet", *given])
