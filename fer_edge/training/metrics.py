"""Figures of merit of a classifier, from its logits or its confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt

from fer_edge.classify.softmax import softmax

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers whose confidence lies from ``low`` to under ``high``; the last bin has its upper edge too.

    ``confidence`` is their mean confidence, ``accuracy`` the share of them that is right; None for a bin without answers.
    """

    low: float
    high: float
    answers: int
    confidence: Optional[float]
    accuracy: Optional[float]


@dataclass(frozen=True)
class CoveragePoint:
    """What is left when answers with a confidence under ``threshold`` are withheld.

    ``coverage`` is the share of answers that is given, ``accuracy`` the share of these that is right; None where none is given.
    """

    threshold: float
    coverage: float
    accuracy: Optional[float]


def confusion_matrix(truth: Ints, answers: Ints, classes: int) -> npt.NDArray[np.int64]:
    """Count answers, C x C; row: the true label, column: the answer."""
    return np.bincount(truth * classes + answers, minlength=classes * classes).reshape(classes, classes)


def accuracy(confusion: Ints) -> float:
    """Return the share of right answers; 0 where there is none to count."""
    return float(np.trace(confusion) / max(1, confusion.sum()))


def recall(confusion: Ints) -> npt.NDArray[np.float64]:
    """Return the share found of each true label; 0 for a label that does not occur."""
    return np.asarray(np.diag(confusion) / np.maximum(1, confusion.sum(axis=1)))


def precision(confusion: Ints) -> npt.NDArray[np.float64]:
    """Return the share right of each answer; 0 for an answer never given."""
    return np.asarray(np.diag(confusion) / np.maximum(1, confusion.sum(axis=0)))


def f1(confusion: Ints) -> npt.NDArray[np.float64]:
    """Return the harmonic mean of precision and recall of each label; 0 where both are 0."""
    seen = confusion.sum(axis=1) + confusion.sum(axis=0)
    return np.asarray(2 * np.diag(confusion) / np.maximum(1, seen))


def negative_log_likelihood(logits: Floats, truth: Ints, temperature: float = 1.0) -> float:
    """Return the mean -log p(true label), in nats."""
    chosen = softmax(logits, temperature)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def reliability(logits: Floats, truth: Ints, temperature: float = 1.0, bins: int = 15) -> list[ReliabilityBin]:
    """Compare confidence with accuracy in ``bins`` equal bins of confidence (Guo et al., 2017, section 2)."""
    probabilities = softmax(logits, temperature)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    result = []
    for index in range(bins):
        inside = which == index
        some = bool(inside.any())
        result.append(
            ReliabilityBin(
                low=index / bins,
                high=(index + 1) / bins,
                answers=int(inside.sum()),
                confidence=float(confidence[inside].mean()) if some else None,
                accuracy=float(right[inside].mean()) if some else None,
            )
        )
    return result


def expected_calibration_error(logits: Floats, truth: Ints, temperature: float = 1.0, bins: int = 15) -> float:
    """Return the mean distance between confidence and accuracy, over ``bins`` equal bins of confidence.

    Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3.
    """
    return sum(
        abs(each.accuracy - each.confidence) * each.answers / len(truth)
        for each in reliability(logits, truth, temperature, bins)
        if each.accuracy is not None and each.confidence is not None
    )


def coverage_curve(
    confidence: Floats, right: npt.NDArray[np.bool_], thresholds: Iterable[float]
) -> list[CoveragePoint]:
    """Return what each threshold of confidence leaves, in the order given: fewer answers, of which more are right.

    Parameters
    ----------
    confidence, right
        N each, at least one: how sure each answer is, from 0 to 1, and whether it is right.
    thresholds
        From 0 to 1. An answer is given where its confidence is not under the threshold, as the running program decides.
    """
    points = []
    for threshold in thresholds:
        given = confidence >= threshold
        points.append(
            CoveragePoint(threshold, float(given.mean()), float(right[given].mean()) if given.any() else None)
        )
    return points


def cross_entropy(logits: Floats, shares: Floats, temperature: float = 1.0) -> float:
    """Return the mean of -sum of share times log p over the labels, in nats; ``shares`` are N x C with a mean sum of 1."""
    probabilities = softmax(logits, temperature)
    return float(-(shares * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1).mean())


def fit_temperature(logits: Floats, truth: Ints) -> float:
    """Return the temperature in [0.25, 4] that minimises the negative log-likelihood (Guo et al., 2017, section 4.2)."""
    return _lowest(lambda temperature: negative_log_likelihood(logits, truth, temperature))


def fit_temperature_to(logits: Floats, shares: Floats) -> float:
    """Return the temperature in [0.25, 4] that minimises the cross-entropy to shares N x C, such as those of votes."""
    return _lowest(lambda temperature: cross_entropy(logits, shares, temperature))


def _lowest(loss: Callable[[float], float]) -> float:
    """Find the minimum by a golden-section search on the temperature's logarithm; there is one."""
    low, high = np.log(0.25), np.log(4.0)
    ratio = (np.sqrt(5.0) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(float(np.exp(left))) < loss(float(np.exp(right))):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))
