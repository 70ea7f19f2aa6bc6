"""Keeps states and minutes of a run in a history file, a batch a second at most."""

from __future__ import annotations

import logging
import time
from typing import BinaryIO, Callable, Optional, Protocol

from fer_edge.errors import OutputError, UsageError
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.history.faults import WHAT, is_locked, write_fault
from fer_edge.sinks.history.ledger import Ledger
from fer_edge.sinks.history.schema import HEADER_BYTES, refuse_others
from fer_edge.sinks.history.store import HistoryStore, RunRow
from fer_edge.sinks.place import check_place
from fer_edge.sinks.recognise import NotOurs
from fer_edge.sinks.request import SinkRequest
from fer_edge.system.clock import Clock
from fer_edge.types import Observation, Rates
from fer_edge.version import __version__

logger = logging.getLogger("fer_edge")

BATCH_SECONDS = 1.0
"""Shortest time between two transactions: each wears a memory card."""

FORGET_SECONDS = 60.0
"""Between two looks for what is too old."""

PATIENCE = 30.0
"""Seconds for which what another program locks is waited for in silence: a backup, or somebody who looks into it by hand."""


class HistoryOptions(Protocol):
    """The settings that it reads; `fer_edge.settings.history.HistorySettings` has them."""

    @property
    def age(self) -> float:
        """Seconds for which rows are kept."""

    @property
    def size(self) -> float:
        """Bytes that the file may have."""


class HistorySink(Sink):
    """Writes into the history that a request names.

    A state is written once it is over, a minute once it is complete, with what came in the second before: so a kill loses the
    states that are open, the minutes under way, and a second. Where nothing can be written, rows wait for the next sink of
    the same place.

    Parameters
    ----------
    request : SinkRequest
        Names the file.
    clock : callable, optional
        Monotonic seconds.
    wall : callable, optional
        Seconds since 1970, UTC.

    Raises
    ------
    OutputError
        Nothing can be written there; also from `open`, `write` and `close`.
    """

    def __init__(
        self, request: SinkRequest, clock: Clock = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._path = request.place
        self._options: HistoryOptions = request.options
        self._before_opening = request.before_opening
        self._clock = clock
        self._wall = wall
        self._store: Optional[HistoryStore] = None
        self._due = self._forget_at = clock()
        if not request.again:
            # Not later: closing a file lets go of all locks that this process has on it, those of SQLite as well
            # (https://www.sqlite.org/howtocorrupt.html, 2.2).
            check_place(self._path, WHAT, self._recognise)
        if WHAT not in request.memory:
            request.memory[WHAT] = Ledger(request.run, RunRow(wall(), __version__, request.run.model))
        self._ledger: Ledger = request.memory[WHAT]

    def open(self, info: StreamInfo) -> None:  # noqa: ARG002  (each row says of which camera it is)
        """Open the file, or make it."""
        self._before_opening(self._path)
        self._store = HistoryStore(self._path, self._options.age, self._options.size)

    def write(self, observation: Observation, rates: Rates) -> None:  # noqa: ARG002  (the minutes have their own)
        """Take an observation, and write what is complete. Raises UsageError before `open`."""
        if self._store is None:
            raise UsageError(f"Results were given to '{self._path}' before it was opened.", "Call open(info) first.")
        self._ledger.take(observation)
        if self._ledger.waiting and self._clock() >= self._due:
            self._flush(self._store)

    def close(self) -> None:
        """Write what is open as ended, and close the file."""
        store, self._store = self._store, None
        if store is None:
            return
        try:
            self._ledger.finish()
            self._ledger.locked_since = None
            store.be_patient()
            self._write(store)
        finally:
            store.close()

    @property
    def lost(self) -> int:
        """How many rows were left out, as too many waited for the file."""
        return self._ledger.lost

    def _recognise(self, file: BinaryIO) -> int:
        try:
            refuse_others(file.read(HEADER_BYTES))
        except NotOurs as error:
            raise write_fault(error, self._path) from error
        return 0

    def _flush(self, store: HistoryStore) -> None:
        try:
            self._write(store)
            if self._clock() >= self._forget_at:
                store.forget(self._wall())
                self._forget_at = self._clock() + FORGET_SECONDS
        except OutputError as error:
            if self._waits_for_a_lock(error):
                return
            self._store = None  # closing it now is not the end of what people show
            store.close()
            raise
        finally:
            self._due = self._clock() + BATCH_SECONDS

    def _write(self, store: HistoryStore) -> None:
        ledger = self._ledger
        store.write(ledger.waiting, ledger.row, self._wall())
        ledger.waiting.clear()
        ledger.locked_since = None
        lost, ledger.told = ledger.lost - ledger.told, ledger.lost
        if lost:
            logger.warning(
                "the history '%s' left out %d rows: too many waited for it",
                self._path,
                lost,
                extra={"event": "results_left_out", "sink": WHAT, "lost": lost},
            )

    def _waits_for_a_lock(self, error: OutputError) -> bool:
        """Return whether an error is a lock that may soon be gone."""
        if error.__cause__ is None or not is_locked(error.__cause__):
            return False
        if self._ledger.locked_since is None:
            self._ledger.locked_since = self._clock()
        return self._clock() - self._ledger.locked_since < PATIENCE


def make_sink(request: SinkRequest) -> Sink:
    """Make the sink that ``--history`` asks for."""
    return HistorySink(request)
