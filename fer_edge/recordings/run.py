"""Analyses recordings: hands out the work, notes what comes of it, and writes what is told of all of them."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from fer_edge.errors import OutputError
from fer_edge.recordings.failures import COLUMNS as FAILURE_COLUMNS
from fer_edge.recordings.failures import FAILURES, LOST, Failure, concerns_one, error_named, partial_failure
from fer_edge.recordings.figures import RunFigures
from fer_edge.recordings.jobs import Asked, Job, JoinResult, PartJob, PartResult, Survey
from fer_edge.recordings.ledger import FAILED, FINISHED, SKIPPED, Entry, Ledger
from fer_edge.recordings.output import clear_leftovers, writing
from fer_edge.recordings.pool import Done, Failed, Lost, Message, Pool, Progress
from fer_edge.recordings.recording import Recording
from fer_edge.recordings.summary import COLUMNS as SUMMARY_COLUMNS
from fer_edge.recordings.summary import SUMMARIES, summary_row
from fer_edge.sinks.files import open_error
from fer_edge.sinks.table_files import Column, CsvTable
from fer_edge.system.atomic_file import replacing
from fer_edge.system.clock import Clock
from fer_edge.system.new_file import PRIVATE

logger = logging.getLogger("fer_edge")

ATTEMPTS = 3
"""How often a job is given that is lost with whoever had it."""

PARTS_FOR_EACH = 4
"""Parts of a recording for each worker: more of them even out what a worker has at the end."""

_WAIT = 0.25
_AHEAD = 2


def most_parts(workers: int) -> int:
    """Return into how many parts a recording may be split for so many workers."""
    return PARTS_FOR_EACH * workers if workers > 1 else 1


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes
    ----------
    finished, skipped, failed : int
        Recordings that were analysed, whose results were there, and of which there are none.
    failures : tuple of Failure
        Of these, and of those of which only a part could be read.
    interrupted : bool
        Whether it was ended before all was done.
    figures : RunFigures
        At its end.
    """

    finished: int
    skipped: int
    failed: int
    failures: Tuple[Failure, ...]
    interrupted: bool
    figures: RunFigures


class Run:
    """Analyses recordings.

    Parameters
    ----------
    recordings : sequence of Recording
    asked : Asked
    out : str
        The folder of the results, which is there.
    pool : Pool
        Does the work; closed by who made it.
    watcher : callable
        Gets the figures of the run several times a second, and at its end.
    stop : Event, optional
        Ends the run: what is finished stays.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        asked: Asked,
        out: str,
        pool: Pool,
        watcher: Callable[[RunFigures], None] = lambda figures: None,
        stop: Optional[threading.Event] = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._out = out
        self._pool = pool
        self._watcher = watcher
        self._stop = stop or threading.Event()
        self._clock = clock
        self._ledger = Ledger(tuple(recordings), asked, out, most_parts(pool.workers))
        self._at_work: List[Job] = []
        self._lost: Counter[Tuple[str, str, int]] = Counter()
        self._began = clock()

    def run(self) -> Outcome:
        """Analyse all, and return what became of it.

        Raises
        ------
        OutputNotWritable
            A folder lies where a table is to be.
        FerEdgeError
            What ends the run, as it would meet each recording: a full disk, a network that cannot be loaded.
        """
        self._refuse_folders()
        for entry in self._ledger.entries.values():
            clear_leftovers(entry.folder)
        try:
            self._hand_out()
            while self._at_work and not self._stop.is_set():
                for message in self._pool.messages(_WAIT):
                    self._take(message)
                self._hand_out()
                self._watcher(self.figures())
        except BaseException:
            self._give_up()
            with suppress(OutputError):  # the disk that is full says so once
                self._write_tables()
            raise
        interrupted = any(not entry.over for entry in self._ledger.entries.values())
        if interrupted:
            self._give_up()
        self._write_tables()
        return self._outcome(interrupted)

    def figures(self) -> RunFigures:
        """Return how far the run is."""
        return RunFigures.of(
            list(self._ledger.entries.values()), self._at_work[: self._pool.workers], self._clock() - self._began
        )

    def _refuse_folders(self) -> None:
        """Say before hours of work that a table cannot be put in its place after them. Raises OutputNotWritable."""
        for name in (SUMMARIES, FAILURES):
            path = os.path.join(self._out, name)
            if os.path.isdir(path):
                raise open_error(IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)), path, "result")

    def _give_up(self) -> None:
        """End the work, and clear away what is not finished."""
        self._pool.close()
        for entry in self._ledger.entries.values():
            if not entry.over:
                clear_leftovers(entry.folder)

    def _hand_out(self) -> None:
        while len(self._at_work) < self._pool.workers + _AHEAD:
            job = self._ledger.next_job()
            if job is None:
                return
            self._at_work.append(job)
            self._pool.submit(job)

    def _take(self, message: Message) -> None:
        job = message.job
        entry = self._ledger.entries[job.recording.name]
        if isinstance(message, Progress):
            if isinstance(job, PartJob) and job.of == entry.wanted:
                entry.behind[job.number], entry.frames[job.number] = message.media_seconds, message.frames
            return
        if job in self._at_work:
            self._at_work.remove(job)
        if entry.over:
            return
        if isinstance(message, Done):
            self._done(entry, message)
        elif isinstance(message, Failed):
            self._failed(entry, message)
        else:
            self._lose(entry, message)

    def _warn_of_few_looks(self, name: str, survey: Survey) -> None:
        asked = self._ledger.asked
        every = asked.every * survey.seconds / survey.frames if survey.frames else 0.0
        step = max(every, 1 / asked.fps if asked.fps else 0.0)
        if asked.tracks and step > asked.track_memory:
            logger.warning(
                "%s: a frame is analysed each %.3g s only, and a face is forgotten after %g s, so every look begins new people "
                "and states; look more often, or give --track-memory %.3g, or --tracks off",
                name,
                step,
                asked.track_memory,
                3 * step,
            )

    def _done(self, entry: Entry, message: Done) -> None:
        job, result = message.job, message.result
        if isinstance(result, Survey):
            self._ledger.surveyed(entry, result)
            if result.fresh:
                logger.info(
                    "%s: the detector begins afresh at %d of its key frames, as it would for any number of workers",
                    entry.recording.name,
                    len(result.fresh),
                )
            if result.unsplit:
                logger.info("%s is not split: %s", entry.recording.name, result.unsplit)
            self._warn_of_few_looks(entry.recording.name, result)
        elif isinstance(result, JoinResult):
            self._ledger.joined(entry, result.summary)
        elif isinstance(result, PartResult) and isinstance(job, PartJob):
            if result.inexact:
                logger.info("%s is read anew, in one: %s", entry.recording.name, result.inexact)
            self._ledger.part_done(entry, job, result)

    def _failed(self, entry: Entry, message: Failed) -> None:
        error = error_named(message.kind, message.message, message.hint)
        if not concerns_one(error):
            raise error
        recording = entry.recording
        self._ledger.failed(entry, Failure(recording.name, recording.path, message.kind, error.message, error.remedy))
        logger.warning("%s: %s", recording.name, error.message)
        clear_leftovers(entry.folder)

    def _lose(self, entry: Entry, message: Lost) -> None:
        job, recording = message.job, entry.recording
        number = job.number if isinstance(job, PartJob) else 0
        key = recording.name, type(job).__name__, number
        self._lost[key] += 1
        if self._lost[key] < ATTEMPTS:
            logger.warning("%s: a worker was lost (%s); its work is done again", recording.name, message.why)
            self._ledger.again(job)
            return
        reason = f"Whoever worked on it was lost {ATTEMPTS} times, the last time because {message.why}."
        hint = "Look for what ends processes here: short memory (fewer --workers), or a file that breaks its decoder."
        self._ledger.failed(entry, Failure(recording.name, recording.path, LOST, reason, hint))
        logger.warning("%s: %s", recording.name, reason)
        clear_leftovers(entry.folder)

    def _failures(self) -> List[Failure]:
        found = []
        for name, entry in self._ledger.entries.items():
            if entry.failure is not None:
                found.append(entry.failure)
            elif entry.summary is not None and not entry.summary.get("whole", True):
                found.append(partial_failure(name, entry.summary))
        return found

    def _write_tables(self) -> None:
        """Write what is told of all recordings. Raises OutputError."""
        summaries = [entry.summary for entry in self._ledger.entries.values() if entry.summary is not None]
        self._write(SUMMARIES, SUMMARY_COLUMNS, [summary_row(summary) for summary in summaries])
        self._write(FAILURES, FAILURE_COLUMNS, [failure.row() for failure in self._failures()])

    def _write(self, name: str, columns: Sequence[Column], rows: Sequence[Dict[str, object]]) -> None:
        path = os.path.join(self._out, name)
        with writing(path), replacing(path, PRIVATE) as draft:
            table = CsvTable(draft.file, columns)
            for row in rows:
                table.write(row)
            table.finish()

    def _outcome(self, interrupted: bool) -> Outcome:
        states = Counter(entry.state for entry in self._ledger.entries.values())
        return Outcome(
            states[FINISHED], states[SKIPPED], states[FAILED], tuple(self._failures()), interrupted, self.figures()
        )
