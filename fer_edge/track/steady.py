"""The label that a face shows steadily: it does not follow every frame, and still changes soon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence

from fer_edge.track.smoothing import Levels, check_half_life

LEAD = math.log(2.0)
"""Log-odds by which another label must lead after smoothing: twice as probable."""

SOON = 2 / 3
"""Half-lives, 0.2 s of the default, for which a label must lead clearly, or frames say the same, before it is shown. That
brings a sure change within 0.27 s at 15 frames a second, and at the same moment at 10 and at 30."""

WHILE = 5 / 3
"""Half-lives, 0.5 s of the default, for which a label that leads by less must do so. Where two stay nearly equal, the one that
leads is right by little, so there is no hurry."""

AGREED_LEAD = math.log(1.4)
"""Log-odds by which frames that all say the same must put the new label above the old one, in the mean, to be believed without
the smoothing. That alone needs 0.75 s from a label that is sure (0.99) to one that is not (0.6). The figure is below 0.6
against 0.4, a change that shall be seen, and above what chance makes of four frames of two labels that are equal."""

AGREED_FRAMES = 3
"""The fewest frames that can agree; at 5 frames a second two of them are 0.2 s apart."""

SUPPORT = 2
"""Frames that must have put a label first, since it began to lead, before it is shown: a single one never is."""


@dataclass
class _Run:
    """Frames in a row that put the same label first."""

    index: int
    began: float
    frames: int
    total: Levels


@dataclass
class _Leader:
    """A label that leads after smoothing and is not shown yet."""

    index: int
    began: float
    support: int = 0


class SteadyLabel:
    """Decides when a label gives way to another.

    Another label is shown when for a short time (`SOON`) it leads clearly after smoothing (`LEAD`), or every frame says so
    (`AGREED_LEAD`); or when it leads for a while (`WHILE`); and never because of a single frame.

    Parameters
    ----------
    half_life : float
        Of the smoothing, in seconds; the times above are multiples of it.

    Attributes
    ----------
    index : int
        Of the label in `fer_edge.types.LABELS`; -1 before the first frame.
    since : float
        The moment from which on it is that one.

    Raises
    ------
    UsageError
        The half-life is no finite number above 0.

    Examples
    --------
    >>> happy, sad = [-0.1, -2.4], [-2.4, -0.1]
    >>> label = SteadyLabel(half_life=0.3)
    >>> label.update(happy, happy, 0.0)
    >>> label.update(sad, [-0.4, -2.1], 0.1)
    >>> label.index
    0
    """

    def __init__(self, half_life: float) -> None:
        half_life = check_half_life(half_life)
        # Frames come at 0.2 s, and in floating point a little before.
        self._soon = SOON * half_life * (1 - 1e-6)
        self._while = WHILE * half_life * (1 - 1e-6)
        self._run: Optional[_Run] = None
        self._leader: Optional[_Leader] = None
        self.index = -1
        self.since = 0.0

    def update(self, seen: Sequence[float], smoothed: Sequence[float], at: float) -> Optional[Levels]:
        """Take a frame.

        Parameters
        ----------
        seen, smoothed : sequence of float
            Log-probabilities in this frame, and smoothed with it.
        at : float
            Its moment, in seconds; later than the one before.

        Returns
        -------
        list of float or None
            From where the smoothing is to go on, where frames that agree made the label: their mean. Else None.
        """
        first = seen.index(max(seen))
        if self.index < 0:
            self._show(first, at)
            return None
        agreed = self._agreement(first, seen, at)
        if agreed is None:
            self._lead(first, smoothed, at)
        return agreed

    def move(self, seconds: float) -> None:
        """Take all that was for so much later: the clock was set."""
        self.since += seconds
        for one in (self._run, self._leader):
            if one is not None:
                one.began += seconds

    def _agreement(self, first: int, seen: Sequence[float], at: float) -> Optional[Levels]:
        if first == self.index:
            self._run = None
            return None
        run = self._run
        if run is None or run.index != first:
            self._run = _Run(first, at, 1, list(seen))
            return None
        run.frames += 1
        run.total = [one + other for one, other in zip(run.total, seen)]
        enough = run.frames >= AGREED_FRAMES and at - run.began >= self._soon
        if not enough or run.total[first] - run.total[self.index] < AGREED_LEAD * run.frames:
            return None
        self._show(first, at)
        return [level / run.frames for level in run.total]

    def _lead(self, first: int, smoothed: Sequence[float], at: float) -> None:
        leading = smoothed.index(max(smoothed))
        if leading == self.index:
            self._leader = None
            return
        leader = self._leader
        if leader is None or leader.index != leading:
            leader = self._leader = _Leader(leading, at)
        leader.support += first == leading
        clear = smoothed[leading] - smoothed[self.index] >= LEAD
        if leader.support >= SUPPORT and at - leader.began >= (self._soon if clear else self._while):
            self._show(leading, at)

    def _show(self, index: int, at: float) -> None:
        self.index, self.since = index, at
        self._run = self._leader = None
