"""Made faces: what a network may say of a face, and streams of that."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

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


def people(seed: int = 0) -> Iterator[Tuple[Expression, Expression]]:
    """Yield 102 made people, neutral and with a slight smile, with a rise in happy as that of people who were photographed so.

    Its log-odds rise by 1 to 2 in 6 of them, and by up to 8 in the others; at rest they lie between -9 and -2. Sad and angry
    have those of neutral faces of FER+, and change a little with the smile.
    """
    random = np.random.default_rng(seed)
    for number in range(102):
        happy, sad, angry = random.uniform(-9, -2), min(random.normal(-4, 2), -0.5), min(random.normal(-6.5, 1.8), -0.5)
        rise = random.uniform(1, 2) if number < 6 else min(2 + random.gamma(2.0, 1.25), 8.0)
        off_sad, off_angry = random.normal(0, 0.6, 2)
        smile = shown(happy=happy + rise, sad=sad + off_sad, angry=angry + off_angry)
        yield shown(happy=happy, sad=sad, angry=angry), smile
