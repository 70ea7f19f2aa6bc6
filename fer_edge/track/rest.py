"""A person's face at rest, against which that person's expressions are judged.

A network that was trained on strangers calls a face neutral that looks as most faces do at rest. Somebody whose mouth turns
down looks sad to it, and the slight smile of somebody who looks stern is called neutral. What tells is the *rise*: by how much
the log-odds of an expression against neutral exceed those of the same face at rest. A shift of the log-probabilities by the
log-odds at rest and a margin makes a rise of more than the margin win, and no smaller one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Protocol

import numpy as np
from numpy.typing import NDArray

from fer_edge.types import LABELS, Expression, RestShift

NEUTRAL, HAPPY = LABELS.index("neutral"), LABELS.index("happy")
_OTHERS = [index for index in range(len(LABELS)) if index not in (NEUTRAL, HAPPY)]

MARGIN = 1.5
"""By how much the log-odds of an expression must rise over those at rest: a factor of 4.5. Of 102 people whose slight smile
was photographed beside their neutral face, all rose by more than 1 and 96 by more than 2; docs/tracks.md has more."""

SPREADS = 4.0
"""Spreads of happy at rest by which it must rise at least: 2.7 standard deviations, where log-odds are spread normally. A face
that keeps still has a spread of 0.2 to 0.3, which asks for less than the margin; a head that turns has one of 0.7."""

LEAST_PROBABILITY = 1e-6
"""Below it, a probability tells nothing: with it, log-odds lie between -14 and 14."""

UNREADABLE = frozenset({"small", "cut off", "turned", "blurred", "upside down", "covered", "second face"})
"""Doubts with which a face tells nothing. Low confidence is none of them: who looks neither neutral nor sad gains most."""

ELSEWHERE_FROM, ELSEWHERE_FULL = -1.0, 0.0
"""Log-odds against neutral of another expression, after its own shift, from which on happy is made less easy, and at which it
is made no easier at all. Without that, a third of angry faces would be called happy (docs/tracks.md)."""


class Rest(Protocol):
    """Knows, or learns, one person's resting face."""

    def update(self, seen: Expression, at: float) -> Optional[RestShift]:
        """Take what a frame shows at a moment, and return the shift that holds for it; None for none.

        Parameters
        ----------
        seen : Expression
            The network's answer for the frame, as it is.
        at : float
            Seconds, of `fer_edge.track.base.moment_of`; never before that of the last call but for a clock that jumps.
        """


class NoRest:
    """Leaves every answer as it is."""

    def update(self, seen: Expression, at: float) -> Optional[RestShift]:  # noqa: ARG002
        """Return None."""
        return None


@dataclass(frozen=True)
class RestingFace:
    """What the network says of one person's face at rest.

    Attributes
    ----------
    log_odds : NDArray[np.float64]
        Of each of `fer_edge.types.LABELS` against neutral, the median over the time that it was watched; 0 for neutral.
    spread : NDArray[np.float64]
        How much they varied: the median distance from that median.
    seconds : float
        How long it was watched; 0 for a picture.
    frames : int
        In how many frames.
    """

    log_odds: NDArray[np.float64]
    spread: NDArray[np.float64]
    seconds: float
    frames: int


@dataclass(frozen=True)
class Bounds:
    """How far a resting face may move the answers, in log-odds.

    Attributes
    ----------
    easier : float
        By how much happy may be made easier to reach. The other expressions never are (docs/tracks.md).
    harder : float
        By how much what the face shows at rest may be made harder to reach.
    happy_harder : float
        The same for happy.
    margin : float
        By how much an expression must rise over rest.
    """

    easier: float
    harder: float
    happy_harder: float
    margin: float = MARGIN


TRUSTED = Bounds(easier=7.0, harder=6.0, happy_harder=6.0)
"""For a resting face that was recorded on purpose. What has log-odds of less than -7 at rest varies more by chance."""


class FixedRest:
    """Judges every face against one resting face, which was recorded on purpose.

    Parameters
    ----------
    face : RestingFace
        Of the person in view.
    bounds : Bounds
        How far it may move the answers.

    Examples
    --------
    >>> stern = RestingFace(np.array([-6.0, -7, -8, -7, 0, -4, -7]), np.zeros(7), 5.0, 75)
    >>> slight_smile = Expression(np.array([0.0, 0, 0, 0.02, 0.96, 0.02, 0], np.float32), "neutral", 0.96, False)
    >>> shift = FixedRest(stern).update(slight_smile, 0.0)
    >>> LABELS[int(rested(slight_smile.probabilities, shift).argmax())]
    'happy'
    """

    def __init__(self, face: RestingFace, bounds: Bounds = TRUSTED) -> None:
        self._shift = bounded_shift(face, bounds)
        self._seconds = face.seconds

    def update(self, seen: Expression, at: float) -> RestShift:  # noqa: ARG002  (it does not change with time)
        """Return the shift for a frame."""
        return shift_for(seen, log_odds_of(seen.probabilities), self._shift, self._seconds)


def log_odds_of(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the log-odds of each of `fer_edge.types.LABELS` against neutral, from seven probabilities."""
    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY, dtype=np.float64))
    odds: NDArray[np.float64] = logs - logs[NEUTRAL]
    return odds


def is_readable(seen: Expression) -> bool:
    """Return whether a frame shows the face so that it tells what that looks like."""
    return not UNREADABLE.intersection(seen.doubt)


def bounded_shift(face: RestingFace, bounds: Bounds) -> NDArray[np.float64]:
    """Return what is to be taken off the log-probabilities of a person with that resting face; 0 for neutral."""
    at_rest = face.log_odds
    shift = np.clip(at_rest + bounds.margin, 0.0, bounds.harder)
    happy = at_rest[HAPPY] + bounds.margin
    if happy < 0:
        happy = min(at_rest[HAPPY] + max(bounds.margin, SPREADS * face.spread[HAPPY]), 0.0)
    shift[HAPPY] = np.clip(happy, -bounds.easier, bounds.happy_harder)
    shift[NEUTRAL] = 0.0
    return shift


def shift_for(seen: Expression, log_odds: NDArray[np.float64], shift: NDArray[np.float64], seconds: float) -> RestShift:
    """Return the shift that holds for one frame.

    It is `shift`, but for a face that shows something else than neutral or happy, or that cannot be read: there, happy is not
    made easier. Whatever makes a face less neutral makes the log-odds of happy rise, too.

    Parameters
    ----------
    seen : Expression
        What the frame shows.
    log_odds : NDArray[np.float64]
        Those of it (`log_odds_of`).
    shift : NDArray[np.float64]
        Of `bounded_shift`, or a part of that.
    seconds : float
        How long the resting face was watched.
    """
    taken = shift.astype(np.float32)
    if taken[HAPPY] < 0:
        elsewhere = max((log_odds - shift)[_OTHERS].tolist())
        left = (ELSEWHERE_FULL - elsewhere) / (ELSEWHERE_FULL - ELSEWHERE_FROM) if is_readable(seen) else 0.0
        taken[HAPPY] *= min(max(left, 0.0), 1.0)
    taken.setflags(write=False)
    return RestShift(taken, seconds)


def rested(probabilities: NDArray[np.floating[Any]], shift: RestShift) -> NDArray[np.float32]:
    """Return the seven probabilities as they are with a shift: each is divided by its exponential, and they sum to 1 again."""
    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY, dtype=np.float64)) - shift.log_odds
    moved = np.exp(logs - logs.max())
    return np.asarray(moved / moved.sum(), np.float32)
