"""Takes out of a history what a report is made of."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import List, Optional, Sequence, Tuple

from fer_edge.errors import UsageError
from fer_edge.report.local_time import LocalTime
from fer_edge.report.minutes import Minutes, as_columns
from fer_edge.report.page import Content
from fer_edge.report.period import MINUTE, Period, asked_period, nothing_of_it
from fer_edge.report.summary import State
from fer_edge.sinks.history.reading import HistoryReader
from fer_edge.system.masking import printable, shown
from fer_edge.types import LABELS

UNFINISHED = 180
"""Seconds: the minute that a run is in, the one that is held back for cameras that are late, and one for the writing."""

_NOT_KNOWN = float("nan")


def content_of(
    path: str,
    first: Optional[str],
    last: Optional[str],
    cameras: Sequence[str],
    zone: LocalTime,
    now: Optional[float] = None,
) -> Content:
    """Return what a history has of a time.

    Parameters
    ----------
    path : str
        The history.
    first, last : str or None
        What ``--from`` and ``--to`` say.
    cameras : sequence of str
        Those that are wanted; all, where none is named.
    zone : LocalTime
        Whose days are meant.
    now : float, optional
        Seconds since 1970.

    Raises
    ------
    UsageError
        There is no such camera, what was asked for is no time, or the history has nothing of it.
    OutputError
        It cannot be read, or is no history.
    """
    with HistoryReader(path) as history:
        return _content(history, first, last, cameras, zone, now)


def _content(
    history: HistoryReader,
    first: Optional[str],
    last: Optional[str],
    cameras: Sequence[str],
    zone: LocalTime,
    now: Optional[float],
) -> Content:
    span = history.span()
    if span is None:
        raise UsageError(
            f"The history '{shown(history.path)}' holds nothing yet.", "Let fer-edge run with it for a minute."
        )
    names = _wanted(history.cameras(), cameras)
    kept = (span[0].timestamp(), span[1].timestamp())
    period = asked_period(first, last, zone, kept, now)
    minutes = _minutes(history, names, period)
    if not len(minutes):
        raise nothing_of_it(kept, zone)
    period = _without_the_unfinished(period, minutes)
    return Content(period, zone, minutes, _states(history, names, period))


def _without_the_unfinished(period: Period, minutes: Minutes) -> Period:
    """Return a period without the end that a run has not written yet, which shall not look like a gap."""
    written = int(minutes.start.max()) + MINUTE
    return Period(period.start, written) if period.end - written <= UNFINISHED else period


def _wanted(there: Sequence[str], cameras: Sequence[str]) -> List[str]:
    for name in cameras:
        if name not in there:
            known = ", ".join(f"'{printable(one)}'" for one in there) or "none"
            raise UsageError(
                f"--camera: the history has no camera '{printable(name)}'.", f"Those that it has: {known}."
            )
    return [name for name in there if not cameras or name in cameras]


def _minutes(history: HistoryReader, names: Sequence[str], period: Period) -> Minutes:
    since, until = _moments(period)
    rows: List[Sequence[float]] = []
    for number, name in enumerate(names):
        for minute in history.minutes(name, since, until):
            figures = minute.figures
            start = figures.start.timestamp() // MINUTE * MINUTE
            if period.start <= start < period.end:
                rows.append(
                    (
                        number,
                        start,
                        figures.seconds,
                        figures.persons_most,
                        _known(figures.valence),
                        figures.fps,
                        _known(minute.temperature),
                        minute.captured,
                        minute.dropped,
                        *(figures.expressions[label] for label in LABELS),
                    )
                )
    return as_columns(names, rows)


def _states(history: HistoryReader, names: Sequence[str], period: Period) -> List[State]:
    since, until = _moments(period)
    return [
        State(number, change.label, change.duration)
        for number, name in enumerate(names)
        for change in history.states(name, since, until)
        if change.end is not None and since <= change.end < until and change.label in LABELS
    ]


def _moments(period: Period) -> Tuple[datetime, datetime]:
    return (
        datetime.fromtimestamp(period.start, timezone.utc),
        datetime.fromtimestamp(period.end, timezone.utc),
    )


def _known(value: Optional[float]) -> float:
    return _NOT_KNOWN if value is None else value
