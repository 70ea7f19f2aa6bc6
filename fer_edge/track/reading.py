"""What one face shows over time, from what it shows in each frame."""

from __future__ import annotations

from typing import NamedTuple, Optional

from fer_edge.types import Expression, RestShift


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
    """Reads one face over time."""

    def __init__(self) -> None:
        self._label = ""
        self._since = 0.0

    def update(self, seen: Expression, at: float) -> Steady:
        """Take what a frame shows at a moment, and return what is shown steadily."""
        if seen.label != self._label:
            self._label, self._since = seen.label, at
        return Steady(seen, self._since)
