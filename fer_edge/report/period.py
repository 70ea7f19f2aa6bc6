"""From when to when: what ``--from`` and ``--to`` say."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Optional, Tuple

from fer_edge.errors import UsageError
from fer_edge.report.local_time import LocalTime
from fer_edge.system.iso_time import read_iso
from fer_edge.system.masking import printable

MINUTE = 60

_AGO = re.compile(r"-([0-9]{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORMS = (
    "Give a date (2026-11-26), a time (2026-11-26T08:30, with Z or +01:00 behind it if it is not local), now, today, "
    "yesterday, or how long ago (-90m, -12h, -7d, -2w)."
)

_YEARS = (1971, 9998)
"""What every system can convert, with a day to spare on both sides."""
_FIRST = 366 * 86400


LONGEST = 5 * 366 * 86400
"""Seconds in a report. A board without a clock of its own may have written a minute of 1970, which shall not stretch a page."""


@dataclass(frozen=True)
class Period:
    """Whole minutes.

    Attributes
    ----------
    start, end : int
        Seconds since 1970 in UTC, multiples of 60; the end is outside.
    """

    start: int
    end: int

    @property
    def minutes(self) -> int:
        """How many there are."""
        return (self.end - self.start) // MINUTE


def asked_moments(
    first: Optional[str], last: Optional[str], zone: LocalTime, now: Optional[float] = None
) -> Tuple[Optional[float], Optional[float]]:
    """Return from when to when was asked for, in seconds since 1970; None on a side that was left open.

    Parameters
    ----------
    first, last : str or None
        What ``--from`` and ``--to`` say: a date, which means the whole day, a time, a word, or how long ago.
    now : float, optional
        Seconds since 1970.

    Raises
    ------
    UsageError
        What was asked for is no time, is yet to come, or nothing lies in between.
    """
    now = time.time() if now is None else now
    start = None if first is None else _moment("--from", first, zone, now, ends=False)
    end = None if last is None else _moment("--to", last, zone, now, ends=True)
    if start is not None and start >= now:
        raise UsageError(f"--from {printable(first or '')} is yet to come, so that nothing was measured then.", _FORMS)
    if start is not None and end is not None and start >= end:
        told = f"{_shown(start, zone)} is not before {_shown(end, zone)}"
        raise UsageError(f"The time asked for ends before it begins: {told}.", "Give --from before --to.")
    return start, end


def asked_period(
    first: Optional[str], last: Optional[str], zone: LocalTime, kept: Tuple[float, float], now: Optional[float] = None
) -> Period:
    """Return the time that was asked for.

    Parameters
    ----------
    first, last : str or None
        As `asked_moments` reads them. Without one it is where what is `kept` begins or ends. What lies before it is cut off:
        nobody was to measure then.
    kept : tuple of float
        Begin and end of what the history has, in seconds since 1970.
    now : float, optional
        Seconds since 1970; what lies behind is cut off, since nothing can have been measured there.

    Raises
    ------
    UsageError
        What was asked for is no time, nothing lies in between, or the history has nothing of it.
    """
    now = time.time() if now is None else now
    start, end = asked_moments(first, last, zone, now)
    if (start is not None and start >= kept[1]) or (end is not None and end <= kept[0]):
        raise nothing_of_it(kept, zone)
    last_moment = min(now, kept[1] if end is None else end)
    first_moment = max(kept[0], last_moment - LONGEST if start is None else start)
    if last_moment - first_moment > LONGEST:
        raise UsageError("A report holds five years at most.", "Give a later --from, or an earlier --to.")
    return Period(int(first_moment // MINUTE * MINUTE), int(-(-last_moment // MINUTE) * MINUTE))


def nothing_of_it(kept: Tuple[float, float], zone: LocalTime) -> UsageError:
    """Return the error for a time of which a history has nothing."""
    return UsageError(
        "The history has nothing of the time asked for.",
        f"It has what was from {_shown(kept[0], zone)} to {_shown(kept[1], zone)} ({zone.name}); ask for a part of that.",
    )


def _moment(option: str, text: str, zone: LocalTime, now: float, ends: bool) -> float:
    try:
        moment = _read(text.strip(), zone, now, ends)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{option}: '{printable(text)}' is no time.", _FORMS) from error
    return moment


def _read(text: str, zone: LocalTime, now: float, ends: bool) -> float:
    if text == "now":
        return now
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return _not_before_computers(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}).total_seconds())
    today = zone.wall_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    if text in days or _DAY.fullmatch(text):
        day = days[text] if text in days else _within_years(read_iso(text))
        return zone.moment(day + timedelta(days=1) if ends else day)
    if not re.match(r"[0-9]{4}-", text):
        raise ValueError(text)
    read = _within_years(read_iso(text))
    return zone.moment(read) if read.tzinfo is None else read.timestamp()


def _not_before_computers(moment: float) -> float:
    if moment < _FIRST:
        raise ValueError(moment)
    return moment


def _within_years(read: datetime) -> datetime:
    if not _YEARS[0] <= read.year <= _YEARS[1]:
        raise ValueError(read)
    return read


def _shown(moment: float, zone: LocalTime) -> str:
    return zone.wall_time(moment).strftime("%Y-%m-%d %H:%M")
