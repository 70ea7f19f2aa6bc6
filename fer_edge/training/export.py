"""From a checkpoint to an ONNX file that says how it wants to be used."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import nn

from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import CheckpointError, DataSetError, TrainingError
from fer_edge.system.libraries import import_library
from fer_edge.training import metrics
from fer_edge.training.atomic import write_atomically
from fer_edge.training.augment import to_network_size
from fer_edge.training.checkpoint import load_trained
from fer_edge.training.data import FaceSet
from fer_edge.training.mean import mean_of
from fer_edge.training.origin import origin_of_mean
from fer_edge.types import LABELS
from fer_edge.zoo.count import count_multiply_accumulates, count_parameters_keras_style
from fer_edge.zoo.fernet import INPUT_SIZE

OPSET = 13
IR_VERSION = 7
"""Opset and IR version that ONNX Runtime 1.8 and TensorRT 8.2, the last for a Jetson Nano, still read."""

OURS = re.compile(rb"\x08.\x12\x08fer-edge", re.DOTALL)
"""How a file of ours begins: version of the format, and producer."""

LARGEST_DIFFERENCE = 1e-3
"""How far a logit may be from PyTorch's; both compute in float32, in another order."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportOptions:
    """What the file says of itself beside what is measured.

    Attributes
    ----------
    name
        For people; empty for the network's own.
    crop_margin
        Side of the face's crop in distances between the eyes.
    crop_centre
        Where the middle of the crop lies on the way from the eyes (0) to the mouth (1).
    alignment
        ``eyes`` or ``none``.
    uncertain_below
        Confidence under which a label is not to be trusted.
    training_data, licence
        One sentence each.
    """

    name: str = ""
    crop_margin: float = ModelSpec.crop_margin
    crop_centre: float = ModelSpec.crop_centre
    alignment: str = ModelSpec.alignment
    uncertain_below: float = 0.5
    training_data: str = "FER2013 with FER+ votes, training split"
    licence: str = "Apache-2.0 for the weights; the rights of the training images are not cleared"


@dataclass(frozen=True)
class ExportResult:
    """What was written, and how well it does.

    Attributes
    ----------
    spec
        What the file says.
    largest_difference
        Largest absolute difference between a logit of ONNX Runtime and of PyTorch on the validation set.
    accuracy, macro_f1
        On the validation set, by ONNX Runtime.
    apart
        Where the file is the mean of several checkpoints, the accuracy of each alone, by PyTorch.
    """

    spec: ModelSpec
    largest_difference: float
    accuracy: float
    macro_f1: float
    apart: tuple[float, ...] = ()


def export(
    checkpoint: Path,
    output: Path,
    validation: FaceSet,
    validation_name: str,
    options: ExportOptions,
    others: Sequence[Path] = (),
) -> ExportResult:
    """Write the averaged weights of ``checkpoint`` as ``output``, or their mean with those of ``others``.

    The file is written only after ONNX Runtime gave the logits that PyTorch gives on every face of ``validation``
    that has a majority label; on the same faces the temperature is fitted and the accuracy measured.

    Parameters
    ----------
    checkpoint
        A ``best.pt`` of `fer_edge.training.train.train`.
    output
        The ONNX file, replaced as a whole: input ``image`` float32 N x 3 x 64 x 64, output ``logits`` N x 7.
    validation, validation_name
        Faces that were not trained on, and what to call them in the file.
    options
        What else the file says.
    others
        Checkpoints of the same network, each of which counts as much as the first; see `mean_of`.

    Raises
    ------
    CheckpointError
        If a checkpoint is missing, damaged or of another network, or its network's logits are no numbers.
    DataSetError
        If no face of ``validation`` has a majority label, or they are grey where the network was trained in colour, or
        the other way round.
    TrainingError
        If ONNX Runtime and PyTorch differ by more than `LARGEST_DIFFERENCE`.
    MissingExtra
        If onnxruntime is not installed.
    """
    runs = [load_trained(each) for each in (checkpoint, *others)]
    network = mean_of(runs)
    entry, colour = runs[0].entry, runs[0].colour
    if (colour == "rgb") != (validation.images.shape[3] == 3):
        raise DataSetError(
            f"{checkpoint} was trained on {colour} faces, and those of {validation_name} are not.",
            f"Read them with the colour {colour}.",
        )
    model = to_onnx(network)
    rows, truth = validation.labelled()
    images = torch.from_numpy(validation.images[rows])
    by_onnx = _run(model, images)
    by_torch = _forward(network, images)
    if not np.isfinite(by_torch).all():
        raise CheckpointError(f"{checkpoint} gives logits that are no numbers.", "Give another, or train anew.")
    difference = float(np.abs(by_onnx - by_torch).max())
    _log.info("largest difference of a logit from PyTorch's over %d faces: %.2e", len(rows), difference)
    if not difference <= LARGEST_DIFFERENCE:
        raise TrainingError(
            f"The exported network differs from PyTorch's by up to {difference:.2g} in a logit.",
            "Nothing was written; report this with the versions of torch, onnx and onnxruntime.",
        )
    confusion = metrics.confusion_matrix(truth, by_onnx.argmax(axis=1), len(LABELS))
    measured = {
        "data": validation_name,
        "rule": validation.rule,
        "faces": len(rows),
        "accuracy": round(metrics.accuracy(confusion), 4),
        "macro_f1": round(float(metrics.f1(confusion).mean()), 4),
    }
    spec = ModelSpec(
        name=options.name or entry.title,
        input_size=INPUT_SIZE,
        colour=colour,
        crop_margin=options.crop_margin,
        crop_centre=options.crop_centre,
        alignment=options.alignment,
        temperature=round(metrics.fit_temperature(by_onnx, truth), 4),
        uncertain_below=options.uncertain_below,
        parameters=count_parameters_keras_style(network),
        macs=count_multiply_accumulates(network, INPUT_SIZE),
        facts={
            "training_data": options.training_data,
            "accuracy": json.dumps(measured),
            "licence": options.licence,
            **origin_of_mean([run.origin for run in runs]),
        },
    )
    onnx.helper.set_model_props(model, spec.to_metadata())
    onnx.checker.check_model(model, full_check=True)
    alone = runs if others else []
    apart = [float((_forward(run.network, images).argmax(axis=1) == truth).mean()) for run in alone]
    write_atomically(output, model.SerializeToString(), OURS)
    macro_f1 = float(metrics.f1(confusion).mean())
    return ExportResult(spec, difference, metrics.accuracy(confusion), macro_f1, tuple(apart))


def to_onnx(network: nn.Module) -> onnx.ModelProto:
    """Return ``network`` as ONNX: its BatchNorms folded into the convolutions before them, N dynamic, float32."""
    network.eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The newer exporter writes opset 18 and converts down incompletely; the older one announces its end.
        warnings.simplefilter("ignore", DeprecationWarning)
        # What it does not fold of a padding, ONNX Runtime does.
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, INPUT_SIZE, INPUT_SIZE),),
            buffer,  # type: ignore[arg-type]
            opset_version=OPSET,
            dynamo=False,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    model.ir_version = IR_VERSION
    model.producer_name = "fer-edge"
    _drop_identities(model.graph)
    return model


def _drop_identities(graph: onnx.GraphProto) -> None:
    """Let nodes read a shared weight itself: the exporter puts an Identity before each further reader of it."""
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    outputs = {value.name for value in graph.output}
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = _source(name, sources)
    kept = [node for node in graph.node if node.op_type != "Identity" or node.output[0] in outputs]
    del graph.node[:]
    graph.node.extend(kept)


def _source(name: str, sources: Mapping[str, str]) -> str:
    while name in sources:
        name = sources[name]
    return name


def _run(model: onnx.ModelProto, images: torch.Tensor, batch: int = 64) -> npt.NDArray[np.float32]:
    onnxruntime = import_library("onnxruntime", "cpu", "Checking an exported network")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    parts = [
        session.run(["logits"], {"image": to_network_size(part, INPUT_SIZE).numpy()})[0]
        for part in torch.split(images, batch)
    ]
    return np.concatenate(parts)


def _forward(network: nn.Module, images: torch.Tensor, batch: int = 64) -> npt.NDArray[np.float32]:
    with torch.inference_mode():
        return np.concatenate(
            [network(to_network_size(part, INPUT_SIZE)).numpy() for part in torch.split(images, batch)]
        )
