"""A resting face that is learned while somebody is watched, from today's answer on, slowly and within bounds."""

from __future__ import annotations

from typing import Optional

import numpy as np
from numpy.typing import NDArray

from fer_edge.track.rest import (
    HAPPY,
    Bounds,
    bounded_shift,
    is_readable,
    log_odds_of,
    shift_for,
)
from fer_edge.track.rest_samples import RestSamples, expression_in, lasting
from fer_edge.types import LABELS, Expression, RestShift

WINDOW = 60.0
"""Seconds of which the centre is taken. An expression that fills less than half of them does not move it."""

SPACING = 0.5
"""Seconds of a sample, whose mean is about what a steady label is made of: 120 samples of seven numbers for each face."""

TIME_CONSTANT = 5.0
"""Seconds in which the shift goes 63 % of the way to its goal, where it makes a label harder to reach. Felt expressions last
from half a second to four, seldom longer (Ekman and Friesen, "Felt, false and miserable smiles", 1982), so that one alone
brings it little more than half-way."""

EASING = 2.0
"""The same for happy. What passes does not make it easier: other expressions raise happy against neutral, too, and clear ones
teach nothing. Of 102 made people who were watched for 5 s, whose slight smiles are to be found (`people` in
tests/track/shown.py), 66 to 78 are with 5 s, 87 to 90 with 3, and 94 to 96 with 2."""

_TIME_CONSTANTS = np.full(len(LABELS), TIME_CONSTANT)
_TIME_CONSTANTS[HAPPY] = EASING

LEARNED = Bounds(easier=7.0, harder=2.0, happy_harder=0.0)
"""For a resting face that nobody vouched for. Somebody who smiles slightly from the first moment on must not make smiles
harder to see, so happy never becomes that; what else the face shows all along is taken for rest by a factor of 7 at most."""


class LearnedRest:
    """Learns the resting face of one track.

    It begins with no shift at all. Only frames in which the face can be read and shows no clear expression teach it; while it
    shows one, or cannot be read, the shift stays as it is.

    Parameters
    ----------
    bounds : Bounds
        How far it may move the answers.

    Examples
    --------
    >>> rest = LearnedRest()
    >>> neutral = Expression(np.array([0.01, 0, 0, 0, 0.97, 0.02, 0], np.float32), "neutral", 0.97, False)
    >>> bool(rest.update(neutral, 0.0).log_odds.any())
    False
    >>> for second in range(1, 31):
    ...     shift = rest.update(neutral, float(second))
    >>> bool(shift.log_odds[3] < -6.9)  # that of happy
    True
    """

    def __init__(self, bounds: Bounds = LEARNED) -> None:
        self._bounds = bounds
        self._samples = RestSamples(WINDOW, SPACING)
        self._shift: NDArray[np.float64] = np.zeros(7)
        self._goal: NDArray[np.float64] = np.zeros(7)
        self._seconds = 0.0
        self._before: Optional[float] = None

    def update(self, seen: Expression, at: float) -> RestShift:
        """As of `fer_edge.track.rest.Rest`."""
        lasted = lasting(at, self._before)
        self._before = at
        log_odds = log_odds_of(seen.probabilities)
        if is_readable(seen) and not expression_in(log_odds):
            self._learn(log_odds, lasted)
        return shift_for(seen, log_odds, self._shift, self._seconds)

    def _learn(self, log_odds: NDArray[np.float64], lasted: float) -> None:
        self._seconds += lasted
        if self._samples.add(log_odds, lasted):
            self._goal = bounded_shift(self._samples.centre(), self._bounds)
        self._shift += (self._goal - self._shift) * -np.expm1(-lasted / _TIME_CONSTANTS)
