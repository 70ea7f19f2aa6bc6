"""How a state and a minute become rows of a history."""

from __future__ import annotations

import sqlite3
from typing import Union

from fer_edge.sinks.minutes import CountedMinute
from fer_edge.types import LABELS, StateChange

Row = Union[StateChange, CountedMinute]

_SUMS = ("seconds", "frames", "captured", "dropped", *LABELS)
_MINUTE = (*_SUMS, "temperature", "persons", "persons_most", "valence")
_MERGED = ", ".join(
    [
        # What stands on the right is of the row as it was.
        *(f"{column} = {column} + :{column}" for column in _SUMS),
        "temperature = coalesce(:temperature, temperature)",
        "persons = CASE WHEN seconds + :seconds > 0 "
        "THEN (persons * seconds + :persons * :seconds) / (seconds + :seconds) ELSE 0 END",
        "persons_most = max(persons_most, :persons_most)",
        "valence = CASE WHEN valence IS NULL THEN :valence WHEN :valence IS NULL THEN valence "
        "ELSE (valence * persons * seconds + :valence * :persons * :seconds) / (persons * seconds + :persons * :seconds) END",
    ]
)
# The names are those of this module, and nothing that anybody gave.
_MERGE = f"UPDATE minutes SET {_MERGED} WHERE camera = :camera AND start = :start"  # noqa: S608
_MINUTE_IN = (
    f"INSERT INTO minutes (camera, start, {', '.join(_MINUTE)}) "  # noqa: S608
    f"VALUES (:camera, :start, {', '.join(f':{column}' for column in _MINUTE)})"
)
_STATE_IN = (
    "INSERT INTO states (camera, track, label, began, ended, duration, confidence, valence, intensity, uncertain, frames) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def add_state(connection: sqlite3.Connection, change: StateChange, camera: int) -> None:
    """Add a state that is over, of the camera with this number."""
    end = change.end or change.start
    values = (
        camera,
        int(change.track),
        str(change.label),
        change.start.timestamp(),
        end.timestamp(),
        float(change.duration),
        float(change.confidence),
        float(change.valence),
        float(change.intensity),
        int(change.uncertain),
        int(change.frames),
    )
    connection.execute(_STATE_IN, values)


def add_minute(connection: sqlite3.Connection, minute: CountedMinute, camera: int) -> None:
    """Add a minute, of the camera with this number, to what there is of it."""
    figures = minute.figures
    values = {
        "camera": camera,
        "start": int(figures.start.timestamp()),
        "seconds": figures.seconds,
        "frames": figures.frames,
        "captured": minute.captured,
        "dropped": minute.dropped,
        "temperature": minute.temperature,
        "persons": figures.persons,
        "persons_most": figures.persons_most,
        "valence": figures.valence,
        **figures.expressions,
    }
    # "ON CONFLICT" would say it in one, from SQLite 3.24 on; older boards have 3.22.
    if not connection.execute(_MERGE, values).rowcount:
        connection.execute(_MINUTE_IN, values)
