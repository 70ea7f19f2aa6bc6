"""What one face shows over time, from what it shows in each frame."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, Optional

from fer_edge.track.rest import NoRest, Rest, rested
from fer_edge.types import LABELS, Expression, RestShift


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

    Parameters
    ----------
    half_life : float
        Seconds after which a frame counts half.
    rest : Rest, optional
        Knows the resting face.
    """

    def __init__(self, half_life: float = 0.3, rest: Optional[Rest] = None) -> None:  # noqa: ARG002
        self._rest = rest or NoRest()
        self._label = ""
        self._since = 0.0

    def update(self, seen: Expression, at: float) -> Steady:
        """Take what a frame shows at a moment, and return what is shown steadily."""
        shift = self._rest.update(seen, at)
        if shift is not None:
            moved = rested(seen.probabilities, shift)
            best = int(moved.argmax())
            seen = replace(seen, probabilities=moved, label=LABELS[best], confidence=float(moved[best]))
        if seen.label != self._label:
            self._label, self._since = seen.label, at
        return Steady(seen, self._since, shift)
