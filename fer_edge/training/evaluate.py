"""How well a classifier does on a labelled set, as figures, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.errors import DataSetError
from fer_edge.training import metrics
from fer_edge.training.atomic import write_atomically
from fer_edge.training.data import MAJORITY_RULE, FaceSet
from fer_edge.training.faces import Crop, whole_picture
from fer_edge.types import LABELS, Expression


@dataclass(frozen=True)
class LabelFigures:
    """How well one label is told; see `fer_edge.training.metrics`."""

    faces: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Evaluation:
    """Figures of one classifier on one set.

    Attributes
    ----------
    model, data, crop, rule
        What was measured, on what, cut how, and which answer counts as right.
    faces
        Faces with a label by the rule.
    without_label
        Faces of the set that have none and are left out.
    not_found
        Faces with a label in which the detector found no face.
    accuracy
        Share of right answers among the faces that were found.
    accuracy_of_all
        Share of right answers among all faces with a label; one not found counts as wrong.
    macro_f1
        Mean F1 of the seven labels, over the faces that were found.
    labels
        Figures of each label.
    confusion
        7 x 7 counts; row: the true label, column: the answer, both in the order of `fer_edge.types.LABELS`.
    temperature
        The model's, by which logits are divided.
    nll, nll_uncalibrated, ece, ece_uncalibrated
        Negative log-likelihood in nats and expected calibration error (15 bins), with the temperature and without.
    uncertain
        Share of the faces that were found whose answer the model calls uncertain.
    accuracy_when_certain
        Share of right answers among the others; 0 where there is none.
    """

    model: str
    data: str
    crop: str
    rule: str
    faces: int
    without_label: int
    not_found: int
    accuracy: float
    accuracy_of_all: float
    macro_f1: float
    labels: dict[str, LabelFigures]
    confusion: list[list[int]]
    temperature: float
    nll: float
    nll_uncalibrated: float
    ece: float
    ece_uncalibrated: float
    uncertain: float
    accuracy_when_certain: float


def evaluate(
    classifier: ExpressionClassifier,
    faces: FaceSet,
    data: str,
    crop: Crop | None = None,
    crop_name: str = "the whole picture",
    batch: int = 64,
    on_batch: Callable[[int], None] | None = None,
) -> Evaluation:
    """Measure ``classifier`` against the FER+ majority label.

    Parameters
    ----------
    classifier
        Used as the running program uses it, temperature and threshold included.
    faces, data
        The set, and what to call it.
    crop, crop_name
        How a picture becomes the classifier's input, and what to call that.
    batch
        Crops in one call of the classifier.
    on_batch
        Called after each batch with the number of faces in it.

    Raises
    ------
    DataSetError
        If no face has a majority label, or no face was found in any of them.
    """
    crop = crop or whole_picture(classifier.spec.input_size)
    rows, _ = faces.labelled()
    expressions: list[Expression] = []
    found: list[int] = []
    for start in range(0, len(rows), batch):
        crops = [(row, crop(faces.images[row])) for row in rows[start : start + batch]]
        seen = [(row, picture) for row, picture in crops if picture is not None]
        if seen:
            expressions += classifier.classify(np.stack([picture for _, picture in seen]))
            found += [row for row, _ in seen]
        if on_batch:
            on_batch(len(crops))
    if not found:
        raise DataSetError(f"No face was found in any picture of {data}.", "Try another detector, or none.")

    truth = faces.majority()[found]
    probabilities = np.stack([expression.probabilities for expression in expressions])
    # The softmax of these at temperature 1 is what the classifier gave.
    calibrated = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    raw = calibrated * classifier.spec.temperature
    confusion = metrics.confusion_matrix(truth, probabilities.argmax(axis=1), len(LABELS))
    right = probabilities.argmax(axis=1) == truth
    certain = ~np.array([expression.uncertain for expression in expressions])
    return Evaluation(
        model=classifier.spec.name,
        data=data,
        crop=crop_name,
        rule=MAJORITY_RULE,
        faces=len(rows),
        without_label=len(faces) - len(rows),
        not_found=len(rows) - len(found),
        accuracy=metrics.accuracy(confusion),
        accuracy_of_all=float(right.sum() / len(rows)),
        macro_f1=float(metrics.f1(confusion).mean()),
        labels={
            label: LabelFigures(int(count), float(precise), float(recalled), float(both))
            for label, count, precise, recalled, both in zip(
                LABELS,
                confusion.sum(axis=1),
                metrics.precision(confusion),
                metrics.recall(confusion),
                metrics.f1(confusion),
            )
        },
        confusion=confusion.tolist(),
        temperature=classifier.spec.temperature,
        nll=metrics.negative_log_likelihood(calibrated, truth),
        nll_uncalibrated=metrics.negative_log_likelihood(raw, truth),
        ece=metrics.expected_calibration_error(calibrated, truth),
        ece_uncalibrated=metrics.expected_calibration_error(raw, truth),
        uncertain=float(1 - certain.mean()),
        accuracy_when_certain=float(right[certain].mean()) if certain.any() else 0.0,
    )


def to_markdown(result: Evaluation) -> str:
    """Give ``result`` as a page for people."""
    lines = [
        f"# {result.model} on {result.data}",
        "",
        f"Cut: {result.crop}. Right answer: {result.rule}. {result.faces} faces have one; {result.without_label} have "
        f"none and are left out; in {result.not_found} no face was found.",
        "",
        "| figure | value |",
        "|---|---|",
        f"| accuracy | {result.accuracy:.2%} |",
        f"| accuracy, a face not found counted as wrong | {result.accuracy_of_all:.2%} |",
        f"| macro F1 | {result.macro_f1:.3f} |",
        f"| expected calibration error (temperature {result.temperature:g}) | {result.ece:.3f} |",
        f"| expected calibration error without it | {result.ece_uncalibrated:.3f} |",
        f"| negative log-likelihood, with and without it | {result.nll:.3f}, {result.nll_uncalibrated:.3f} |",
        f"| called uncertain | {result.uncertain:.2%} |",
        f"| accuracy of the others | {result.accuracy_when_certain:.2%} |",
        "",
        "| label | faces | precision | recall | F1 |",
        "|---|---|---|---|---|",
    ]
    for label, figures in result.labels.items():
        lines.append(
            f"| {label} | {figures.faces} | {figures.precision:.3f} | {figures.recall:.3f} | {figures.f1:.3f} |"
        )
    lines += ["", "Row: the true label; column: the answer.", "", f"| | {' | '.join(LABELS)} |", "|---" * 8 + "|"]
    lines += [f"| {label} | {' | '.join(map(str, row))} |" for label, row in zip(LABELS, result.confusion)]
    return "\n".join(lines) + "\n"


def write_report(result: Evaluation, path: Path) -> tuple[Path, Path]:
    """Write ``result`` beside each other as ``path`` with the suffixes .json and .md.

    Raises
    ------
    OutputNotWritable
        If a file cannot be written.
    """
    as_json, as_markdown = path.with_suffix(".json"), path.with_suffix(".md")
    texts = {as_json: json.dumps(asdict(result), indent=2) + "\n", as_markdown: to_markdown(result)}
    for file, text in texts.items():
        write_atomically(file, text.encode())
    return as_json, as_markdown
