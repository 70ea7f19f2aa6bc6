"""Figures as people read them."""

from __future__ import annotations

from typing import Optional

from fer_edge.report.local_time import LocalTime

UNKNOWN = "\N{EN DASH}"
_MOMENT = "%a %d %b %Y, %H:%M"


def moment(at: int, zone: LocalTime) -> str:
    """Return a moment as clocks show it."""
    return zone.wall_time(at).strftime(_MOMENT)


def length(seconds: Optional[float]) -> str:
    """Return how long something took, or is, for people.

    Examples
    --------
    >>> length(4.2), length(42), length(200), length(8000), length(180000)
    ('4.2 s', '42 s', '3 min 20 s', '2 h 13 min', '2 d 2 h')
    """
    if seconds is None:
        return UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 10 and left:
        return f"{minutes} min {left} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def clock(seconds: float, places: int = 0) -> str:
    """Return a time within a recording as players show it: ``1:02:03``, ``2:03`` or, with a place, ``2:03.4``."""
    scale = 10**places
    whole, part = divmod(round(max(0.0, seconds) * scale), scale)
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    tail = f".{part:0{places}}" if places else ""
    return f"{hours}:{minutes:02}:{left:02}{tail}" if hours else f"{minutes}:{left:02}{tail}"


def step(seconds: int) -> str:
    """Return the length of a step, which is a whole unit."""
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}s" if count > 1 else f"1 {name}"
    raise ValueError(f"{seconds} s is no step")


def share(part: Optional[float], places: int = 0) -> str:
    """Return a share from 0 to 1 in per cent; one that is not whole is not rounded to 0 or 100."""
    if part is None:
        return UNKNOWN
    least = 10**-places
    told = round(100 * part, places)
    if part > 0 and told == 0:
        return f"< {least:g} %"
    if part < 1 and told == 100:
        return f"> {100 - least:g} %"
    return f"{100 * part:.{places}f} %"


def number(value: Optional[float], places: int, signed: bool = False) -> str:
    """Return a figure, or a dash for one that is not known."""
    if value is None:
        return UNKNOWN
    value = round(value, places) + 0.0  # no -0.00
    return f"{value:+.{places}f}" if signed else f"{value:.{places}f}"
