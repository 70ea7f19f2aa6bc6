"""From logits to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the probabilities of logits, N x C, that are divided by `temperature` first.

    Parameters
    ----------
    logits : NDArray
        N x C, finite.
    temperature : float
        Above 0; above 1 it makes the probabilities more alike (Guo et al., "On Calibration of Modern Neural Networks", 2017).
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
