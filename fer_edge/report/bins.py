"""Adds minutes up: over time, in steps that a screen can show, and by the hours of a week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.report.local_time import LocalTime, Seconds
from fer_edge.report.minutes import Floats, Minutes, Whole
from fer_edge.report.period import MINUTE, Period
from fer_edge.types import LABELS

MOST_STEPS = 340
"""Across a chart: about three pixels each on a desktop, and a page of weeks is no larger than one of a day."""

WIDTHS = tuple(60 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 7 * 1440))
"""Seconds; each begins with a day, the last with a Monday."""

_FROM_MONDAY = 3 * 86400
"""1970 began on a Thursday."""

HOURS, DAYS = 24, 7


@dataclass(frozen=True)
class Steps:
    """Equal steps of what clocks show, over a period.

    Where clocks are moved, a step may hold an hour more than its length, or less, or nothing at all: `length` tells.

    Attributes
    ----------
    first : int
        Where the first begins, in seconds on the wall.
    width : int
        Of each, in seconds.
    length : array of float
        Seconds of the period that really are in each.
    """

    first: int
    width: int
    length: Floats

    def __len__(self) -> int:
        return len(self.length)


@dataclass(frozen=True)
class Sums:
    """What was seen in places of one kind, such as steps or hours of a week; the first axis of each is the camera's.

    Attributes
    ----------
    measured : array of float, cameras x places
        Seconds.
    shown : array of float, cameras x places x 7
        Person-seconds.
    valence, weighed : array of float, cameras x places
        Valence times person-seconds, and the person-seconds that it is of.
    """

    measured: Floats
    shown: Floats
    valence: Floats
    weighed: Floats

    def people(self, camera: Optional[int]) -> Floats:
        """Return how many people showed each expression, on average while it was measured: places x 7.

        Of all cameras (None) it is what those that measured saw together. Not a number is where none did.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(self.measured[..., None] > 0, self.shown / self.measured[..., None], np.nan)
        if camera is not None:
            return np.asarray(means[camera])
        none = np.all(np.isnan(means), axis=0)
        return np.where(none, np.nan, np.nansum(means, axis=0))

    def mean_valence(self, camera: Optional[int]) -> Floats:
        """Return the mean over the people in view; not a number where there were none."""
        valence = self.valence.sum(axis=0) if camera is None else self.valence[camera]
        weighed = self.weighed.sum(axis=0) if camera is None else self.weighed[camera]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(weighed > 0, valence / weighed, np.nan)


def steps_of(period: Period, zone: LocalTime) -> Steps:
    """Return steps over a period, as short as `MOST_STEPS` allows."""
    wall = zone.wall(_minutes_of(period))
    low, high = int(wall.min()), int(wall.max()) + MINUTE
    width = next((width for width in WIDTHS if high - low <= MOST_STEPS * width), WIDTHS[-1])
    first = (low + _FROM_MONDAY) // width * width - _FROM_MONDAY
    places = (wall - first) // width
    count = -(-(high - first) // width)
    return Steps(first, width, np.asarray(np.bincount(places, minlength=count) * MINUTE, np.float64))


def over_time(minutes: Minutes, steps: Steps, zone: LocalTime) -> Sums:
    """Add up in each step what its minutes have."""
    return _sums(minutes, (zone.wall(minutes.start) - steps.first) // steps.width, len(steps))


def over_week(minutes: Minutes, zone: LocalTime) -> Sums:
    """Add up in each hour of a week, from Monday on, what its minutes have."""
    wall = zone.wall(minutes.start) + _FROM_MONDAY
    return _sums(minutes, wall // 3600 % (DAYS * HOURS), DAYS * HOURS)


def weekdays_of(period: Period, zone: LocalTime) -> Tuple[int, ...]:
    """Return the days of the week that a period has, 0 for Monday."""
    wall = zone.wall(_minutes_of(period)) + _FROM_MONDAY
    return tuple(int(day) for day in np.unique(wall // 86400 % DAYS))


def _minutes_of(period: Period) -> Seconds:
    return np.arange(period.start, period.end, MINUTE, dtype=np.int64)


def _sums(minutes: Minutes, place: Whole, places: int) -> Sums:
    cameras = len(minutes.cameras)
    where = minutes.camera * places + place
    people = minutes.shown.sum(axis=1)
    weighed = np.where(np.isnan(minutes.valence), 0.0, people)

    def added(values: Floats) -> Floats:
        return np.asarray(np.bincount(where, values, cameras * places), np.float64).reshape(cameras, places)

    return Sums(
        measured=added(minutes.measured),
        shown=np.stack([added(minutes.shown[:, which]) for which in range(len(LABELS))], axis=-1),
        valence=added(np.where(weighed > 0, minutes.valence, 0.0) * weighed),
        weighed=added(weighed),
    )


def runs_of(true: NDArray[np.bool_]) -> Whole:
    """Return where runs of true values begin and end (outside): runs x 2."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return np.asarray(edges.reshape(-1, 2), np.int64)
