"""Adds a number to logits of a network, so that it answers a rare expression as readily as it should.

Training on pictures that are mixed, smoothed and taught by other networks makes a rare expression rarer in the answers. What is
added to its logit gives that back, and costs nothing in use: it becomes part of the last layer's bias (logit adjustment: Menon
et al., "Long-tail learning via logit adjustment", 2021).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from fer_edge.classify.int8_file import INT8
from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import UsageError
from fer_edge.system.libraries import in_short
from fer_edge.training import metrics
from fer_edge.training.answers import log_probabilities
from fer_edge.training.atomic import write_atomically
from fer_edge.training.data import FaceSet
from fer_edge.training.export import OURS
from fer_edge.training.faces import whole_image
from fer_edge.types import LABELS

LARGEST = 5.0
"""Of what may be added: with more, one expression hides the others."""

FACES = 64
"""Faces on which the file is compared with what it is to answer."""

FACT = "offsets"
"""Under which the file says what was added."""


@dataclass(frozen=True)
class WithOffsets:
    """What was written, and how well it does.

    Attributes
    ----------
    spec
        What the file says.
    accuracy, macro_f1
        On the validation set.
    accuracy_before, macro_f1_before
        Of the network without what was added.
    labels
        By label whose logit something was added to: its recall and precision, then both before.
    """

    spec: ModelSpec
    accuracy: float
    macro_f1: float
    accuracy_before: float
    macro_f1_before: float
    labels: Mapping[str, Sequence[float]]


def offsets_of(texts: Sequence[str]) -> dict[str, float]:
    """Read what ``--offset`` gives, each as ``LABEL=NUMBER``.

    Raises
    ------
    UsageError
        If one is no such thing, or a label is there twice.

    Examples
    --------
    >>> offsets_of(["disgust=0.4", "fear=-0.1"])
    {'disgust': 0.4, 'fear': -0.1}
    """
    offsets: dict[str, float] = {}
    for text in texts:
        label, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = np.nan
        if label in offsets:
            raise UsageError(f"--offset names {label} twice.", "Give it once for a label, with the sum.")
        if label not in LABELS or not abs(value) <= LARGEST:
            raise UsageError(
                f"--offset {text} does not say what to add to the logit of a label.",
                f"Give LABEL=X, with one of {', '.join(LABELS)} and an X from -{LARGEST:g} to {LARGEST:g}.",
            )
        offsets[label] = value
    return offsets


def add_offsets(
    model: Path, output: Path, validation: FaceSet, validation_name: str, offsets: Mapping[str, float]
) -> WithOffsets:
    """Write a network in FP32 that has numbers added to its logits; all else is as it was.

    The temperature is fitted and the accuracy measured anew. What was added before counts in what the file says.

    Parameters
    ----------
    model
        An ONNX file in FP32 of `fer_edge.training.export.export`.
    output
        The ONNX file, replaced as a whole.
    validation, validation_name
        Faces that were not trained on, and what to call them in the file.
    offsets
        By label, what is added to its logit.

    Raises
    ------
    UsageError
        If ``model`` is in INT8, or does not end with a fully connected layer that has a bias.
    DataSetError
        If no face of ``validation`` has a majority label.
    ModelError
        If it is no expression network.
    """
    rows, truth = validation.labelled()
    with closing(OnnxClassifier(model)) as before:
        if before.precision == INT8:
            raise UsageError(
                f"{model} is in INT8.", "Give the file in FP32, and make the one in INT8 from the new one."
            )
        spec = before.spec
        crop = whole_image(spec.input_size)
        crops = np.stack([np.asarray(crop(image)) for image in validation.images[rows]])
        # The softmax hides one number for each face, and the temperature a factor: neither matters to what is added.
        logits = log_probabilities(before, crops) * spec.temperature
    added = np.array([offsets.get(label, 0.0) for label in LABELS])
    total = _summed(model, spec, offsets)
    graph = onnx.load(model)
    _add(model, graph, [offsets.get(label, 0.0) for label in spec.labels])
    after = logits + added
    _check(model, graph, spec, crops, after)
    confusions = [metrics.confusion_matrix(truth, each.argmax(axis=1), len(LABELS)) for each in (after, logits)]
    (accuracy, f1), (accuracy_before, f1_before) = (
        (metrics.accuracy(each), float(metrics.f1(each).mean())) for each in confusions
    )
    measured = {
        "data": validation_name,
        "rule": validation.rule,
        "faces": len(rows),
        "accuracy": round(accuracy, 4),
        "macro_f1": round(f1, 4),
    }
    spec = replace(
        spec,
        temperature=round(metrics.fit_temperature(after.astype(np.float32), truth), 4),
        facts={**spec.facts, "accuracy": json.dumps(measured), FACT: json.dumps(total)},
    )
    _say(graph, spec)
    write_atomically(output, graph.SerializeToString(), OURS)
    shares = [share(each) for each in confusions for share in (metrics.recall, metrics.precision)]
    labels = {label: [float(each[LABELS.index(label)]) for each in shares] for label in offsets}
    return WithOffsets(spec, accuracy, f1, accuracy_before, f1_before, labels)


def _say(graph: onnx.ModelProto, spec: ModelSpec) -> None:
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, spec.to_metadata())


def _summed(path: Path, spec: ModelSpec, offsets: Mapping[str, float]) -> dict[str, float]:
    """Return what was added in all, with what the file says of earlier times."""
    try:
        earlier = {label: float(value) for label, value in json.loads(spec.facts.get(FACT, "{}")).items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"What {path} says of itself under fer_edge.{FACT} is no list of labels and numbers.",
            "Take that entry out of its metadata, or export the network again.",
        ) from error
    return {label: round(earlier.get(label, 0.0) + offsets.get(label, 0.0), 6) for label in {**earlier, **offsets}}


def _check(
    path: Path, graph: onnx.ModelProto, spec: ModelSpec, crops: npt.NDArray[np.uint8], expected: npt.NDArray[np.float64]
) -> None:
    """Refuse a network that is no sound file, or whose last bias also does something else. Raises UsageError."""
    why = ""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, path.name)
        try:
            _say(graph, spec)
            onnx.checker.check_model(graph, full_check=True)
        except onnx.checker.ValidationError as error:
            why = f": {in_short(error)}"
        else:
            draft.write_bytes(graph.SerializeToString())
            with closing(OnnxClassifier(draft)) as written:
                got = log_probabilities(written, crops[:FACES]) * spec.temperature
            wanted = expected[:FACES]
            differ = (got - got.max(1, keepdims=True)) - (wanted - wanted.max(1, keepdims=True))
            # What is too improbable is cut off by both.
            if float(np.abs(np.where(wanted - wanted.max(1, keepdims=True) > -10, differ, 0.0)).max()) < 0.01:
                return
    raise UsageError(
        f"A number cannot be added to the logits of {path}{why or ': its last bias does something else, too'}.",
        "Give a file that 'fer-edge export' wrote from a checkpoint.",
    )


def _add(path: Path, model: onnx.ModelProto, added: Sequence[float]) -> None:
    """Add to the bias of the last layer, in the order of the network's own outputs."""
    graph = model.graph
    last = next((node for node in graph.node if graph.output[0].name in node.output), None)
    biases = {tensor.name: tensor for tensor in graph.initializer}
    if last is None or last.op_type != "Gemm" or len(last.input) < 3 or last.input[2] not in biases:
        raise UsageError(
            f"{path} does not end with a fully connected layer that has a bias.",
            "Give a file that 'fer-edge export' wrote from a checkpoint.",
        )
    bias = biases[last.input[2]]
    sums = numpy_helper.to_array(bias) + np.asarray(added, np.float32)
    bias.CopyFrom(numpy_helper.from_array(sums.astype(np.float32), bias.name))
