"""Made streams of what a network says of one face."""

from __future__ import annotations

from typing import Iterator, List, Mapping, Sequence, Tuple

import numpy as np

from fer_edge.track.reading import Reading, Steady
from fer_edge.types import LABELS, Expression


def expression(shown: Mapping[str, float], uncertain_below: float = 0.4, doubt: Tuple[str, ...] = ()) -> Expression:
    """Make one of some labels' probabilities; the others share the rest."""
    rest = (1.0 - sum(shown.values())) / (len(LABELS) - len(shown))
    return of([shown.get(label, rest) for label in LABELS], uncertain_below, doubt)


def of(probabilities: Sequence[float], uncertain_below: float = 0.4, doubt: Tuple[str, ...] = ()) -> Expression:
    """Make one of seven probabilities."""
    array = np.array(probabilities, np.float32)
    best = int(array.argmax())
    low = ("low confidence",) if array[best] < uncertain_below else ()
    return Expression(array, LABELS[best], float(array[best]), bool(doubt + low), doubt + low, uncertain_below)


def frames(
    parts: Sequence[Tuple[float, Expression]], fps: float, late: float = 0.0
) -> Iterator[Tuple[float, Expression]]:
    """Give moments and expressions of a face that shows each for so many seconds; the first frame is so `late`."""
    end, index = 0.0, 0
    for seconds, shown in parts:
        end += seconds
        while late + index / fps < end:
            yield late + index / fps, shown
            index += 1


def read(reading: Reading, stream: Iterator[Tuple[float, Expression]]) -> List[Steady]:
    """Give a stream to a reading."""
    return [reading.update(shown, at) for at, shown in stream]


def labels(steady: Sequence[Steady]) -> List[str]:
    """Return the labels that were shown."""
    return [one.expression.label for one in steady]


def changes(shown: Sequence[str]) -> int:
    """Return how often a label was another than the one before."""
    return sum(one != other for one, other in zip(shown, shown[1:]))
