"""Keeps results off the wrong disk: below the mount point of one that is not mounted, nobody would look for them."""

from __future__ import annotations

import os
import re
from typing import Callable, List, Optional

from fer_edge.errors import OutputNotWritable

_ESCAPE = re.compile(r"\\([0-7]{3})")


class MountGuard:
    """Watches over the disk on which a file lies.

    Parameters
    ----------
    path : str
        Of a file that is to be written.
    what : str
        What is written, as a noun for messages: ``recording``.
    table, mounts : str
        What shall be mounted (fstab(5)), and what is (``/proc/self/mountinfo``, proc(5)); where the latter is missing,
        nothing is looked after.
    """

    def __init__(self, path: str, what: str, table: str = "/etc/fstab", mounts: str = "/proc/self/mountinfo") -> None:
        self._path = path
        self._what = what
        self._table = table
        self._mounts = mounts
        self._disk: Optional[str] = None

    def check(self) -> None:
        """Find out whether the file may be opened.

        Raises
        ------
        OutputNotWritable
            Its disk was mounted at an earlier call and is not now, or /etc/fstab says that it is mounted at every start.
        """
        mounted = _places(self._mounts, 4)
        if not mounted:
            return
        folder = os.path.dirname(os.path.realpath(self._path))
        wanted = [
            place for place in _places(self._table, 1, self._is_for_the_start) if place != "/" and _holds(place, folder)
        ]
        if self._disk is not None:
            wanted.append(self._disk)
        for place in wanted:
            if place not in mounted:
                raise OutputNotWritable(
                    f"The {self._what} '{self._path}' lies on the disk at '{place}', and that disk is not mounted.",
                    f"Connect it, and mount it with:  sudo mount '{place}'",
                )
        if os.path.isdir(folder):
            disk = max((place for place in mounted if _holds(place, folder)), key=len, default="/")
            self._disk = disk if disk != "/" else self._disk

    @staticmethod
    def _is_for_the_start(fields: List[str]) -> bool:
        return "noauto" not in (fields[3].split(",") if len(fields) > 3 else ())


def _places(table: str, column: int, choose: Callable[[List[str]], bool] = lambda fields: True) -> List[str]:
    """Return the mount points in a table of mounts; an empty list when it cannot be read."""
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.split() for line in file if not line.lstrip().startswith("#")]
    except OSError:
        return []
    chosen = [fields for fields in lines if len(fields) > column and choose(fields)]
    return [_ESCAPE.sub(lambda code: chr(int(code[1], 8)), fields[column]) for fields in chosen]


def _holds(place: str, folder: str) -> bool:
    return place in ("/", folder) or folder.startswith(place.rstrip("/") + "/")
