"""How well a classifier bears what cameras do: the figures of each stress on the same faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.errors import DataSetError
from fer_edge.training import metrics
from fer_edge.training.data import FaceSet
from fer_edge.training.faces import Crop, whole_image
from fer_edge.training.stress import STRESSES, Stress, stressed
from fer_edge.types import LABELS

NOTHING = "nothing"
"""Name of the row of the faces as they are."""


@dataclass(frozen=True)
class StressRow:
    """Figures under one stress; see `fer_edge.training.metrics`. ``uncertain``: share of the answers that the model doubts."""

    stress: str
    accuracy: float
    macro_f1: float
    nll: float
    ece: float
    uncertain: float
    recall: dict[str, float]


@dataclass(frozen=True)
class UnderStress:
    """Figures of one classifier on the same faces under each stress.

    Attributes
    ----------
    seed
        Decides every random part.
    faces
        How many faces each row is of.
    nothing
        The faces as they are.
    rows
        In the order of `fer_edge.training.stress.STRESSES`.
    left_out
        Stresses that do nothing to this network, and why.
    accuracy, macro_f1, ece
        Means over ``rows``.
    """

    seed: int
    faces: int
    nothing: StressRow
    rows: list[StressRow]
    left_out: dict[str, str]
    accuracy: float
    macro_f1: float
    ece: float


def stresses_for(colour: str) -> tuple[tuple[Stress, ...], dict[str, str]]:
    """Return the stresses that mean something to a network of that colour (``gray`` or ``rgb``), and why the others do not."""
    chosen = tuple(stress for stress in STRESSES if colour == "rgb" or not stress.colour)
    reason = "the network sees grey"
    return chosen, {stress.name: reason for stress in STRESSES if stress not in chosen}


def under_stress(
    classifier: ExpressionClassifier,
    faces: FaceSet,
    crop: Crop | None = None,
    seed: int = 0,
    batch: int = 64,
    on_batch: Callable[[int], None] | None = None,
) -> UnderStress:
    """Measure ``classifier`` on the crops of a set under every stress.

    Parameters
    ----------
    classifier
        Used as the running program uses it.
    faces
        The set; its faces with a majority label are used.
    crop
        How an image becomes the classifier's input, before the stress; the whole picture without.
    seed
        Decides every random part: the same crop is always changed in the same way.
    batch
        Crops in one call of the classifier.
    on_batch
        Called after each call of the classifier with the number of crops in it.

    Raises
    ------
    DataSetError
        If no face has a label, or none was found in any picture.

    Examples
    --------
    ::

        figures = under_stress(classifier, load_faces(source))
        print(figures.nothing.accuracy, figures.accuracy)
    """
    crop = crop or whole_image(classifier.spec.input_size)
    chosen, left_out = stresses_for(classifier.spec.colour)
    rows, labels = faces.labelled()
    truth: list[int] = []
    # One list more than stresses: the faces as they are come first.
    answers: list[list[np.ndarray]] = [[] for _ in range(1 + len(chosen))]  # type: ignore[type-arg]
    doubts = [0] * len(answers)
    for start in range(0, len(rows), batch):
        pairs = [(label, crop(faces.images[row])) for row, label in zip(rows[start:][:batch], labels[start:][:batch])]
        found = [(label, image) for label, image in pairs if image is not None]
        truth += [label for label, _ in found]
        for index, stress in enumerate((None, *chosen)) if found else ():
            crops = [image if stress is None else stressed(image, stress, seed) for _, image in found]
            given = classifier.classify(np.stack(crops))
            answers[index] += [expression.probabilities for expression in given]
            doubts[index] += sum(expression.uncertain for expression in given)
            if on_batch:
                on_batch(len(found))
    if not truth:
        raise DataSetError("No face was found in any picture.", "Try another detector, or none.")
    names = (NOTHING, *(stress.name for stress in chosen))
    figures = [
        _row(name, np.stack(one), np.asarray(truth), doubted) for name, one, doubted in zip(names, answers, doubts)
    ]
    return UnderStress(
        seed,
        len(truth),
        figures[0],
        figures[1:],
        left_out,
        accuracy=_mean(figures[1:], "accuracy"),
        macro_f1=_mean(figures[1:], "macro_f1"),
        ece=_mean(figures[1:], "ece"),
    )


def _row(name: str, probabilities: metrics.Floats, truth: metrics.Ints, doubted: int) -> StressRow:
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))
    confusion = metrics.confusion_matrix(truth, probabilities.argmax(axis=1), len(LABELS))
    return StressRow(
        stress=name,
        accuracy=metrics.accuracy(confusion),
        macro_f1=float(metrics.f1(confusion).mean()),
        nll=metrics.negative_log_likelihood(logits, truth),
        ece=metrics.expected_calibration_error(logits, truth),
        uncertain=doubted / len(truth),
        recall={label: float(value) for label, value in zip(LABELS, metrics.recall(confusion))},
    )


def _mean(rows: Sequence[StressRow], figure: str) -> float:
    return float(np.mean([getattr(row, figure) for row in rows]))
