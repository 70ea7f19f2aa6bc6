"""Does a job, in whatever process."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from fer_edge.errors import FerEdgeError
from fer_edge.recordings.identity import identity_of
from fer_edge.recordings.jobs import Job, PageJob, PartJob, Result, Survey, SurveyJob, Tell
from fer_edge.recordings.pool import Failed
from fer_edge.system.libraries import import_failure, in_short, library_of


def perform(job: Job, tell: Tell = lambda frames, seconds: None) -> Result:
    """Do a job and return what came of it.

    Raises
    ------
    FerEdgeError
        It cannot be done.
    """
    if isinstance(job, SurveyJob):
        return survey(job, lambda: tell(0, 0.0))
    if isinstance(job, PartJob):
        from fer_edge.recordings.part import analyse_part

        return analyse_part(job, tell)
    if isinstance(job, PageJob):
        from fer_edge.recordings.pages import write_recording_page

        write_recording_page(Path(job.folder), Path(job.out), job.pictures)
        return None
    from fer_edge.recordings.join import join

    return join(job, tell)


def survey(job: SurveyJob, tick: Callable[[], None] = lambda: None) -> Survey:
    """Find out what a recording is, whether its results are there, and where it can be split.

    Raises
    ------
    FerEdgeError
        It cannot be read, or this process cannot work on it.
    """
    from fer_edge.recordings.networks import networks_of
    from fer_edge.recordings.splitting import divide
    from fer_edge.recordings.summary import finished

    identity = identity_of(job.recording, tick)
    done = finished(job.folder, identity, job.asked)
    if done is not None:
        return Survey(identity, done)
    found = divide(job.recording, job.parts, networks_of(job.asked).remembers, tick)
    return Survey(identity, None, found.spans, found.frames, found.seconds, found.why_not, found.fresh)


def failure_of(job: Job, error: BaseException) -> Failed:
    """Return the message for a job that ended with an error, whosever that is."""
    if isinstance(error, FerEdgeError):
        return Failed(job, type(error).__name__, error.message, error.remedy)
    name = job.recording.name
    if isinstance(error, MemoryError):
        return Failed(
            job,
            "OutOfMemory",
            f"There was not enough memory for {name}: {in_short(error)}.",
            "Take fewer workers (--workers).",
        )
    library = library_of(error) or ""
    if isinstance(error, ImportError) and library.partition(".")[0] not in ("", "fer_edge"):
        failure = import_failure(error, library, "cpu", "Analysing recordings")
        return Failed(job, type(failure).__name__, failure.message, failure.remedy)
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Failed(
        job,
        "StageFailed",
        f"Work on {name} failed ({type(job).__name__}): {words}.",
        "This is a fault of the program or of a library: please report it with the recording, if you may.",
    )
