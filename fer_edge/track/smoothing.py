"""Smoothing of what a network says of one face, in log-probability and in real time."""

from __future__ import annotations

import math
from typing import Any, List, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import UsageError

Levels = List[float]
"""Log-probabilities, one for each of `fer_edge.types.LABELS`."""

LEAST = 1e-3
"""Probabilities are taken for no smaller than this. A single frame then moves the smoothed log-odds by at most 6.9 times its
share, 1.0 at 15 frames a second and the default half-life; without a bound one frame of 1e-30 would weigh for seconds. It
costs a certain answer at most 0.6 % of its probability."""


def log_probabilities(probabilities: NDArray[np.floating[Any]]) -> Levels:
    """Return the logarithms of probabilities, each at least log(`LEAST`) and at most 0; what is no number counts as 0.

    Parameters
    ----------
    probabilities : NDArray
        One for each of `fer_edge.types.LABELS`.

    Examples
    --------
    >>> [round(level, 2) for level in log_probabilities(np.array([1.0, 0.5, 0.0]))]
    [0.0, -0.69, -6.91]
    """
    log, values = math.log, np.asarray(probabilities).tolist()
    # Compared in this way, what is no number is not above the least.
    return [log(value) if LEAST < value < 1.0 else 0.0 if value >= 1.0 else _LOWEST for value in values]


_LOWEST = math.log(LEAST)


def probabilities_of(levels: Sequence[float]) -> List[float]:
    """Return the probabilities that levels stand for; they sum to 1, whatever the levels do."""
    highest, exp = max(levels), math.exp
    powers = [exp(level - highest) for level in levels]
    total = sum(powers)
    return [power / total for power in powers]


def check_half_life(half_life: Any) -> float:
    """Return a half-life in seconds. Raises UsageError unless it is a finite number above 0."""
    if not isinstance(half_life, (int, float, np.number)) or not 0 < half_life < math.inf:
        raise UsageError(
            f"A half-life of {half_life!r} seconds cannot be.",
            "Give a number above 0, as 0.3; what is to be seen frame by frame needs no track: fer-edge --tracks off.",
        )
    return float(half_life)


class Smoother:
    """Follows some numbers with a delay: after one half-life, half of a step is done.

    ``y += (1 - 2 ** (-seconds / half_life)) * (x - y)``, where a value `x` is taken to have held since the one before. How
    many values came in that time makes no difference, so that the answer does not depend on the frame rate.

    Parameters
    ----------
    half_life : float
        Seconds.

    Raises
    ------
    UsageError
        The half-life is no finite number above 0.

    Examples
    --------
    >>> smoother = Smoother(half_life=0.3)
    >>> smoother.update([0.0], 0.0)
    [0.0]
    >>> [round(value, 6) for value in smoother.update([1.0], 0.3)]
    [0.5]
    """

    def __init__(self, half_life: float) -> None:
        self._rate = math.log(2) / check_half_life(half_life)
        self._values: Optional[List[float]] = None

    def update(self, values: Sequence[float], seconds: float) -> List[float]:
        """Take values that held for so many seconds, and return the smoothed ones; the first are taken as they are."""
        if self._values is None:
            self._values = list(values)
        elif seconds > 0:
            share = -math.expm1(-self._rate * seconds)
            self._values = [old + share * (new - old) for old, new in zip(self._values, values)]
        return self._values

    def restart(self, values: Sequence[float]) -> None:
        """Forget what was, and go on from these values."""
        self._values = list(values)
