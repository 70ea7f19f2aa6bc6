"""What a history holds, as files for spreadsheets and for programs that analyse data."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from fer_edge.errors import UsageError
from fer_edge.sinks.event_lines import ROWS, as_cell, as_record
from fer_edge.sinks.history.reading import HistoryReader
from fer_edge.sinks.minutes import minute_record
from fer_edge.system.libraries import import_library
from fer_edge.system.masking import printable
from fer_edge.types import LABELS

STATES, MINUTES = "states", "minutes"

_BATCH = 10_000
"""Rows of a group of a Parquet file, which are in memory together."""


def export_csv(rows: Iterator[Mapping[str, Any]], file: BinaryIO, columns: List[str]) -> int:
    """Write rows for spreadsheets, and return how many; no cell is taken for a formula. Raises OSError."""
    file.write((",".join(columns) + "\n").encode())
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  (counted)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([as_cell(row, column) for column in columns])
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))
    return count


def export_parquet(rows: Iterator[Mapping[str, Any]], file: BinaryIO, columns: List[str]) -> int:
    """Write rows as Parquet, whose times are of UTC, and return how many.

    Raises
    ------
    MissingExtra, LibraryUnusable
        Without pyarrow.
    OSError
        The file cannot be written.
    """
    arrow = import_library("pyarrow", "train", "A Parquet file")
    parquet = import_library("pyarrow.parquet", "train", "A Parquet file")
    schema = arrow.schema([(column, _arrow_type(arrow, column)) for column in columns])
    count = 0
    with parquet.ParquetWriter(file, schema) as writer:
        while True:
            batch = [_with_moments(row, columns) for row in islice(rows, _BATCH)]
            if batch or not count:
                writer.write_table(arrow.Table.from_pylist(batch, schema=schema))
            count += len(batch)
            if len(batch) < _BATCH:
                return count


FORMS: Mapping[str, Callable[[Iterator[Mapping[str, Any]], BinaryIO, List[str]], int]] = {
    ".csv": export_csv,
    ".parquet": export_parquet,
}
"""By the ending of a file's name, in small letters."""


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


def _arrow_type(arrow: Any, column: str) -> Any:
    if column in _MOMENTS:
        return arrow.timestamp("ms", tz="UTC")
    if column == "uncertain":
        return arrow.bool_()
    return arrow.string() if column in _TEXT else arrow.int64() if column in _WHOLE else arrow.float64()


def _with_moments(row: Mapping[str, Any], columns: List[str]) -> Dict[str, Any]:
    return {
        column: datetime.fromisoformat(row[column].replace("Z", "+00:00"))
        if column in _MOMENTS and row[column] is not None
        else row[column]
        for column in columns
    }
