"""A classifier for tests, and for measuring everything but classification."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.answer import answer
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.spec import ModelSpec
from fer_edge.types import Expression


class FakeClassifier(ExpressionClassifier):
    """Returns for every crop the same probabilities."""

    def __init__(self, probabilities: Sequence[float] = (0, 0, 0, 1, 0, 0, 0)) -> None:
        self.spec = ModelSpec(name="fake")
        self.provider = "none"
        self._probabilities = np.asarray(probabilities, np.float32)

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Return the probabilities that the constructor was given, once for each crop."""
        return (answer(self._probabilities, self.spec.uncertain_below),) * len(crops)
