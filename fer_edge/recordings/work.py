"""Does a job, in whatever process."""

from __future__ import annotations

from typing import Callable

from fer_edge.recordings.jobs import Job, Result

Tell = Callable[[int, float], None]
"""Is told how far a job is: frames that were analysed, and seconds of the recording that are behind it."""


def perform(job: Job, tell: Tell = lambda frames, seconds: None) -> Result:
    """Do a job and return what came of it.

    Raises
    ------
    FerEdgeError
        It cannot be done.
    """
    raise NotImplementedError
