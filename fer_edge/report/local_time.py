"""Local time: what clocks on the wall showed at a moment, also on the days when they are moved."""

from __future__ import annotations

import os
import platform
import sys
import time
from datetime import datetime, tzinfo
from typing import Optional

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import MissingExtra, UsageError
from fer_edge.system.libraries import import_library
from fer_edge.system.masking import printable

Seconds = NDArray[np.int64]
"""Since 1970: in UTC, or on the wall, where each day has 24 hours and an hour may be missing or come twice."""

_STEP = 900
"""Seconds; no zone of today moves its clocks between two quarters of an hour (https://www.iana.org/time-zones)."""

_ZONE_FILES = "zoneinfo/"


class LocalTime:
    """The clocks of a time zone.

    Parameters
    ----------
    name : str
        As the IANA data base has it, such as ``Europe/Berlin``; empty for the zone of this machine.

    Raises
    ------
    UsageError
        There is no such zone.
    MissingExtra
        This Python (3.8) needs a package to know zones by their names.
    """

    def __init__(self, name: str = "") -> None:
        self._zone = _named(name) if name else None
        self.name = name or _name_of_the_machine()

    def moment(self, wall: datetime) -> float:
        """Return the seconds since 1970 in UTC of what a clock shows; of a time that comes twice, its first."""
        return wall.replace(tzinfo=self._zone).timestamp()

    def wall_time(self, moment: float) -> datetime:
        """Return what a clock shows at a moment, without a zone."""
        return datetime.fromtimestamp(moment, self._zone).replace(tzinfo=None)

    def wall(self, moments: Seconds) -> Seconds:
        """Return what clocks show, in seconds as if it were UTC."""
        if not len(moments):
            return moments
        steps, which = np.unique(moments // _STEP, return_inverse=True)
        offsets = np.array([self.offset(int(step) * _STEP) for step in steps], np.int64)
        return np.asarray(moments + offsets[which], np.int64)

    def offset(self, moment: int) -> int:
        """Return the seconds by which clocks are ahead of UTC."""
        if self._zone is None:
            return int(time.localtime(moment).tm_gmtoff)
        ahead = datetime.fromtimestamp(moment, self._zone).utcoffset()
        return 0 if ahead is None else int(ahead.total_seconds())

    def told(self, moment: int) -> str:
        """Return how far clocks are ahead of UTC at a moment, as ``UTC+02:00``."""
        ahead = self.offset(moment)
        hours, minutes = divmod(abs(ahead) // 60, 60)
        return f"UTC{'-' if ahead < 0 else '+'}{hours:02}:{minutes:02}"


def _named(name: str) -> tzinfo:
    module = "zoneinfo" if sys.version_info >= (3, 9) else "backports.zoneinfo"
    try:
        library = import_library(module, "report", "A time zone by its name")
    except MissingExtra as error:
        if platform.machine() != "aarch64":
            raise
        raise MissingExtra(
            error.message,
            "For Python 3.8 on Arm it is compiled:  pip install backports.zoneinfo   (with gcc and python3.8-dev); or leave "
            "--timezone out, and set TZ.",
        ) from error
    try:
        zone: tzinfo = library.ZoneInfo(name)
    # A name with a null byte, or of a folder; a file that is no zone.
    except (library.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"--timezone: there is no time zone '{printable(name)}' here.",
            "Give one such as Europe/Berlin or UTC; `timedatectl list-timezones` lists them.",
        ) from error
    return zone


def _name_of_the_machine() -> str:
    named = os.environ.get("TZ", "").lstrip(":") or _linked("/etc/localtime")
    return printable(named) if named else " / ".join(dict.fromkeys(time.tzname))


def _linked(path: str) -> Optional[str]:
    place = os.path.realpath(path)
    return place.rpartition(_ZONE_FILES)[2] if _ZONE_FILES in place else None
