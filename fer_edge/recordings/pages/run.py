"""Makes the pages of a run's recordings, by whoever did its work, and then the page of all."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from fer_edge.errors import OutputError
from fer_edge.recordings.failures import LOST, Failure, concerns_one, error_named
from fer_edge.recordings.jobs import PageJob
from fer_edge.recordings.output import folder_of
from fer_edge.recordings.pages.write import write_index
from fer_edge.recordings.pool import Done, Failed, Lost, Message, Pool
from fer_edge.recordings.recording import Recording
from fer_edge.recordings.summary import SUMMARY

logger = logging.getLogger("fer_edge")

_WAIT = 0.25


def write_pages(
    recordings: Sequence[Recording],
    out: str,
    pictures: bool,
    pool: Pool,
    told: Callable[[int, int], None] = lambda done, of: None,
    stop: Optional[threading.Event] = None,
) -> List[Failure]:
    """Make the page of each recording of which there are results, and that of all of them.

    Parameters
    ----------
    recordings : sequence of Recording
    out : str
        The folder of the results.
    pictures : bool
        Whether the pages hold small images of the recordings.
    pool : Pool
        Does the work.
    told : callable
        Is told how many are done, of how many.
    stop : Event, optional
        Ends the work; the pages that are there then are whole.

    Returns
    -------
    list of Failure
        Why a page could not be made. Its recording's tables are there nevertheless.

    Raises
    ------
    FerEdgeError
        What would meet every page, such as a full disk; or the page of all cannot be written.
    """
    stop = stop or threading.Event()
    jobs = [
        PageJob(one, folder, out, pictures)
        for one, folder in ((one, folder_of(out, one.name)) for one in recordings)
        if os.path.isfile(os.path.join(folder, SUMMARY))
    ]
    failures: List[Failure] = []
    waiting, at_work, done = list(reversed(jobs)), 0, 0
    while (waiting or at_work) and not stop.is_set():
        while waiting and at_work < pool.workers:
            pool.submit(waiting.pop())
            at_work += 1
        for message in pool.messages(_WAIT):
            if isinstance(message, (Done, Failed, Lost)):
                at_work, done = at_work - 1, done + 1
                failures += _failures(message)
                told(done, len(jobs))
    if not stop.is_set():
        write_index(Path(out))
    return failures


def _failures(message: Message) -> List[Failure]:
    """Return why there is no page; raise what would meet every other one as well."""
    recording = message.job.recording
    if isinstance(message, Failed):
        error = error_named(message.kind, message.message, message.hint)
        # What is damaged is one's own; a disk that is full, or a folder that takes nothing, has another name.
        if not concerns_one(error) and type(error) is not OutputError:
            raise error
        failure = Failure(recording.name, recording.path, message.kind, message.message, message.hint)
    elif isinstance(message, Lost):
        failure = Failure(recording.name, recording.path, LOST, f"Whoever made its page was lost: {message.why}.")
    else:
        return []
    logger.warning("no page of %s: %s", recording.name, failure.reason)
    return [failure]
