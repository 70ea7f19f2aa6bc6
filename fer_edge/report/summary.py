"""The figures of a whole period: of each camera, of each expression, and when nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from fer_edge.report.bins import runs_of
from fer_edge.report.minutes import Floats, Minutes
from fer_edge.report.period import MINUTE, Period
from fer_edge.types import LABELS


@dataclass(frozen=True)
class State:
    """What somebody showed: enough of a state change to count it.

    Attributes
    ----------
    camera : int
        As an index.
    label : str
        Of `LABELS`.
    seconds : float
        How long.
    """

    camera: int
    label: str
    seconds: float


@dataclass(frozen=True)
class Gap:
    """A time in which a camera gave nothing for at least a minute.

    Attributes
    ----------
    camera : int
        As an index.
    start, end : int
        Seconds since 1970 in UTC; the end is outside.
    """

    camera: int
    start: int
    end: int


@dataclass(frozen=True)
class CameraSummary:
    """A camera over the whole period; None is what is not known.

    Attributes
    ----------
    measured : float
        Seconds in which it gave images.
    uptime : float
        The same, as a share of the period.
    people : float or None
        In view on average.
    most : int or None
        In view at once.
    shares : array of float
        Of each expression, of the time that people were seen; zeros where nobody was.
    seconds : array of float
        Person-seconds of each expression.
    valence, fps, temperature : float or None
        Means; of the temperature the highest.
    dropped : float or None
        Share of the captured frames.
    changes : int
        States that ended.
    """

    measured: float
    uptime: float
    people: Optional[float]
    most: Optional[int]
    shares: Floats
    seconds: Floats
    valence: Optional[float]
    fps: Optional[float]
    temperature: Optional[float]
    dropped: Optional[float]
    changes: int


@dataclass(frozen=True)
class ExpressionSummary:
    """An expression over all cameras.

    Attributes
    ----------
    seconds : float
        Person-seconds.
    share : float
        Of the time that people were seen.
    times : int
        How often somebody showed it steadily.
    middle : float or None
        Median of how long, in seconds; None where nobody did.
    """

    seconds: float
    share: float
    times: int
    middle: Optional[float]


def of_cameras(minutes: Minutes, states: Sequence[State], period: Period) -> List[CameraSummary]:
    """Sum up each camera."""
    changes = np.bincount([state.camera for state in states] or [0], minlength=len(minutes.cameras))
    changes = changes if states else changes * 0
    length = float(period.end - period.start)
    return [
        _of_camera(minutes.of(minutes.camera == camera), length, int(changes[camera]))
        for camera in range(len(minutes.cameras))
    ]


def _of_camera(rows: Minutes, length: float, changes: int) -> CameraSummary:
    measured, seconds = float(rows.measured.sum()), rows.shown.sum(axis=0)
    people, captured = float(seconds.sum()), float(np.nansum(rows.captured))
    known = ~np.isnan(rows.valence)
    return CameraSummary(
        measured=measured,
        uptime=min(1.0, measured / length),
        people=people / measured if measured else None,
        most=int(rows.most.max()) if measured else None,
        shares=seconds / people if people else np.zeros(len(LABELS)),
        seconds=seconds,
        valence=_mean(rows.valence[known], rows.shown.sum(axis=1)[known]),
        fps=_mean(rows.fps, rows.measured),
        temperature=float(np.nanmax(rows.temperature)) if np.any(~np.isnan(rows.temperature)) else None,
        dropped=float(np.nansum(rows.dropped)) / captured if captured else None,
        changes=changes,
    )


def of_expressions(minutes: Minutes, states: Sequence[State]) -> Dict[str, ExpressionSummary]:
    """Sum up each expression."""
    seconds = minutes.shown.sum(axis=0)
    people = float(seconds.sum())
    lengths: Dict[str, List[float]] = {label: [] for label in LABELS}
    for state in states:
        lengths[state.label].append(state.seconds)
    return {
        label: ExpressionSummary(
            seconds=float(seconds[which]),
            share=float(seconds[which]) / people if people else 0.0,
            times=len(lengths[label]),
            middle=float(np.median(lengths[label])) if lengths[label] else None,
        )
        for which, label in enumerate(LABELS)
    }


def gaps_of(minutes: Minutes, period: Period, most: int) -> Tuple[List[Gap], int]:
    """Return the longest gaps, in the order of time, and how many there are in all."""
    found: List[Gap] = []
    for camera in range(len(minutes.cameras)):
        there = np.zeros(period.minutes, bool)
        mine = (minutes.camera == camera) & (minutes.measured > 0)
        there[(minutes.start[mine] - period.start) // MINUTE] = True
        for begin, end in runs_of(~there):
            found.append(Gap(camera, period.start + int(begin) * MINUTE, period.start + int(end) * MINUTE))
    longest = sorted(found, key=lambda gap: gap.start - gap.end)[:most]
    return sorted(longest, key=lambda gap: (gap.start, gap.camera)), len(found)


def _mean(values: Floats, weights: Floats) -> Optional[float]:
    weights = np.where(np.isnan(values), 0.0, weights)
    total = float(weights.sum())
    return float((np.nan_to_num(values) * weights).sum()) / total if total else None
