"""What a history file holds, in which version, and how it is known from other databases."""

from __future__ import annotations

import sqlite3
from typing import Sequence

from fer_edge.sinks.recognise import NotOurs
from fer_edge.types import LABELS

APPLICATION_ID = 0x46455248
"""``FERH``: says in the file's header whose database it is (https://www.sqlite.org/fileformat2.html, offset 68)."""

_MINUTE_LABELS = ", ".join(f"{label} REAL NOT NULL" for label in LABELS)

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        "CREATE TABLE cameras (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE runs (id INTEGER PRIMARY KEY, began REAL NOT NULL, ended REAL NOT NULL, "
        "version TEXT NOT NULL, model TEXT NOT NULL)",
        "CREATE TABLE states (id INTEGER PRIMARY KEY, camera INTEGER NOT NULL REFERENCES cameras (id), "
        "track INTEGER NOT NULL, label TEXT NOT NULL, began REAL NOT NULL, ended REAL NOT NULL, duration REAL NOT NULL, "
        "confidence REAL, valence REAL, intensity REAL, uncertain INTEGER NOT NULL, frames INTEGER NOT NULL)",
        "CREATE INDEX states_by_end ON states (ended)",
        "CREATE TABLE minutes (camera INTEGER NOT NULL REFERENCES cameras (id), start INTEGER NOT NULL, "
        "seconds REAL NOT NULL, frames INTEGER NOT NULL, captured INTEGER NOT NULL, dropped INTEGER NOT NULL, "
        "temperature REAL, persons REAL NOT NULL, persons_most INTEGER NOT NULL, valence REAL, "
        f"{_MINUTE_LABELS}, PRIMARY KEY (camera, start)) WITHOUT ROWID",
    ),
)
"""What makes each version of the one before; the first of an empty file. All times are seconds since 1970, UTC."""

VERSION = len(MIGRATIONS)

_MAGIC = b"SQLite format 3\0"

HEADER_BYTES = 100
"""At the beginning of a file, which tell what it is."""


def refuse_others(header: bytes) -> None:
    """Raise `NotOurs` for a file that begins with these bytes and is no history, or one of a later version.

    Parameters
    ----------
    header : bytes
        The first hundred.
    """
    if len(header) < HEADER_BYTES or not header.startswith(_MAGIC):
        raise NotOurs("it is no SQLite database")
    refuse_versions(int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big"))


def refuse_versions(application: int, version: int) -> None:
    """Raise `NotOurs` for a database of another program, or a history of a later version than this program knows."""
    if application != APPLICATION_ID:
        raise NotOurs("it is a database of another program")
    if version > VERSION:
        raise NotOurs(f"it is of version {version}, and this fer-edge knows up to {VERSION}; a newer one reads it")


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a history; 0 of an empty file. Raises `NotOurs`."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not application and not version and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    refuse_versions(application, version)
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to `VERSION` in one transaction, or leave it as it is.

    Raises
    ------
    NotOurs
        It is none of ours, or of a later version.
    sqlite3.Error
        It cannot be written.
    """
    if version_of(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another program may have done it meanwhile.
        for statements in MIGRATIONS[version_of(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
