"""What one face shows over time, from what it shows in each frame."""

from __future__ import annotations

import math
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from fer_edge.track.rest import NoRest, Rest, rested
from fer_edge.track.smoothing import Smoother, log_probabilities, probabilities_of
from fer_edge.track.steady import SteadyLabel
from fer_edge.types import DOUBTS, LABELS, Expression, RestShift

HALF_LIFE = 0.3
"""Seconds, the default: single frames of real clips do not show, and a change does within a third of a second."""

BEGINS, ENDS = 2 / 3, 1 / 3
"""Shares of the recent time for which a doubt must hold before it is shown, and under which it is shown no more. So it does not
change twice within a half-life. With one limit for both, a face that trembled about that of `small` changed at half of all
frames."""

_LOW = DOUBTS.index("low confidence")
_UNNAMED = len(DOUBTS)


class Steady(NamedTuple):
    """What a face shows steadily.

    Attributes
    ----------
    expression : Expression
        Smoothed, with the steady label.
    since : float
        The moment from which on the label is what it is.
    rest : RestShift or None
        By how much the resting face moved it.
    """

    expression: Expression
    since: float
    rest: Optional[RestShift] = None


class Reading:
    """Reads one face over time.

    The log-probabilities of each frame are moved by the resting face, then smoothed, and the label follows with hysteresis
    (`fer_edge.track.steady`). A reason for doubt is shown when it held for most of the recent time (`BEGINS`), and until it
    hardly does (`ENDS`). A clock that stands still or goes back is no time that passed.

    Parameters
    ----------
    half_life : float
        Seconds after which a frame counts half.
    rest : Rest, optional
        Knows the person's resting face; without, answers stay as they are.

    Raises
    ------
    UsageError
        The half-life is no finite number above 0.

    Examples
    --------
    >>> from fer_edge.classify.answer import answer
    >>> happy = answer(np.array([0.02, 0.02, 0.02, 0.82, 0.04, 0.04, 0.04]), 0.4)
    >>> afraid = answer(np.array([0.02, 0.02, 0.82, 0.04, 0.04, 0.02, 0.04]), 0.4)
    >>> reading = Reading()
    >>> [reading.update(seen, at).expression.label for at, seen in ((0.0, happy), (0.1, afraid), (0.2, happy))]
    ['happy', 'happy', 'happy']
    """

    def __init__(self, half_life: float = HALF_LIFE, rest: Optional[Rest] = None) -> None:
        self._levels = Smoother(half_life)
        self._doubts = Smoother(half_life)
        self._doubted: List[bool] = []
        self._label = SteadyLabel(half_life)
        self._rest: Rest = NoRest() if rest is None else rest
        self._at: Optional[float] = None

    def update(self, seen: Expression, at: float) -> Steady:
        """Take what a frame shows, and return what is shown steadily.

        Parameters
        ----------
        seen : Expression
            Of the frame.
        at : float
            Its moment in seconds, on any scale that does not change.
        """
        before = self._at
        if not math.isfinite(at):
            at = 0.0 if before is None else before
        passed = 0.0 if before is None else at - before
        if passed < 0:
            self._label.move(passed)
        self._at = at
        shift = self._rest.update(seen, at)
        # Before anything is bounded: a slight smile may begin at a probability far below what is smoothed.
        levels = log_probabilities(seen.probabilities if shift is None else rested(seen.probabilities, shift))
        smoothed = self._levels.update(levels, passed)
        shares = self._doubts.update(_doubts_of(seen), passed)
        doubted = self._doubted or [False] * len(shares)
        self._doubted = [share > (ENDS if held else BEGINS) for share, held in zip(shares, doubted)]
        if passed > 0 or self._label.index < 0:
            agreed = self._label.update(levels, smoothed, at)
            if agreed is not None:
                self._levels.restart(agreed)
                smoothed = agreed
        return Steady(self._expression(smoothed, self._doubted, seen.uncertain_below), self._label.since, shift)

    def _expression(self, levels: List[float], doubted: List[bool], uncertain_below: float) -> Expression:
        probabilities = np.array(probabilities_of(levels), np.float32)
        confidence = float(probabilities[self._label.index])
        low = confidence < uncertain_below if uncertain_below > 0 else doubted[_LOW]
        doubt: Tuple[str, ...] = ()
        if low or any(doubted):
            doubt = tuple(word for word, held in zip(DOUBTS, doubted) if (low if word == DOUBTS[_LOW] else held))
        uncertain = bool(doubt) or doubted[_UNNAMED]
        label = LABELS[self._label.index]
        return Expression(probabilities, label, confidence, uncertain, doubt, uncertain_below)


_SURE = [0.0] * (len(DOUBTS) + 1)


def _doubts_of(seen: Expression) -> List[float]:
    """Return 1 for each of `DOUBTS` that holds, else 0; and last, whether the frame is uncertain without a reason."""
    if not seen.uncertain:
        return _SURE
    return [float(word in seen.doubt) for word in DOUBTS] + [float(not seen.doubt)]
