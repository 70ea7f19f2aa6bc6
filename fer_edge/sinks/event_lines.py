"""How a state that is over is told: as a line of JSON, or as a row for spreadsheets; and how a file of such lines is known."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Sequence

from fer_edge.sinks.lines import iso, number
from fer_edge.sinks.recognise import has_keys, lines_to_keep
from fer_edge.types import LABELS, StateChange

COLUMNS = (
    "camera",
    "track",
    "expression",
    "start",
    "end",
    "duration_s",
    "confidence",
    "valence",
    "intensity",
    "uncertain",
    "frames",
    "media_start_s",
    "media_end_s",
)
"""In this order, in both forms; the last two only of videos."""

_OF_VIDEOS = frozenset(COLUMNS[-2:])
_KEYS = frozenset(COLUMNS) - _OF_VIDEOS

_BEGINNING = b'{"camera":'
_HEAD = (",".join(COLUMNS) + "\n").encode()
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"); an apostrophe in front makes it text."""

_OURS = frozenset(("expression", "start", "end"))
"""Columns whose texts are ours, and not somebody else's."""

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
"""What ends a line, or controls the terminal that shows it; the tabulator is a matter of `_FORMULA`."""


@dataclass(frozen=True)
class Form:
    """A way to tell states.

    Attributes
    ----------
    head : bytes
        What stands above them; may be empty.
    line : callable
        Tells a state that is over. Raises ValueError for one that cannot be told.
    recognise : callable
        As for `OutputFile`.
    """

    head: bytes
    line: Callable[[StateChange], bytes]
    recognise: Callable[[BinaryIO], int]


def form_for(place: str) -> Form:
    """Return the form in which states are written to a place: rows where its name ends in ``.csv``, else lines of JSON."""
    return ROWS if place.lower().endswith(".csv") else JSON_LINES


def as_record(change: StateChange) -> Dict[str, Any]:
    """Return a state that is over as what JSON can hold: seconds with three decimals, other figures with four."""
    record: Dict[str, Any] = {
        "camera": change.camera,
        "track": int(change.track),
        "expression": change.label,
        "start": iso(change.start),
        "end": iso(change.end) if change.end is not None else None,
        "duration_s": number(change.duration, 3),
        "confidence": number(change.confidence, 4),
        "valence": number(change.valence, 4),
        "intensity": number(change.intensity, 4),
        "uncertain": bool(change.uncertain),
        "frames": int(change.frames),
    }
    if change.media_start is not None and change.media_end is not None:
        record.update(media_start_s=number(change.media_start, 3), media_end_s=number(change.media_end, 3))
    return record


def _json_line(change: StateChange) -> bytes:
    return (json.dumps(as_record(change), allow_nan=False, separators=(",", ":")) + "\n").encode("ascii")


def _row(change: StateChange) -> bytes:
    record = as_record(change)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([as_cell(record, column) for column in COLUMNS])
    return text.getvalue().encode("utf-8", "backslashreplace")


def as_cell(record: Mapping[str, Any], column: str) -> str:
    """Return a value of a record as the cell of a row, which no spreadsheet takes for a formula."""
    value = record.get(column)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value + 0.0)  # no -0.0; nothing of four decimals needs an exponent
    text = _CONTROLS.sub(" ", str(value))
    return f"'{text}" if column not in _OURS and text.startswith(_FORMULA) else text


def _is_json(line: bytes) -> bool:
    return has_keys(line, _KEYS, _OF_VIDEOS)


def _begins_like_json(line: bytes) -> bool:
    return line.startswith(_BEGINNING) or _BEGINNING.startswith(line.rstrip(b"\0"))


def _is_row(line: bytes) -> bool:
    cells = _cells(line)
    return len(cells) == len(COLUMNS) and _fits(cells) and _MOMENT.fullmatch(cells[4]) is not None


def _begins_like_a_row(line: bytes) -> bool:
    cells = _cells(line.rstrip(b"\0"))
    return len(cells) <= len(COLUMNS) and _fits(cells[:-1])


def _fits(cells: Sequence[str]) -> bool:
    """Return whether cells are what the first columns may hold, as far as there are any."""
    track, label, start = (list(cells[1:4]) + ["1", LABELS[0], "2026-11-26T10:15:00.000Z"][max(0, len(cells) - 1) :])[
        :3
    ]
    return track.isdigit() and label in LABELS and _MOMENT.fullmatch(start) is not None


def _cells(line: bytes) -> List[str]:
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace")]))
    except (ValueError, csv.Error):
        return []
    return rows[0] if len(rows) == 1 else []


JSON_LINES = Form(b"", _json_line, lambda file: lines_to_keep(file, "event", _is_json, _begins_like_json))
ROWS = Form(_HEAD, _row, lambda file: lines_to_keep(file, "event", _is_row, _begins_like_a_row, _HEAD))
