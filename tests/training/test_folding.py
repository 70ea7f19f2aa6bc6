"""A network whose poolings were folded into its convolutions gives what it gave before."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from fer_edge.inference.model_files import find_model  # noqa: E402
from fer_edge.training.folding import pools_folded  # noqa: E402

RANDOM = np.random.default_rng(7)


def network(pool: dict, conv: dict, kernel: int = 1, also: bool = False) -> onnx.ModelProto:
    """Return a network of a pooling and a convolution; `also` gives the pooled picture as well."""
    weights = RANDOM.normal(size=(5, 3, kernel, kernel)).astype(np.float32)
    bias = RANDOM.normal(size=5).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], **pool),
        helper.make_node("Conv", ["small", "w", "b"], ["out"], kernel_shape=[kernel, kernel], **conv),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list("nchw")) for name in ["out", "small"][: 1 + also]
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 12, 12])],
        outputs,
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)


def answers(model: onnx.ModelProto, image: np.ndarray) -> list:
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: image})


def pools(model: onnx.ModelProto) -> int:
    return sum(node.op_type == "AveragePool" for node in model.graph.node)


HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}


@pytest.mark.parametrize(
    ("pool", "conv", "kernel", "also", "left"),
    [
        (HALF, {}, 1, False, 0),
        ({"kernel_shape": [3, 2], "strides": [3, 2]}, {}, 1, False, 0),
        ({"kernel_shape": [2, 2]}, {}, 1, False, 0),
        (HALF, {}, 3, False, 1),
        (HALF, {}, 1, True, 1),
        (HALF, {"strides": [2, 2]}, 1, False, 1),
        (HALF, {"pads": [1, 1, 1, 1]}, 1, False, 1),
        ({**HALF, "pads": [1, 1, 1, 1]}, {}, 1, False, 1),
        ({"kernel_shape": [5, 5], "strides": [2, 2], "ceil_mode": 1}, {}, 1, False, 1),
    ],
)
def test_a_pooling_is_folded_where_that_changes_no_answer(
    pool: dict, conv: dict, kernel: int, also: bool, left: int
) -> None:
    model = network(pool, conv, kernel, also)
    before = model.SerializeToString()
    folded = pools_folded(model)
    onnx.checker.check_model(folded, full_check=True)
    assert pools(folded) == left
    image = RANDOM.normal(size=(2, 3, 12, 12)).astype(np.float32)
    for expected, got in zip(answers(model, image), answers(folded, image)):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert model.SerializeToString() == before


def test_the_shipped_network_in_int8_has_no_pooling_and_the_one_in_fp32_answers_as_before() -> None:
    model = onnx.load(find_model("fernet_r"))
    assert pools(model) == 3
    image = RANDOM.normal(size=(2, 3, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(answers(pools_folded(model), image)[0], answers(model, image)[0], rtol=1e-3, atol=1e-4)
    assert pools(onnx.load(find_model("fernet_r").with_name("fernet_r.int8.onnx"))) == 0
