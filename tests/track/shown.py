"""Made faces: what a network may say of a face, and streams of that."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

import numpy as np

from fer_edge.track.rest import Rest, rested
from fer_edge.types import LABELS, Expression, RestShift


def shown(doubt: Tuple[str, ...] = (), **log_odds: float) -> Expression:
    """Return the answer with these log-odds against neutral; those that are not given are -8."""
    logs = np.array([0.0 if label == "neutral" else log_odds.get(label, -8.0) for label in LABELS])
    probabilities = np.exp(logs - logs.max())
    probabilities = (probabilities / probabilities.sum()).astype(np.float32)
    best = int(probabilities.argmax())
    return Expression(probabilities, LABELS[best], float(probabilities[best]), bool(doubt), doubt)


def watched(rest: Rest, seen: Expression, seconds: float, fps: float = 10.0, begin: float = 0.0) -> RestShift:
    """Show a rest the same face for some seconds, and return the shift after them."""
    shift: Optional[RestShift] = None
    for index in range(round(seconds * fps) + 1):
        shift = rest.update(seen, begin + index / fps)
    assert shift is not None
    return shift


def label(seen: Expression, shift: RestShift) -> str:
    """Return the most probable expression with a shift."""
    return LABELS[int(rested(seen.probabilities, shift).argmax())]


def by_label(shift: RestShift) -> Dict[str, float]:
    """Return a shift by label."""
    return dict(zip(LABELS, map(float, shift.log_odds)))


def labels_over(rest: Rest, stream: List[Tuple[float, Expression]]) -> List[str]:
    """Return what a stream of moments and answers is read as, frame by frame."""
    read = []
    for at, seen in stream:
        shift = rest.update(seen, at)
        assert shift is not None
        read.append(label(seen, shift))
    return read
