"""Waits for the threads of a session at its end, and leaves behind those that cannot be waited for."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import Iterator, Optional, Sequence

from fer_edge.errors import FerEdgeError, StopTimeout
from fer_edge.pipeline.stage import StageThread
from fer_edge.pipeline.supervisor import Supervised, Supervisor

logger = logging.getLogger("fer_edge")

STOP_SECONDS = 1.8
"""Longest wait for all threads together, so that the whole program ends in under two seconds."""


def join_threads(threads: Sequence[Supervised], supervisor: Optional[Supervisor]) -> None:
    """Wait for threads that were asked to end.

    A stage that is still being built is left behind, and ends with the process. With a supervisor, so is a thread that
    hangs in a driver.

    Raises
    ------
    StopTimeout
        A thread did not end in time; it is abandoned, and ends with the process.
    """
    deadline = time.monotonic() + STOP_SECONDS
    for supervised in threads:
        if supervised.worker.thread.ident is None:
            continue  # stopped from elsewhere while it was being started
        supervised.worker.thread.join(max(0.0, deadline - time.monotonic()))
    # Building an engine takes minutes and cannot be interrupted.
    alive = [supervised for supervised in threads if supervised.worker.thread.is_alive()]
    unfinished = [one for one in alive if isinstance(one, StageThread) and one.building]
    for one in unfinished:
        logger.info("the %s stage was not ready yet; what it was building is given up", one.name)
    hanging = [one for one in alive if one not in unfinished]
    if supervisor is not None:
        hanging = [one for one in hanging if not supervisor.leave(one) and one.worker.thread.is_alive()]
    if hanging:
        names = " and ".join(one.worker.thread.name for one in hanging)
        raise StopTimeout(
            f"{names} did not end within {STOP_SECONDS} s after being asked to stop.",
            "A driver or library call hangs there; unplug the camera, or end the process.",
        )


@contextmanager
def not_hiding(error: Optional[BaseException]) -> Iterator[None]:
    """Log that a thread did not end, and raise nothing, where `error` ended the session: that one says what is to be done."""
    try:
        yield
    except StopTimeout as late:
        if not isinstance(error, FerEdgeError):
            raise
        logger.warning("%s", late.message)
