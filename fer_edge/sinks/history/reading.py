"""Reads a history file: while it is written as well, by as many programs as want to."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Iterator, List, Optional, Tuple, Type

from fer_edge.errors import OutputError
from fer_edge.sinks.history.faults import read_fault
from fer_edge.sinks.history.schema import version_of
from fer_edge.sinks.minutes import CountedMinute
from fer_edge.sinks.recognise import NotOurs
from fer_edge.system.masking import shown
from fer_edge.track.minutes import MinuteFigures
from fer_edge.types import LABELS, StateChange

_BUSY_SECONDS = 2.0
"""Longest wait for whoever has the file locked. A writer never keeps readers out; a program that repairs the file does."""

_STEPS = 10_000
"""Of SQLite's own machine between two looks at the clock: about a millisecond."""

# The labels are those of this program, and nothing that anybody gave.
_MINUTES = (
    "SELECT cameras.name, start, seconds, frames, captured, dropped, temperature, persons, persons_most, "  # noqa: S608
    f"valence, {', '.join(LABELS)} "
    "FROM cameras JOIN minutes ON cameras.id = minutes.camera "
    "WHERE start + 60 > ? AND start < ? AND (? IS NULL OR cameras.name = ?) ORDER BY start, cameras.id LIMIT ?"
)


@dataclass(frozen=True)
class HistoryRun:
    """One run that wrote into the history.

    Attributes
    ----------
    began, ended : datetime
        UTC; the end is when it wrote last.
    version, model : str
        Of fer-edge, and the network.
    """

    began: datetime
    ended: datetime
    version: str
    model: str


class HistoryReader:
    """Reads one file; nothing is written. A context manager that closes itself; to be used in the thread that made it.

    Parameters
    ----------
    path : str
        The file.
    seconds : float, optional
        Longest time for all questions together; without, until they are answered.

    Raises
    ------
    OutputError
        It is missing, none of ours, damaged or of a later version, or the time is over, here and from every other call.
    """

    def __init__(self, path: str, seconds: float = math.inf) -> None:
        self.path = path
        self._connection = _open(path)
        if math.isfinite(seconds):
            until = time.monotonic() + seconds
            self._connection.set_progress_handler(lambda: time.monotonic() >= until, _STEPS)
        try:
            with self._translated():
                self._empty = version_of(self._connection) == 0
        except BaseException:
            self.close()
            raise

    def cameras(self) -> List[str]:
        """Return the names of all cameras, in the order in which they came."""
        with self._translated():
            return [_text(name) for (name,) in self._rows("SELECT name FROM cameras ORDER BY id")]

    def span(self) -> Optional[Tuple[datetime, datetime]]:
        """Return from when to when (UTC) there is anything; None where there is nothing."""
        row = next(
            self._rows(
                "SELECT min(began), max(ended) FROM (SELECT min(began) AS began, max(ended) AS ended FROM states "
                "UNION ALL SELECT min(start), max(start) + 60 FROM minutes)"
            ),
            (None, None),
        )
        with self._translated():
            return None if row[0] is None else (_moment(row[0]), _moment(row[1]))

    def states(
        self,
        camera: Optional[str] = None,
        since: Optional[datetime] = None,
        until: Optional[datetime] = None,
        limit: Optional[int] = None,
    ) -> Iterator[StateChange]:
        """Return states that are over, in the order of their ends.

        Parameters
        ----------
        camera : str, optional
            Of this one alone.
        since, until : datetime, optional
            Only those of which a part lies between; one without a zone is UTC.
        limit : int, optional
            The first so many.
        """
        begin, end = _bounds(since, until)
        rows = self._rows(
            "SELECT cameras.name, track, label, began, ended, duration, confidence, valence, intensity, uncertain, frames "
            "FROM states JOIN cameras ON cameras.id = states.camera "
            "WHERE ended > ? AND began < ? AND (? IS NULL OR cameras.name = ?) ORDER BY ended, states.id LIMIT ?",
            (begin, end, camera, camera, -1 if limit is None else limit),
        )
        with self._translated():
            for name, track, label, began, ended, duration, confidence, valence, intensity, uncertain, frames in rows:
                yield StateChange(
                    camera=_text(name),
                    track=int(track),
                    label=_text(label),
                    start=_moment(began),
                    end=_moment(ended),
                    duration=float(duration),
                    confidence=_number(confidence),
                    valence=_number(valence),
                    intensity=_number(intensity),
                    uncertain=bool(uncertain),
                    frames=int(frames),
                )

    def minutes(
        self,
        camera: Optional[str] = None,
        since: Optional[datetime] = None,
        until: Optional[datetime] = None,
        limit: Optional[int] = None,
    ) -> Iterator[CountedMinute]:
        """Return minutes, in the order of their beginnings; parameters as those of `states`."""
        begin, end = _bounds(since, until)
        rows = self._rows(_MINUTES, (begin, end, camera, camera, -1 if limit is None else limit))
        with self._translated():
            for (
                name,
                start,
                seconds,
                frames,
                captured,
                dropped,
                temperature,
                persons,
                most,
                valence,
                *shown_for,
            ) in rows:
                figures = MinuteFigures(
                    camera=_text(name),
                    start=_moment(start),
                    frames=int(frames),
                    seconds=float(seconds),
                    persons=float(persons),
                    persons_most=int(most),
                    expressions=dict(zip(LABELS, map(float, shown_for))),
                    valence=None if valence is None else float(valence),
                )
                yield CountedMinute(
                    figures, int(captured), int(dropped), None if temperature is None else float(temperature)
                )

    def runs(self) -> List[HistoryRun]:
        """Return the runs that wrote here, in their order."""
        rows = self._rows("SELECT began, ended, version, model FROM runs ORDER BY id")
        with self._translated():
            return [HistoryRun(_moment(began), _moment(ended), version, model) for began, ended, version, model in rows]

    def counts(self) -> Tuple[int, int]:
        """Return how many states and minutes there are."""
        return next(self._rows("SELECT (SELECT count(*) FROM states), (SELECT count(*) FROM minutes)"), (0, 0))

    def faults(self) -> List[str]:
        """Return what SQLite finds wrong with the file, for people; nothing where it is whole. Reads all of it."""
        found = [str(fault) for (fault,) in self._rows("PRAGMA integrity_check(10)")]
        broken = len(list(self._rows("PRAGMA foreign_key_check")))
        return [fault for fault in found if fault != "ok"] + ([f"{broken} rows without their camera"] if broken else [])

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._connection.close()

    def __enter__(self) -> HistoryReader:
        """Enter a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close it."""
        self.close()

    def _rows(self, statement: str, values: Tuple[Any, ...] = ()) -> Iterator[Tuple[Any, ...]]:
        if self._empty:
            return
        with self._translated():
            # The map, as "yield from" would close the cursor itself, which a reader that is closed already refuses.
            yield from map(tuple, self._connection.execute(statement, values))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, NotOurs, TypeError, ValueError, OverflowError) as error:
            # Columns of SQLite may hold what is of no use in them.
            raise read_fault(error, self.path) from error


def size_of(path: str) -> int:
    """Return how many bytes a history takes on the disk, with what is written and not yet part of the file itself."""
    total = 0
    for ending in ("", "-wal", "-shm"):
        try:
            total += os.stat(path + ending).st_size
        except OSError:
            continue
    return total


def _open(path: str) -> sqlite3.Connection:
    if not os.path.isfile(path):
        raise OutputError(
            f"There is no history file '{shown(path)}'.",
            "Give the name that stands at --history of the run that writes it.",
        )
    uri = Path(os.path.abspath(path)).as_uri() + "?mode=ro"
    # A file that nobody has open lacks what SQLite would make beside it, and this user may not be allowed to.
    alone = not os.path.exists(path + "-wal") and not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK)
    try:
        return sqlite3.connect(uri + ("&immutable=1" if alone else ""), timeout=_BUSY_SECONDS, uri=True)
    except sqlite3.Error as error:
        raise read_fault(error, path) from error


def _bounds(since: Optional[datetime], until: Optional[datetime]) -> Tuple[float, float]:
    return (
        -math.inf if since is None else _seconds(since),
        math.inf if until is None else _seconds(until),
    )


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def _number(value: Optional[float]) -> float:
    """Return a figure; SQLite keeps what is no number as nothing."""
    return math.nan if value is None else float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
