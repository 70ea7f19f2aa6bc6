"""Writes a history file: whole batches or nothing, and never more than it may have."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence

from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.files import open_error
from fer_edge.sinks.history.faults import WHAT, write_fault
from fer_edge.sinks.history.reading import size_of
from fer_edge.sinks.history.rows import Row, add_minute, add_state
from fer_edge.sinks.history.schema import migrate, version_of
from fer_edge.sinks.recognise import NotOurs
from fer_edge.system.masking import shown
from fer_edge.system.new_file import PRIVATE
from fer_edge.system.unix import CLOEXEC
from fer_edge.types import StateChange

BUSY_SECONDS, PATIENT_SECONDS = 0.25, 1.0
"""Longest waits for another writer, of which each of ours takes some milliseconds: while observations come, which wait
meanwhile, and at the beginning and the end."""

WAL_BYTES = 1_000_000
"""What the log beside the file is cut back to, once all of it is in the file."""

LEAST_BYTES = 2_000_000
"""Smallest bound of the size that can be held: file, log and the index of the log have this with nearly nothing in them."""

INDEX_BYTES = 100_000
"""Of the index of the log, which is 32 KiB for each 16 MiB of it, in whole pages of any machine."""

CHUNK = 2_000
"""Rows that are deleted in one transaction, so that another writer waits for some milliseconds only."""

_SHARE = 1 / 16
"""Of the time that a history spans, what is forgotten at once where its size is too large."""

_LEFT = 0.9
"""Of the size that it may have, what is left then: so it is not done with every batch."""

_PAGES = 100
"""Free pages of 4 KiB that are given back in one transaction."""


@dataclass
class RunRow:
    """The run that writes, as its row tells it.

    Attributes
    ----------
    began : float
        Seconds since 1970, UTC.
    version, model : str
        Of fer-edge, and the network.
    rows : dict of tuple to int
        The number of its row in each file; it may have to begin another one.
    """

    began: float
    version: str
    model: str
    rows: Dict[Any, int] = field(default_factory=dict)


class HistoryStore:
    """One open file; to be used in the thread that opened it.

    Parameters
    ----------
    path : str
        Made where there is none, readable for its user and group.
    age : float
        Seconds for which rows are kept.
    size : float
        Bytes that the file may have, with what SQLite keeps beside it.

    Raises
    ------
    OutputError
        As `write_fault` says it, here and from each call but `close`. What was not written whole was not written.
    """

    def __init__(self, path: str, age: float, size: float) -> None:
        self._path = path
        self._age = age
        self._size = max(size, LEAST_BYTES)
        self._most_used = self._size - WAL_BYTES - INDEX_BYTES
        self._cameras: Dict[str, int] = {}
        try:
            # SQLite would ask the umask alone; what it makes beside it gets the rights of this one.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOEXEC, PRIVATE))
        except FileExistsError:
            pass
        except OSError as error:
            raise open_error(error, path, WHAT) from error
        self._identity = self._found()
        try:
            # The absolute path, as :memory: is a name of its own to SQLite.
            self._connection = sqlite3.connect(os.path.abspath(path), timeout=PATIENT_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise write_fault(error, path) from error
        try:
            self._prepare()
        except (sqlite3.Error, NotOurs) as error:
            self.close()
            raise write_fault(error, path) from error

    def write(self, rows: Sequence[Row], run: RunRow, now: float) -> None:
        """Add rows, and note that the run was there until now (seconds since 1970): all of it, or nothing."""
        self._refuse_out_of_sight()
        self._hold_the_size()
        cameras = dict(self._cameras)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for row in rows:
                if isinstance(row, StateChange):
                    add_state(self._connection, row, self._camera(row.camera, cameras))
                else:
                    add_minute(self._connection, row, self._camera(row.figures.camera, cameras))
            number = self._note_run(run, now)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise write_fault(error, self._path) from error
        self._cameras, run.rows[self._identity] = cameras, number

    def forget(self, now: float) -> None:
        """Delete what is older than it may be; now is in seconds since 1970."""
        try:
            if self._forget_before(now - self._age):
                self._shrink()
        except sqlite3.Error as error:
            self._roll_back()
            raise write_fault(error, self._path) from error

    def be_patient(self) -> None:
        """Wait longer for another writer from now on: there is no later attempt."""
        self._connection.execute(f"PRAGMA busy_timeout = {int(PATIENT_SECONDS * 1000)}").fetchone()

    def _hold_the_size(self) -> None:
        """Delete the oldest where the file is too large, until there is some room."""
        try:
            if self._used() > self._most_used:
                while self._used() > _LEFT * self._most_used and self._forget_some():
                    self._shrink()
            if size_of(self._path) > self._size:
                self._shrink()
        except sqlite3.Error as error:
            self._roll_back()
            raise write_fault(error, self._path) from error
        if size_of(self._path) > self._size:
            raise OutputNotWritable(
                f"The {WHAT} '{shown(self._path)}' is larger than it may be, and cannot be made smaller: a program that has "
                "read it for long keeps what is forgotten.",
                f"`fuser -v '{shown(self._path)}'` shows which; end it.",
            )

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    def _prepare(self) -> None:
        execute = self._connection.execute
        if version_of(self._connection) == 0:
            execute("PRAGMA auto_vacuum = INCREMENTAL")  # it must stand before the first table
        execute("PRAGMA foreign_keys = ON")
        migrate(self._connection)
        execute("PRAGMA journal_mode = WAL").fetchone()
        execute("PRAGMA synchronous = NORMAL")
        execute(f"PRAGMA journal_size_limit = {WAL_BYTES}").fetchone()
        execute("PRAGMA wal_autocheckpoint = 200").fetchone()
        execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}").fetchone()

    def _camera(self, name: str, known: Dict[str, int]) -> int:
        if name not in known:
            self._connection.execute("INSERT OR IGNORE INTO cameras (name) VALUES (?)", (name,))
            known[name] = self._connection.execute("SELECT id FROM cameras WHERE name = ?", (name,)).fetchone()[0]
        return known[name]

    def _note_run(self, run: RunRow, now: float) -> int:
        number = run.rows.get(self._identity)
        if number is None:
            values = (run.began, now, run.version, run.model)
            made = self._connection.execute(
                "INSERT INTO runs (began, ended, version, model) VALUES (?, ?, ?, ?)", values
            ).lastrowid
            return int(made or 0)
        self._connection.execute("UPDATE runs SET ended = ? WHERE id = ?", (now, number))
        return number

    def _forget_before(self, moment: float) -> int:
        """Delete what ended before a moment, in small transactions, and return how many rows that were."""
        deleted = 0
        for statement, values in (
            ("DELETE FROM states WHERE id IN (SELECT id FROM states WHERE ended < ? LIMIT ?)", (moment, CHUNK)),
            *(
                (
                    "DELETE FROM minutes WHERE camera = ? AND start IN "
                    "(SELECT start FROM minutes WHERE camera = ? AND start < ? LIMIT ?)",
                    (camera, camera, moment - 60, CHUNK),
                )
                for camera in self._numbers()
            ),
            ("DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE ended < ? LIMIT ?)", (moment, CHUNK)),
        ):
            while True:
                gone = self._connection.execute(statement, values).rowcount
                deleted += gone
                if gone < CHUNK:
                    break
        return deleted

    def _forget_some(self) -> int:
        """Delete the oldest part of all, at least one row where there is any; return how many rows."""
        oldest, newest = self._connection.execute(
            "SELECT min(first), max(last) FROM (SELECT min(ended) AS first, max(ended) AS last FROM states "
            "UNION ALL SELECT min(start) + 60, max(start) + 60 FROM minutes)"
        ).fetchone()
        if oldest is None:
            return 0
        return self._forget_before(oldest + max(1.0, (newest - oldest) * _SHARE))

    def _used(self) -> int:
        """Return how many bytes the file has, or will have when all of the log is in it."""
        return self._number("page_count") * self._number("page_size")

    def _shrink(self) -> None:
        """Give free pages back to the disk, and cut the log back."""
        for _ in range(self._number("freelist_count") // _PAGES + 1):
            self._connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _number(self, pragma: str) -> int:
        return int(self._connection.execute(f"PRAGMA {pragma}").fetchone()[0])

    def _numbers(self) -> List[int]:
        return [number for (number,) in self._connection.execute("SELECT id FROM cameras").fetchall()]

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()  # then the file is as it was, once somebody opens it again

    def _found(self) -> Any:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _refuse_out_of_sight(self) -> None:
        if self._found() != self._identity:
            raise OutputNotWritable(
                f"The {WHAT} '{shown(self._path)}' was removed or renamed by somebody else.",
                "A new one is begun; let nobody but fer-edge write to it.",
            )
