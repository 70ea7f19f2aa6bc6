"""Makes one convolution of an average pooling and the convolution that follows it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper


def pools_folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network in which no 1 x 1 convolution follows an average pooling of its own.

    A mean over k x k pixels and a 1 x 1 convolution after it are one k x k convolution whose weights are the k²-th part. In
    FP32 that is the same but for rounding. In INT8 a pooling costs ONNX Runtime as much as a convolution, and rounds what it
    hands on to eight bits once more.

    Parameters
    ----------
    model
        In FP32; left as it is.
    """
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    graph = folded.graph
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(output.name for output in graph.output)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    pools = {node.output[0]: node for node in graph.node if node.op_type == "AveragePool" and _is_plain(node)}
    for node in graph.node:
        pool = pools.get(node.input[0]) if node.op_type == "Conv" else None
        kernel = weights.get(node.input[1]) if pool is not None else None
        if pool is None or kernel is None or readers[pool.output[0]] > 1 or readers[kernel.name] > 1:
            continue
        if tuple(kernel.dims[2:]) != (1, 1) or not _is_plain(node) or _attributes(node)["strides"] != [1, 1]:
            continue
        shape = _attributes(pool)["kernel_shape"]
        spread = np.tile(numpy_helper.to_array(kernel) / np.float32(np.prod(shape)), (1, 1, *shape))
        kernel.CopyFrom(numpy_helper.from_array(spread, kernel.name))
        node.input[0] = pool.input[0]
        kept = [one for one in node.attribute if one.name not in ("kernel_shape", "strides")]
        del node.attribute[:]
        node.attribute.extend(kept)
        strides = _attributes(pool)["strides"]
        node.attribute.extend([helper.make_attribute("kernel_shape", shape), helper.make_attribute("strides", strides)])
        graph.node.remove(pool)
    return folded


def _attributes(node: onnx.NodeProto) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"strides": [1, 1], "pads": [0, 0, 0, 0], "dilations": [1, 1]}
    found.update((one.name, list(one.ints)) for one in node.attribute if one.ints)
    return found


def _is_plain(node: onnx.NodeProto) -> bool:
    """Return whether it takes whole windows of pixels side by side, without padding."""
    found = _attributes(node)
    rounds_up = any(one.name == "ceil_mode" and one.i for one in node.attribute)
    return not any(found["pads"]) and found["dilations"] == [1, 1] and not rounds_up
