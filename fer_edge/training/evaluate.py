"""How well a classifier does on a labelled set, as figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.errors import DataSetError
from fer_edge.training import metrics
from fer_edge.training.annotators import Annotators, beside_annotators
from fer_edge.training.data import FaceSet
from fer_edge.training.faces import Crop, whole_image
from fer_edge.training.parity import ComparedClassifier, Parity
from fer_edge.training.stress_figures import UnderStress
from fer_edge.types import LABELS, Expression

THRESHOLDS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Confidences at which coverage is measured, beside the model's own."""


@dataclass(frozen=True)
class LabelFigures:
    """How well one label is told; see `fer_edge.training.metrics`.

    ``among_two`` is the share of its faces for which it is one of the two most probable answers.
    """

    faces: int
    precision: float
    recall: float
    f1: float
    among_two: float


@dataclass(frozen=True)
class Evaluation:
    """Figures of one classifier on one set.

    Attributes
    ----------
    model, data, crop, rule
        What was measured, on what, cut how, and which answer counts as right.
    provider, precision
        What it ran on, and in which arithmetic.
    faces
        Faces with a label by the rule.
    without_label
        Faces of the set that have none and are left out.
    skipped
        Pictures of the set that were left out when it was read because they cannot be used: damaged ones, mostly.
    not_found
        Faces with a label in which the detector found no face, be it as the set was read or afterwards.
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
    reliability, reliability_uncalibrated
        What that error is made of: confidence and accuracy bin by bin, with the temperature and without.
    uncertain_below
        The model's: confidence under which it calls an answer uncertain.
    uncertain
        Share of the faces that were found whose answer the model calls uncertain.
    accuracy_when_certain
        Share of right answers among the others; 0 where there is none.
    coverage
        Share of the faces that were found that is answered, and accuracy among these, at each of `THRESHOLDS` and at the
        model's own, rising.
    parity
        How alike another backend answered, where one was asked.
    annotators
        The answers beside the votes of several people; None for a set with plain labels.
    stress
        The same faces under what cameras do, where that was asked for.
    """

    model: str
    provider: str
    precision: str
    data: str
    crop: str
    rule: str
    faces: int
    without_label: int
    skipped: int
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
    reliability: list[metrics.ReliabilityBin]
    reliability_uncalibrated: list[metrics.ReliabilityBin]
    uncertain_below: float
    uncertain: float
    accuracy_when_certain: float
    coverage: list[metrics.CoveragePoint]
    parity: Parity | None = None
    annotators: Annotators | None = None
    stress: UnderStress | None = None


def evaluate(
    classifier: ExpressionClassifier,
    faces: FaceSet,
    data: str,
    crop: Crop | None = None,
    crop_name: str = "the whole picture",
    batch: int = 64,
    on_batch: Callable[[int], None] | None = None,
) -> Evaluation:
    """Measure ``classifier`` against the labels of a set, by the rule that the set names.

    Parameters
    ----------
    classifier
        Used as the running program uses it, temperature and threshold included.
    faces, data
        The set, and what to call it.
    crop, crop_name
        How an image becomes the classifier's input, and what to call that.
    batch
        Crops in one call of the classifier.
    on_batch
        Called after each batch with the number of faces in it.

    Raises
    ------
    DataSetError
        If no face has a label by the rule, or no face was found in any of them.
    """
    crop = crop or whole_image(classifier.spec.input_size)
    rows, _ = faces.labelled()
    expressions: list[Expression] = []
    found: list[int] = []
    for start in range(0, len(rows), batch):
        crops = [(row, crop(faces.images[row])) for row in rows[start : start + batch]]
        seen = [(row, image) for row, image in crops if image is not None]
        if seen:
            expressions += classifier.classify(np.stack([image for _, image in seen]))
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
    # A photograph that lost its face when the set was read has a label too: sets of photographs have plain ones.
    labelled = len(rows) + len(faces.without_face)
    right = probabilities.argmax(axis=1) == truth
    among_two = (np.argsort(-probabilities, axis=1, kind="stable")[:, :2] == truth[:, None]).any(axis=1)
    certain = ~np.array([expression.uncertain for expression in expressions])
    return Evaluation(
        model=classifier.spec.name,
        provider=classifier.provider,
        precision=classifier.precision,
        data=data,
        crop=crop_name,
        rule=faces.rule,
        faces=labelled,
        without_label=len(faces) - len(rows),
        skipped=len(faces.skipped) - len(faces.without_face),
        not_found=labelled - len(found),
        accuracy=metrics.accuracy(confusion),
        accuracy_of_all=float(right.sum() / labelled),
        macro_f1=float(metrics.f1(confusion).mean()),
        labels={
            label: LabelFigures(
                int(count),
                float(precise),
                float(recalled),
                float(both),
                float(among_two[truth == index].sum() / max(1, count)),
            )
            for index, (label, count, precise, recalled, both) in enumerate(
                zip(
                    LABELS,
                    confusion.sum(axis=1),
                    metrics.precision(confusion),
                    metrics.recall(confusion),
                    metrics.f1(confusion),
                )
            )
        },
        confusion=confusion.tolist(),
        temperature=classifier.spec.temperature,
        nll=metrics.negative_log_likelihood(calibrated, truth),
        nll_uncalibrated=metrics.negative_log_likelihood(raw, truth),
        ece=metrics.expected_calibration_error(calibrated, truth),
        ece_uncalibrated=metrics.expected_calibration_error(raw, truth),
        reliability=metrics.reliability(calibrated, truth),
        reliability_uncalibrated=metrics.reliability(raw, truth),
        uncertain_below=classifier.spec.uncertain_below,
        uncertain=float(1 - certain.mean()),
        accuracy_when_certain=float(right[certain].mean()) if certain.any() else 0.0,
        coverage=metrics.coverage_curve(
            np.array([expression.confidence for expression in expressions]),
            right,
            sorted({*THRESHOLDS, classifier.spec.uncertain_below}),
        ),
        parity=classifier.parity() if isinstance(classifier, ComparedClassifier) else None,
        annotators=beside_annotators(
            probabilities, faces.take(np.asarray(found, np.int64)), classifier.spec.temperature
        ),
    )
