"""What a history holds, as files for spreadsheets and for programs that analyse data."""

from __future__ import annotations

from datetime import datetime
from typing import Any, BinaryIO, Iterator, List, Mapping, Optional, Sequence

from fer_edge.errors import UsageError
from fer_edge.sinks.event_lines import ROWS, as_record
from fer_edge.sinks.history.reading import HistoryReader
from fer_edge.sinks.minutes import minute_record
from fer_edge.sinks.table_files import FLAG, MOMENT, REAL, TABLES, TEXT, WHOLE, Column
from fer_edge.system.masking import printable
from fer_edge.types import LABELS

STATES, MINUTES = "states", "minutes"


def export(rows: Iterator[Mapping[str, Any]], file: BinaryIO, columns: List[str], form: str) -> int:
    """Write rows as a table of one of the forms of `TABLES`, and return how many.

    Raises
    ------
    MissingExtra, LibraryUnusable
        Parquet is asked for, without pyarrow.
    OSError
        The file cannot be written.
    """
    table = TABLES[form](file, [Column(column, _kind(column)) for column in columns])
    try:
        for row in rows:
            table.write(row)
        table.finish()
    finally:
        table.abandon()
    return table.rows


def exported(
    reader: HistoryReader, what: str, cameras: Sequence[str], since: Optional[datetime], until: Optional[datetime]
) -> Iterator[Mapping[str, Any]]:
    """Return the rows of an export, of all cameras where none is named; raise UsageError for one that is not known."""
    known = reader.cameras()
    for camera in cameras:
        if camera not in known:
            raise UsageError(
                f"The history knows no camera '{printable(camera)}'.",
                f"Its cameras are: {', '.join(map(printable, known))}." if known else "It holds nothing yet.",
            )
    only = cameras[0] if len(cameras) == 1 else None
    rows: Iterator[Mapping[str, Any]]
    if what == STATES:
        rows = (as_record(change) for change in reader.states(only, since, until))
    else:
        rows = (minute_record(minute) for minute in reader.minutes(only, since, until))
    return (row for row in rows if not cameras or row["camera"] in cameras)


def columns_of(what: str) -> List[str]:
    """Return the names of the columns of an export, in order."""
    return ROWS.head.decode().strip().split(",")[:-2] if what == STATES else [*_MINUTE_COLUMNS]


_MINUTE_COLUMNS = (
    "camera",
    "start",
    "seconds",
    "frames",
    "fps",
    "captured",
    "dropped",
    "temperature_c",
    "persons",
    "persons_most",
    "valence",
    *(f"{label}_s" for label in LABELS),
)

_WHOLE = frozenset(("track", "frames", "captured", "dropped", "persons_most"))
_TEXT = frozenset(("camera", "expression"))
_MOMENTS = frozenset(("start", "end"))


def _kind(column: str) -> str:
    if column in _MOMENTS:
        return MOMENT
    if column == "uncertain":
        return FLAG
    return TEXT if column in _TEXT else WHOLE if column in _WHOLE else REAL
