"""Reads what stands behind the question mark of an address; what makes no sense is refused with a reason."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Mapping, Optional, Sequence

from starlette.requests import Request

from fer_edge.system.iso_time import read_iso
from fer_edge.web.refusal import Refusal
from fer_edge.web.timeline import MOST_MINUTES

_YEARS = (1970, 9998)
"""Of a moment: none before there was a clock, and none from which no day can be counted on."""


def known_only(request: Request, *names: str) -> Mapping[str, str]:
    """Return the parameters of a request. Raises `Refusal` where there are others, or one comes twice."""
    given = request.query_params
    for name in given:
        if name not in names:
            listed = ", ".join(names) if names else "none at all"
            raise Refusal(400, "There is a parameter that is not known here.", f"There is: {listed}.")
        if len(given.getlist(name)) > 1:
            raise Refusal(400, f"The parameter {name} comes twice.", "Give it once.")
    return dict(given)


def minutes(given: Mapping[str, str], name: str = "minutes", default: float = 10.0) -> float:
    """Return a number of minutes."""
    text = given.get(name)
    if text is None:
        return default
    try:
        value = float(text) if text.isascii() and "_" not in text else -1.0
    except ValueError:
        value = -1.0
    if not 0 < value <= MOST_MINUTES:
        raise Refusal(400, f"{name} is no number above 0 and up to {MOST_MINUTES}.", f"Ask for  {name}=10.")
    return value


def moment(given: Mapping[str, str], name: str) -> Optional[datetime]:
    """Return a moment in UTC; None where none is given."""
    text = given.get(name)
    if not text:
        return None
    try:
        found = read_iso(text.replace(" ", "+"))  # which a query writes as a space
        found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        found = found.astimezone(timezone.utc)
        if not _YEARS[0] <= found.year <= _YEARS[1]:
            raise ValueError
        return found
    except (ValueError, OverflowError):
        raise Refusal(400, f"{name} is no moment.", f"Give it in ISO 8601, as  {name}=2026-11-26T10:15:00Z.") from None


def one_of(given: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    """Return one of some words, the first where none is given."""
    word = given.get(name, allowed[0])
    if word not in allowed:
        raise Refusal(400, f"{name} is none of {', '.join(allowed)}.", f"Ask for  {name}={allowed[0]}.")
    return word
