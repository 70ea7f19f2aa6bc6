"""What a classifier answers to many crops, as numbers to compare."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_edge.classify.base import ExpressionClassifier

BATCH = 32


def log_probabilities(classifier: ExpressionClassifier, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return N x 7, in the order of `LABELS`: logits, but for what the softmax does not tell and the model's temperature.

    Parameters
    ----------
    classifier
        Asked for `BATCH` crops at a time.
    crops
        N x size x size x 3, BGR, N at least 1.
    """
    answers = [
        one.probabilities
        for start in range(0, len(crops), BATCH)
        for one in classifier.classify(crops[start : start + BATCH])
    ]
    logits: npt.NDArray[np.float64] = np.log(np.maximum(np.asarray(answers, np.float64), 1e-12))
    return logits
