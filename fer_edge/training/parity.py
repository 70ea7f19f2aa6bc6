"""Whether two backends answer alike: the same crops go through both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_edge.classify.backend_choice import Wanted
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.registry import BACKEND_NAMES, DEVICE_NAMES, PRECISION_NAMES
from fer_edge.errors import GateMissed, UsageError
from fer_edge.types import Expression


@dataclass(frozen=True)
class Parity:
    """How alike two classifiers answer.

    Attributes
    ----------
    other
        What the second one runs on.
    faces
        Faces that both were asked about.
    agreement
        Share of them with the same label.
    largest_difference
        Largest absolute difference of a probability.
    mean_difference
        Mean over the faces of the largest difference of each.
    """

    other: str
    faces: int
    agreement: float
    largest_difference: float
    mean_difference: float


class ComparedClassifier(ExpressionClassifier):
    """Answers as one classifier does, and asks another the same.

    Parameters
    ----------
    one, other
        Built and closed by the caller.
    """

    def __init__(self, one: ExpressionClassifier, other: ExpressionClassifier) -> None:
        self.spec, self.provider, self.precision = one.spec, one.provider, one.precision
        self._one, self._other = one, other
        self._differences: list[npt.NDArray[np.float32]] = []
        self._same: list[bool] = []

    def classify(self, crops: npt.NDArray[np.uint8]) -> tuple[Expression, ...]:
        """Return the first one's answers."""
        answers, others = self._one.classify(crops), self._other.classify(crops)
        for answer, other in zip(answers, others, strict=True):
            self._differences.append(np.abs(answer.probabilities - other.probabilities).max())
            self._same.append(answer.label == other.label)
        return answers

    def parity(self) -> Parity:
        """Return the sum of what was asked until now, at least one face."""
        return Parity(
            other=f"{self._other.provider}, {self._other.precision}",
            faces=len(self._same),
            agreement=float(np.mean(self._same)),
            largest_difference=float(np.max(self._differences)),
            mean_difference=float(np.mean(self._differences)),
        )


def check_agreement(parity: Parity, least: float) -> None:
    """Raise GateMissed when fewer than the share ``least`` of the labels agree."""
    if parity.agreement < least:
        raise GateMissed(
            f"Only {parity.agreement:.2%} of the labels are those of {parity.other}; {least:.2%} were wanted.",
            "Use --precision fp32, or loosen --min-agreement.",
        )


def wanted_from(text: str) -> Wanted:
    """Read ``BACKEND[:DEVICE[:PRECISION]]``, such as ``onnx:cpu:fp32``.

    Raises
    ------
    UsageError
        If a word is not known, or they exclude each other.
    """
    words = text.split(":")
    known = (BACKEND_NAMES, DEVICE_NAMES, PRECISION_NAMES)
    if len(words) > len(known) or any(word not in names for word, names in zip(words, known)):
        raise UsageError(
            f"{text!r} is no backend.",
            f"Write BACKEND[:DEVICE[:PRECISION]] of {'; '.join(map(', '.join, known))}.",
        )
    wanted = Wanted(*words)
    wanted.check()
    return wanted
