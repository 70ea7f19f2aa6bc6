"""From the probabilities that a network gives to what a face expresses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_edge.types import LABELS, Expression


def answer(probabilities: NDArray[np.floating[Any]], uncertain_below: float) -> Expression:
    """Name the most probable expression, and doubt it where it is not probable enough.

    Parameters
    ----------
    probabilities : NDArray
        One for each of `fer_edge.types.LABELS`.
    uncertain_below : float
        Confidence under which a label is not to be trusted.
    """
    best = int(probabilities.argmax())
    confidence = float(probabilities[best])
    doubt = ("low confidence",) if confidence < uncertain_below else ()
    return Expression(
        probabilities.astype(np.float32, copy=False), LABELS[best], confidence, bool(doubt), doubt, uncertain_below
    )
