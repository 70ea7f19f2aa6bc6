"""An expression network that gives numbers for a black crop, as at its start, and NaN for every face."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
import onnx_bytes as write

from fer_edge.classify.spec import ModelSpec
from fer_edge.types import LABELS

SIZE = 64


def nan_network() -> bytes:
    """Write the file: the square root of less than nothing, which is how arithmetic itself gives NaN."""
    count = len(LABELS)
    ones = struct.pack(f"<{3 * count}f", *[1.0] * 3 * count)
    graph = write.graph(
        [
            write.node("GlobalAveragePool", ["image"], ["mean"]),
            write.node("Flatten", ["mean"], ["channels"]),
            write.node("Neg", ["channels"], ["below"]),
            write.node("Sqrt", ["below"], ["root"]),
            write.node("MatMul", ["root", "ones"], ["logits"]),
        ],
        [write.tensor("ones", write.FLOAT, [3, count], write.raw(ones))],
        [write.value("image", write.FLOAT, ["N", 3, SIZE, SIZE])],
        [write.value("logits", write.FLOAT, ["N", count])],
    )
    return write.model(graph, metadata=ModelSpec(name="nan", input_size=SIZE).to_metadata())
