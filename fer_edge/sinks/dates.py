"""Names of files that hold the moment of their beginning: ``log-%Y-%m-%d.jsonl`` is one file for each day, of UTC.

UTC, as the times in results are: no name comes twice when a clock is set back in autumn, and names sort as their files began.
"""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from typing import Mapping, NamedTuple, Optional, Tuple

from fer_edge.errors import UsageError
from fer_edge.system.new_file import CONTINUED


class _Field(NamedTuple):
    digits: int
    seconds: float


FIELDS: Mapping[str, _Field] = {
    "%Y": _Field(4, 365 * 86400.0),
    "%m": _Field(2, 28 * 86400.0),
    "%d": _Field(2, 86400.0),
    "%j": _Field(3, 86400.0),
    "%H": _Field(2, 3600.0),
    "%M": _Field(2, 60.0),
    "%S": _Field(2, 1.0),
}
"""Of strftime(3), in the order of their size: how many digits each has, and how long it stays the same at least, in seconds."""

PERCENT = "%%"
"""Stands for a percent sign."""

BEGINNING = "-%Y%m%dT%H%M%SZ"
"""What a piece gets before its ending where its name has no field of its own."""

_PART = re.compile(r"%.?|[^%]+", re.DOTALL)


class DatedName:
    """The name of a file, with fields that stand for the moment at which it is begun.

    Parameters
    ----------
    place : str
        A path. `FIELDS` stand in its last part only, as no folder is made; ``%%`` is a percent sign everywhere.

    Raises
    ------
    UsageError
        It has a field that is not known, or one in the name of a folder.

    Attributes
    ----------
    dated : bool
        Whether the name has any field.
    seconds : float
        How long a name stays the same at least: that of its smallest field, infinite without one.
    has_year : bool
        Whether names never come again.

    Examples
    --------
    >>> DatedName("log-%Y-%m-%d.jsonl").at(datetime(2026, 11, 26, 10, 15))
    'log-2026-11-26.jsonl'
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._parts: Tuple[str, ...] = tuple(_PART.findall(place))
        for part in self._parts:
            if part.startswith("%") and part != PERCENT and part not in FIELDS:
                raise UsageError(
                    f"'{place}' holds {part}, which stands for nothing.",
                    f"Fields for the time are {', '.join(FIELDS)}; {PERCENT} is a percent sign.",
                )
        self._fields = [part for part in self._parts if part in FIELDS]
        self.dated = bool(self._fields)
        self.seconds = min((FIELDS[field].seconds for field in self._fields), default=float("inf"))
        if any(part in FIELDS for part in _PART.findall(os.path.dirname(place))):
            raise UsageError(
                f"'{place}' has the time in the name of a folder, and folders are not made.",
                "Put it into the name of the file.",
            )
        self.has_year = "%Y" in self._fields
        self._form = self._pattern()

    def at(self, moment: datetime) -> str:
        """Return the path of what is begun at a moment of UTC."""
        return "".join(moment.strftime(part) if part in FIELDS else part.replace(PERCENT, "%") for part in self._parts)

    @property
    def plain(self) -> str:
        """The path, with fields as they stand in it."""
        return "".join(part.replace(PERCENT, "%") for part in self._parts)

    def in_pieces(self, segment: Optional[float], keep: Optional[float]) -> bool:
        """Return whether there is more than one file: by its name, or as a length or a size is set."""
        return self.dated or segment is not None or keep is not None

    def with_beginning(self) -> DatedName:
        """Return a name with fields: this one, or where it has none, one that ends with its beginning."""
        if self.dated:
            return self
        stem, ending = os.path.splitext(self._place)
        return DatedName(f"{stem}{BEGINNING}{ending}")

    @property
    def folder(self) -> str:
        """The folder of the files, as it stands in the name; empty where that has none."""
        return os.path.dirname(self._place).replace(PERCENT, "%")

    def order(self, name: str) -> Optional[Tuple[datetime, int]]:
        """Return when the file of this name, without its folder, was begun, and the how-manieth of the name it is.

        Returns
        -------
        tuple of datetime and int, or None
            None for a name that is not of this form. What the form does not tell is the first there is, as January.
        """
        match = self._form.fullmatch(name)
        if match is None:
            return None
        digits = [match[f"field{number}"] for number in range(len(self._fields))]
        values = dict(zip(self._fields, map(int, digits)))
        try:
            day = datetime(values.get("%Y", 1), values.get("%m", 1), values.get("%d", 1))
            if "%j" in values:
                day = datetime(day.year, 1, 1) + timedelta(values["%j"] - 1)
            moment = day.replace(hour=values.get("%H", 0), minute=values.get("%M", 0), second=values.get("%S", 0))
        except (ValueError, OverflowError):
            return None
        # Fields may contradict each other: one that stands there twice, or the day of the year and that of the month.
        stem, ending = os.path.splitext(os.path.basename(self.at(moment)))
        again = f"{CONTINUED}{match['again']}" if match["again"] else ""
        return (moment, int(match["again"] or 1)) if name == f"{stem}{again}{ending}" else None

    def _pattern(self) -> re.Pattern[str]:
        numbers = iter(range(len(self._fields)))

        def pattern(text: str) -> str:
            return "".join(
                f"(?P<field{next(numbers)}>[0-9]{{{FIELDS[part].digits}}})"
                if part in FIELDS
                else re.escape(part.replace(PERCENT, "%"))
                for part in _PART.findall(text)
            )

        stem, ending = map(pattern, os.path.splitext(os.path.basename(self._place)))
        return re.compile(f"{stem}(?:{re.escape(CONTINUED)}(?P<again>[0-9]+))?{ending}", re.DOTALL)
