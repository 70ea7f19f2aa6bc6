"""The model repository that ``fer-edge export --triton`` writes: valid for Triton, and the same network."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from fer_edge.classify.onnx import read_contract
from fer_edge.classify.remote.contract import RemoteTensors, agreed
from fer_edge.classify.remote.transport import ServerModel, Tensor
from fer_edge.classify.spec import ModelSpec
from fer_edge.cli.main import main
from fer_edge.errors import ModelNotFound, OutputNotWritable, UsageError
from fer_edge.inference.model_files import find_model, sha256_of
from fer_edge.training.triton.config import RUNS_ON, TENSORRT, ServedNetwork, config_text
from fer_edge.training.triton.network import takes_pixels
from fer_edge.training.triton.repository import TritonOptions, write_repository

MODEL = find_model("fernet_r")


def told_by_triton(network: ServedNetwork) -> ServerModel:
    """What Triton's metadata say of such a configuration."""
    size = network.size
    takes = Tensor(network.takes, network.datatype, (-1, network.channels, size, size))
    parameters = {"fer_edge.sha256": network.sha256}
    return ServerModel(network.name, (takes,), (Tensor(network.gives, "FP32", (-1, 7)),), ("1",), parameters)


@pytest.mark.parametrize("runs_on", RUNS_ON)
@pytest.mark.parametrize("pixels", [True, False])
def test_the_configuration_is_valid_by_tritons_own_schema(tmp_path: Path, runs_on: str, pixels: bool) -> None:
    model_config = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    text_format = pytest.importorskip("google.protobuf.text_format")
    written = write_repository(MODEL, tmp_path, TritonOptions(pixels=pixels, runs_on=runs_on))
    config = text_format.Parse((written.folder / "config.pbtxt").read_text(), model_config.ModelConfig())
    assert config.name == written.folder.name == "fernet_r"
    assert config.max_batch_size == 64
    assert list(config.input[0].dims) == ([1, 64, 64] if pixels else [3, 64, 64])
    assert config.input[0].data_type == (model_config.TYPE_UINT8 if pixels else model_config.TYPE_FP32)
    assert config.parameters["fer_edge.sha256"].string_value == sha256_of(MODEL)
    assert config.dynamic_batching.max_queue_delay_microseconds > 0
    kind = config.instance_group[0].kind
    assert kind == (config.instance_group[0].KIND_CPU if runs_on == "cpu" else config.instance_group[0].KIND_GPU)
    accelerators = config.optimization.execution_accelerators.gpu_execution_accelerator
    assert [one.name for one in accelerators] == (["tensorrt"] if runs_on == TENSORRT else [])
    served = onnx.load(str(written.folder / "1" / "model.onnx"))
    assert [one.name for one in served.graph.input] == [config.input[0].name]
    assert [one.name for one in served.graph.output] == [config.output[0].name]
    assert (written.folder / config.output[0].label_filename).read_text().split() == list(
        read_contract(MODEL)[0].labels
    )


def test_a_board_accepts_what_was_written_and_gets_the_logits_of_its_own_file(tmp_path: Path) -> None:
    spec, _ = read_contract(MODEL)
    written = write_repository(MODEL, tmp_path)
    contract = agreed(told_by_triton(written.network), spec, sha256_of(MODEL), "here")
    assert contract.same_network
    assert contract.bytes_for_a_face(spec) == 4096
    crops = np.random.default_rng(5).integers(0, 256, (6, 64, 64, 3), np.uint8)
    batch = RemoteTensors(contract, spec).batch(crops)
    assert batch.nbytes == 6 * 4096
    (served,) = run(written.folder / "1" / "model.onnx", batch)
    from fer_edge.classify.tensors import NetworkTensors

    (own,) = run(MODEL, NetworkTensors(spec).feed(crops))
    np.testing.assert_allclose(served, own, atol=1e-5)


def run(path: Path, batch: np.ndarray) -> list:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: batch})


def test_colours_with_mean_and_deviation_are_computed_on_the_server_as_on_the_board() -> None:
    from fer_edge.classify.tensors import NetworkTensors

    spec = ModelSpec("colour", colour="rgb", input_size=8, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    shape = ["N", 3, 8, 8]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["image"], ["logits"])],
        "same",
        [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, shape)],
    )
    plain = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=7)
    session = onnxruntime.InferenceSession(
        takes_pixels(plain, spec).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    crops = np.random.default_rng(6).integers(0, 256, (3, 8, 8, 3), np.uint8)
    pixels = np.ascontiguousarray(crops[..., ::-1].transpose(0, 3, 1, 2))
    (served,) = session.run(None, {"faces": pixels})
    np.testing.assert_allclose(served, NetworkTensors(spec).feed(crops), atol=1e-6)


def test_the_next_export_is_the_next_version_and_the_configuration_follows_it(tmp_path: Path) -> None:
    first = write_repository(MODEL, tmp_path)
    second = write_repository(MODEL, tmp_path, TritonOptions(instances=5))
    assert (first.version, second.version) == (1, 2)
    assert "count: 5" in (first.folder / "config.pbtxt").read_text()
    assert sorted(entry.name for entry in first.folder.iterdir()) == ["1", "2", "config.pbtxt", "labels.txt"]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "fernet_r"
    folder.mkdir()
    (folder / "config.pbtxt").write_text('name: "fernet_r"')
    with pytest.raises(OutputNotWritable, match="not a network that this command has written"):
        write_repository(MODEL, tmp_path)
    assert [entry.name for entry in folder.iterdir()] == ["config.pbtxt"]


@pytest.mark.parametrize("name", ["../up", "a b", ".hidden", "x" * 101])
def test_a_name_that_a_server_cannot_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        write_repository(MODEL, tmp_path, TritonOptions(name=name))
    assert not list(tmp_path.iterdir())


def test_int8_is_for_a_cpu_there_too(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="INT8"):
        write_repository(find_model("fernet_r.int8"), tmp_path)
    written = write_repository(find_model("fernet_r.int8"), tmp_path, TritonOptions(runs_on="cpu"))
    assert written.folder.name == "fernet_r.int8"


def test_a_name_with_a_quotation_mark_in_it_cannot_break_the_configuration() -> None:
    text = config_text(ServedNetwork('a"b', "UINT8", 1, 64, "faces", "logits", "00"))
    assert re.search(r'^name: "a\\"b"$', text, re.MULTILINE)


def test_the_command_writes_a_repository_and_says_what_boards_ask_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--triton", str(tmp_path), "fernet_r", "--triton-name", "faces"]) == 0
    assert "--remote-model faces" in capsys.readouterr().err
    assert (tmp_path / "faces" / "1" / "model.onnx").is_file()
    with pytest.raises(ModelNotFound):
        main(["export", "--triton", str(tmp_path), "no_such"])
    for wrong in (["mine.onnx"], ["--triton-instances", "0"], ["--int8"]):
        with pytest.raises(UsageError):
            main(["export", "--triton", str(tmp_path), "fernet_r", *wrong])
    with pytest.raises(UsageError, match="checked on a set"):
        main(["export", "best.pt"])
