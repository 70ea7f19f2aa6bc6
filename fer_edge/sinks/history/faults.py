"""What SQLite says when it cannot go on, as errors of ours."""

from __future__ import annotations

import os
import sqlite3
from typing import Union

from fer_edge.errors import DiskFull, OutputError, OutputNotWritable
from fer_edge.sinks.recognise import NotOurs
from fer_edge.system.masking import printable, shown

WHAT = "history"
"""What is written, as a noun for messages."""

_LEAST_FREE = 1 << 20
"""Bytes of a disk below which SQLite's "disk I/O error" means that it is full: it cannot make its own files longer."""


def is_locked(error: BaseException) -> bool:
    """Return whether another program has the file locked."""
    # Python tells numbers of SQLite's errors from 3.11 on only.
    return "is locked" in str(error)


def write_fault(error: Union[Exception, NotOurs], path: str) -> OutputError:
    """Return what it means that SQLite, or what looks at the file, raised while a history was to be written."""
    said, name = str(error), f"The {WHAT} '{shown(path)}'"
    if isinstance(error, NotOurs):
        return OutputNotWritable(
            f"{name} exists already, and is none that this fer-edge can go on with: {said}.",
            "Give another name, or move it away.",
        )
    if "full" in said or ("I/O" in said and _is_full(path)):
        return DiskFull(
            f"{name} cannot grow: no space is left. What was written before is kept.",
            "Free some space, write to another disk, or keep less with --history-size.",
        )
    if is_locked(error):
        return OutputNotWritable(
            f"{name} is locked by another program.",
            f"`fuser -v '{shown(path)}'` shows which; end it, or wait for it.",
        )
    if "readonly" in said:
        return OutputNotWritable(
            f"{name} cannot be written: this user may not, or its disk is read-only.",
            f"Have its rights changed (ls -l '{shown(path)}' shows them), or choose another place.",
        )
    if _is_damage(said):
        return OutputNotWritable(
            f"{name} is damaged: {said}.",
            f"Move it away, and a new one is begun; `sqlite3 '{shown(path)}' .recover` gives what can still be read.",
        )
    return OutputNotWritable(f"{name} cannot be written: {said}.", "Check the disk, and that its directory is there.")


def read_fault(error: Union[Exception, NotOurs], path: str) -> OutputError:
    """Return what it means that SQLite, or what looks at the file, raised while a history was to be read."""
    said, name = str(error), f"The {WHAT} '{shown(path)}'"
    if isinstance(error, NotOurs):
        return OutputError(f"'{shown(path)}' is no history that this fer-edge can read: {error}.", "Give another file.")
    if not isinstance(error, sqlite3.Error):
        return OutputError(
            f"{name} holds what is no figure: {printable(said)}.",
            f"Somebody changed it by hand, or it is damaged: `sqlite3 '{shown(path)}'` shows the rows, and can delete them.",
        )
    if "interrupted" in said:
        return OutputError(
            f"{name} was searched for too long.", "Ask for less of it: a later beginning, an earlier end."
        )
    if is_locked(error):
        return OutputError(f"{name} is locked by another program.", "Try again when that is done.")
    if "not a database" in said:
        return OutputError(f"'{shown(path)}' is no history: it is no SQLite database.", "Give another file.")
    if _is_damage(said):
        return OutputError(
            f"{name} is damaged: {said}.",
            f"`sqlite3 '{shown(path)}' .recover` gives what can still be read.",
        )
    return OutputError(
        f"{name} cannot be read: {said}.", f"See to its rights and its disk (ls -l '{shown(path)}' shows the rights)."
    )


def _is_damage(said: str) -> bool:
    return any(sign in said for sign in ("malformed", "not a database", "no such table", "no such column"))


def _is_full(path: str) -> bool:
    try:
        disk = os.statvfs(os.path.dirname(os.path.abspath(path)))
    except (AttributeError, OSError):
        return False
    return disk.f_bavail * disk.f_frsize < _LEAST_FREE
