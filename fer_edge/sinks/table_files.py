"""Tables as files, row by row: CSV for spreadsheets, Parquet for programs that analyse data."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, NamedTuple, Sequence

from fer_edge.sinks.event_lines import as_cell
from fer_edge.system.iso_time import read_iso
from fer_edge.system.libraries import import_library

TEXT, WHOLE, REAL, FLAG, MOMENT = "text", "whole", "real", "flag", "moment"
"""What a column holds; a moment is ISO 8601 in UTC in the row, and a time in a Parquet file."""

BATCH = 10_000
"""Rows of a group of a Parquet file, which are in memory together."""


class Column(NamedTuple):
    """One column of a table."""

    name: str
    kind: str = REAL


class TableFile(ABC):
    """Writes a table. Rows are mappings; what one lacks, or has as None, is empty.

    Attributes
    ----------
    rows : int
        Written so far.
    """

    rows = 0

    @abstractmethod
    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row. Raises OSError."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is still held back; the file stays open. Raises OSError."""

    def abandon(self) -> None:  # noqa: B027  (most hold nothing back)
        """Forget what is held back, where the table is not wanted any more."""


class CsvTable(TableFile):
    r"""Writes rows for spreadsheets; no cell is taken for a formula.

    Parameters
    ----------
    file : binary file
        Open for writing, and left open.
    columns : sequence of Column
        In order.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> table = CsvTable(file, [Column("label", TEXT), Column("seconds")])
    >>> table.write({"label": "happy", "seconds": 1.5})
    >>> table.finish()
    >>> file.getvalue()
    b'label,seconds\nhappy,1.5\n'
    """

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._file = file
        self._names = [column.name for column in columns]
        file.write((",".join(self._names) + "\n").encode())

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row. Raises OSError."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([as_cell(row, name) for name in self._names])
        self._file.write(text.getvalue().encode("utf-8", "backslashreplace"))
        self.rows += 1

    def finish(self) -> None:
        """Do nothing: each row is in the file."""


class ParquetTable(TableFile):
    """Writes a Parquet file, whose times are of UTC; `BATCH` rows are in memory at once.

    Parameters
    ----------
    file : binary file
        Open for writing, and left open.
    columns : sequence of Column
        In order.

    Raises
    ------
    MissingExtra, LibraryUnusable
        Without pyarrow.
    """

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._arrow = import_library("pyarrow", "parquet", "A Parquet file")
        parquet = import_library("pyarrow.parquet", "parquet", "A Parquet file")
        self._columns = list(columns)
        self._schema = self._arrow.schema([(column.name, _arrow_type(self._arrow, column)) for column in columns])
        self._writer: Any = parquet.ParquetWriter(file, self._schema)
        self._batch: List[Dict[str, Any]] = []

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row. Raises OSError."""
        self._batch.append({column.name: _arrow_value(row, column) for column in self._columns})
        self.rows += 1
        if len(self._batch) >= BATCH:
            self._flush()

    def finish(self) -> None:
        """Write the rest, and the file's end. Raises OSError."""
        if self._batch or not self.rows:
            self._flush()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def abandon(self) -> None:
        """Forget what is held back."""
        self._batch.clear()
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):  # the disk that was full still is
                writer.close()

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        self._writer.write_table(self._arrow.Table.from_pylist(batch, schema=self._schema))


TABLES: Mapping[str, Callable[[BinaryIO, Sequence[Column]], TableFile]] = {"csv": CsvTable, "parquet": ParquetTable}
"""By the name of the form, which is the ending of the file's name."""


def _arrow_type(arrow: Any, column: Column) -> Any:
    kinds = {TEXT: arrow.string, WHOLE: arrow.int64, REAL: arrow.float64, FLAG: arrow.bool_}
    return arrow.timestamp("ms", tz="UTC") if column.kind == MOMENT else kinds[column.kind]()


def _arrow_value(row: Mapping[str, Any], column: Column) -> Any:
    value = row.get(column.name)
    if column.kind == MOMENT and value is not None:
        return read_iso(value)
    return value
