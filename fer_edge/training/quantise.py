"""From an expression network in FP32 to the same in INT8, for processors that multiply bytes faster."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.int8_file import INT8, MADE_FROM
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.classify.tensors import NetworkTensors
from fer_edge.detect import open_detector
from fer_edge.errors import DataSetError, UsageError
from fer_edge.inference.model_files import sha256_of
from fer_edge.system.libraries import import_library
from fer_edge.training import metrics
from fer_edge.training.answers import BATCH, log_probabilities
from fer_edge.training.atomic import write_atomically
from fer_edge.training.data import FaceSet
from fer_edge.training.export import IR_VERSION, OURS
from fer_edge.training.faces import Crop, through_detector, whole_image
from fer_edge.training.folding import pools_folded
from fer_edge.types import LABELS

FACES = 512
"""Faces that the ranges are taken from."""

DETECTOR = "blazeface"
"""Cuts them: in training pictures faces are large, and the shipped network in INT8 was made so (models/MODEL_CARD.md)."""

FEW_CHANNELS = 4
"""Convolutions with fewer inputs stay in float: the first one, whose input is the picture, and those with a kernel for each
channel. They are under 1 % of the work, and eight bits for the picture or for the last features cost labels."""

SHARES = (1.0, 0.87, 0.8, 0.7)
"""Parts of the widest ranges that are tried: the few values that are cut off cost less than coarse steps for all others."""

ALIKE = 1.02
"""Errors whose ratio is less tell nothing of which is better; the narrower ranges have the finer steps then."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Quantised:
    """What was written, and how well it does.

    Attributes
    ----------
    spec
        What the file says.
    accuracy, macro_f1
        On the validation set, of the file on this machine.
    accuracy_before, macro_f1_before
        Of the network in FP32.
    agreement
        Share of faces for which both have the same label.
    calibration_error
        Expected calibration error, in 15 bins, with the file's own temperature.
    """

    spec: ModelSpec
    accuracy: float
    macro_f1: float
    accuracy_before: float
    macro_f1_before: float
    agreement: float
    calibration_error: float


def quantise(
    model: Path,
    output: Path,
    calibration: FaceSet,
    validation: FaceSet,
    validation_name: str,
    cut_already: bool = False,
) -> Quantised:
    """Write a network in FP32 as one in INT8 with the same input and output.

    Activations are unsigned, weights signed, each output channel with its own scale, all ranges fixed beforehand (static QDQ,
    opset 13). The temperature is fitted anew, and the accuracy measured with the file as it is written.

    Parameters
    ----------
    model
        An ONNX file in FP32 of `fer_edge.training.export.export`.
    output
        The ONNX file, replaced as a whole. The program finds it beside ``model`` as ``NAME.int8.onnx``.
    calibration
        Training faces, of which `FACES` that `DETECTOR` finds tell the ranges.
    validation, validation_name
        Faces that were not trained on, and what to call them in the file.
    cut_already
        Whether the faces of ``calibration`` are crops of photographs, made by a detector; such are not cut again.

    Raises
    ------
    DataSetError
        If no face is found in ``calibration``, or none of ``validation`` has a majority label.
    UsageError
        If ``model`` is in INT8 already.
    ModelError
        If it is no expression network.
    MissingExtra
        If a package is not installed.
    """
    with contextlib.closing(OnnxClassifier(model)) as before:
        if before.precision == INT8:
            raise UsageError(f"{model} is in INT8 already.", "Give the file in FP32.")
        spec = before.spec
        faces = _calibration_faces(calibration, spec, cut_already)
        rows, truth = validation.labelled()
        crops = _cut(validation.images[rows], whole_image(spec.input_size))
        expected = log_probabilities(before, crops)
    graph = _best_ranges(model, _quantised(pools_folded(onnx.load(model)), faces), faces)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, output.name)
        onnx.helper.set_model_props(graph, replace(spec, precision=INT8, temperature=1.0).to_metadata())
        draft.write_bytes(graph.SerializeToString())
        with contextlib.closing(OnnxClassifier(draft)) as after:
            got = log_probabilities(after, crops)
    confusion = metrics.confusion_matrix(truth, got.argmax(axis=1), len(LABELS))
    confusion_before = metrics.confusion_matrix(truth, expected.argmax(axis=1), len(LABELS))
    agreement = float((got.argmax(axis=1) == expected.argmax(axis=1)).mean())
    temperature = round(metrics.fit_temperature(got, truth), 4)
    measured = {
        "data": validation_name,
        "rule": validation.rule,
        "faces": len(rows),
        "accuracy": round(metrics.accuracy(confusion), 4),
        "macro_f1": round(float(metrics.f1(confusion).mean()), 4),
        "same_label_as_fp32": round(agreement, 4),
    }
    facts = {**spec.facts, "accuracy": json.dumps(measured), MADE_FROM: sha256_of(model)}
    spec = replace(spec, precision=INT8, temperature=temperature, facts=facts)
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, spec.to_metadata())
    onnx.checker.check_model(graph, full_check=True)
    write_atomically(output, graph.SerializeToString(), OURS)
    return Quantised(
        spec=spec,
        accuracy=metrics.accuracy(confusion),
        macro_f1=float(metrics.f1(confusion).mean()),
        accuracy_before=metrics.accuracy(confusion_before),
        macro_f1_before=float(metrics.f1(confusion_before).mean()),
        agreement=agreement,
        calibration_error=metrics.expected_calibration_error(got, truth, temperature),
    )


def _calibration_faces(faces: FaceSet, spec: ModelSpec, cut_already: bool) -> npt.NDArray[np.float32]:
    """Return what the network is fed with `FACES` of the set, cut as the program cuts them: N x 3 x size x size."""
    order = np.random.default_rng(0).permutation(len(faces))
    with contextlib.ExitStack() as stack:
        crop = whole_image(spec.input_size)
        if not cut_already:
            detector = stack.enter_context(contextlib.closing(open_detector(DETECTOR)))
            crop = through_detector(detector, FaceCropper(spec))
        found = []
        for image in faces.images[order]:
            cut = crop(image)
            if cut is not None:
                found.append(cut)
            if len(found) == FACES:
                break
    if not found:
        raise DataSetError(
            f"In none of the {len(faces)} pictures to calibrate with did {DETECTOR} find a face.",
            "Give --calibration the faces that the network was trained on.",
        )
    _log.info("taking the ranges from %d faces", len(found))
    return NetworkTensors(spec).feed(np.stack(found))


def _cut(images: npt.NDArray[np.uint8], crop: Crop) -> npt.NDArray[np.uint8]:
    return np.stack([cut for cut in map(crop, images) if cut is not None])


class _Reader:
    """Gives ONNX Runtime's calibration one batch after another."""

    def __init__(self, name: str, faces: npt.NDArray[np.float32]) -> None:
        self._name = name
        self._parts = iter(np.array_split(faces, range(BATCH, len(faces), BATCH)))

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next batch; None when all were given."""
        part = next(self._parts, None)
        return None if part is None else {self._name: part}


def _quantised(model: onnx.ModelProto, faces: npt.NDArray[np.float32]) -> onnx.ModelProto:
    tools = import_library("onnxruntime.quantization", "cpu", "Quantising a network")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, source)
        tools.quantize_static(
            source,
            target,
            _Reader(model.graph.input[0].name, faces),
            quant_format=tools.QuantFormat.QDQ,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            per_channel=True,
            nodes_to_exclude=list(_kept_in_float(model.graph)),
        )
        quantised = onnx.load(target)
    quantised.ir_version = IR_VERSION
    quantised.producer_name = "fer-edge"
    return quantised


def _best_ranges(model: Path, widest: onnx.ModelProto, faces: npt.NDArray[np.float32]) -> onnx.ModelProto:
    """Return the graph with the share of its ranges that brings the logits nearest to those in FP32; of several, the least."""
    expected = _logits(model.read_bytes(), faces)
    graphs = {share: with_ranges(widest, share) for share in SHARES}
    errors = {
        share: np.abs(_logits(graph.SerializeToString(), faces) - expected).mean() for share, graph in graphs.items()
    }
    best = min(share for share in SHARES if errors[share] <= ALIKE * min(errors.values()))
    _log.info(
        "ranges of %g of the widest; logits differ by %.4f in the mean (widest: %.4f)", best, errors[best], errors[1.0]
    )
    return graphs[best]


def with_ranges(graph: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """Return a network in INT8 whose activations take that share of their ranges, its biases in the steps that follow."""
    changed = onnx.ModelProto()
    changed.CopyFrom(graph)
    tensors = {tensor.name: tensor for tensor in changed.graph.initializer}
    makers = {node.output[0]: node for node in changed.graph.node}

    def value(name: str) -> npt.NDArray[np.float64]:
        array: npt.NDArray[np.float64] = onnx.numpy_helper.to_array(tensors[name]).astype(np.float64)
        return array

    def put(name: str, array: npt.NDArray[np.float64], kind: type[np.generic]) -> None:
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(array.astype(kind), name))

    for scale in {node.input[1] for node in changed.graph.node if node.op_type == "QuantizeLinear"}:
        put(scale, share * value(scale), np.float32)
    for node in changed.graph.node:
        if node.op_type == "Conv" and node.input[2] in makers:
            picture, weights, bias = (makers[name].input for name in node.input)
            float_bias = value(bias[0]) * value(bias[1])
            # What a bias is added to is counted in steps of both factors.
            step = value(picture[1]) * value(weights[1])
            put(bias[1], step, np.float32)
            put(bias[0], np.rint(float_bias / step), np.int32)
    return changed


def _logits(content: bytes, faces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    runtime = import_library("onnxruntime", "cpu", "Checking a quantised network")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = np.array_split(faces, range(BATCH, len(faces), BATCH))
    return np.concatenate([session.run(None, {name: part})[0] for part in parts])


def _kept_in_float(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield the names of the nodes that cost little and lose much."""
    shapes = {weights.name: weights.dims for weights in graph.initializer}
    for node in graph.node:
        few = node.op_type == "Conv" and shapes[node.input[1]][1] < FEW_CHANNELS
        if few or node.op_type in ("BatchNormalization", "Flatten", "Gemm"):
            yield node.name
