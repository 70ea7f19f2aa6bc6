"""The network that a server runs: that of the board, with a pixel for an input in place of three numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fer_edge.classify.remote.contract import COLOUR, FLOAT, GREY, RemoteTensors
from fer_edge.classify.remote.contract import Contract as ServerContract
from fer_edge.classify.remote.transport import Tensor
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import TrainingError
from fer_edge.system.libraries import import_library
from fer_edge.training.triton.config import FACES

LARGEST_DIFFERENCE = 1e-4
"""How far a logit may be from that of the network itself."""


def takes_pixels(model: onnx.ModelProto, spec: ModelSpec) -> onnx.ModelProto:
    """Return a network whose input is bytes: N x 1 (grey) or 3 (colour) x size x size.

    What a board computes before it runs the network stands in the graph then: pixels become numbers, and grey ones three
    channels.

    Parameters
    ----------
    model
        The network, with input N x 3 x size x size; it stays as it is.
    spec
        What it says of itself.
    """
    served = onnx.ModelProto()
    served.CopyFrom(model)
    graph = served.graph
    image = graph.input[0].name
    channels = 1 if spec.colour == "gray" else 3
    factor = np.array([spec.scale / std for std in spec.std], np.float32).reshape(1, 3, 1, 1)
    offset = np.array([-mean / std for mean, std in zip(spec.mean, spec.std)], np.float32).reshape(1, 3, 1, 1)
    shifted = bool(offset.any())
    nodes = [
        helper.make_node("Cast", [FACES], ["fer_edge_pixels"], "fer_edge_cast", to=TensorProto.FLOAT),
        helper.make_node(
            "Mul",
            ["fer_edge_pixels", "fer_edge_factor"],
            ["fer_edge_scaled" if shifted else image],
            "fer_edge_scale",
        ),
    ]
    graph.initializer.append(numpy_helper.from_array(factor, "fer_edge_factor"))
    if shifted:
        nodes.append(helper.make_node("Add", ["fer_edge_scaled", "fer_edge_offset"], [image], "fer_edge_shift"))
        graph.initializer.append(numpy_helper.from_array(offset, "fer_edge_offset"))
    later = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *later])
    del graph.input[:]
    size = spec.input_size
    graph.input.append(helper.make_tensor_value_info(FACES, TensorProto.UINT8, ["N", channels, size, size]))
    onnx.checker.check_model(served)
    return served


def compare(served: bytes, original: Path, spec: ModelSpec) -> float:
    """Return the largest difference between logits of both, on crops of noise.

    Raises
    ------
    TrainingError
        It is more than `LARGEST_DIFFERENCE`.
    """
    runtime = import_library("onnxruntime", "cpu", "Export")
    crops = np.random.default_rng(0).integers(0, 256, (5, spec.input_size, spec.input_size, 3), np.uint8)
    logits = []
    for form, source in ((GREY if spec.colour == "gray" else COLOUR, served), (FLOAT, str(original))):
        session = runtime.InferenceSession(source, providers=["CPUExecutionProvider"])
        unnamed = Tensor("", "", ())
        batch = RemoteTensors(ServerContract(unnamed, unnamed, form, None), spec).batch(crops)
        logits.append(session.run(None, {session.get_inputs()[0].name: batch})[0])
    difference = float(np.abs(logits[0] - logits[1]).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise TrainingError(
            f"The network for the server differs from {original} by up to {difference:.2g} in a logit.",
            "Put the network there as it is:  --triton-input float",
        )
    return difference
