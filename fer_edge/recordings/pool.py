"""The seam between a run and those who do its work: processes of this machine, or a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Callable, Iterable, List, Optional, Type, TypeVar, Union

from fer_edge.recordings.jobs import Job, Result
from fer_edge.system.clock import Clock

PoolT = TypeVar("PoolT", bound="Pool")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    job : Job
    frames : int
        Analysed so far.
    media_seconds : float
        Of the recording that are behind it so far.
    """

    job: Job
    frames: int
    media_seconds: float


@dataclass(frozen=True)
class Done:
    """A job is done, and what came of it."""

    job: Job
    result: Result


@dataclass(frozen=True)
class Failed:
    """A job cannot be done, wherever it is tried.

    Attributes
    ----------
    job : Job
    kind : str
        The name of an error of `fer_edge.errors`; another one's is that of a fault of the program.
    message, hint : str
        For people.
    """

    job: Job
    kind: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Lost:
    """Whoever had a job is gone; it may be given again.

    Attributes
    ----------
    job : Job
    why : str
        For people.
    """

    job: Job
    why: str = ""


Message = Union[Progress, Done, Failed, Lost]

FakePerform = Callable[[Job], Iterable[Message]]

_STEP = 1.0
"""Seconds: who has nothing to say may still be hung."""


class Pool(ABC):
    """Does jobs, several at a time; a context manager that closes itself. All calls come from one thread.

    For each job that was submitted exactly one of `Done`, `Failed` and `Lost` comes, unless the pool is closed before.
    ``perform`` of `fer_edge.recordings.work` is what does a job.

    Attributes
    ----------
    workers : int
        How many jobs are done at once.
    """

    workers: int = 1

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Have a job done as soon as somebody is free."""

    @abstractmethod
    def messages(self, timeout: float) -> List[Message]:
        """Return what came, in order; wait for at most so many seconds where nothing did.

        Raises
        ------
        FerEdgeError
            Nobody is left who could work.
        """

    @abstractmethod
    def close(self) -> None:
        """End those who work, also in the middle of a job, within seconds. May be called twice."""

    def __enter__(self: PoolT) -> PoolT:
        """Enter a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close the pool."""
        self.close()


def awaited(came: List[Message], step: Callable[[float], None], timeout: float, clock: Clock) -> List[Message]:
    """Take what came; before, have steps add to it until something is there, for so many seconds in all.

    Parameters
    ----------
    came : list of Message
        Empty afterwards.
    step : callable
        Adds what comes within so many seconds.
    """
    deadline = clock() + timeout
    while not came:
        left = deadline - clock()
        step(max(0.0, min(left, _STEP)))
        if left <= 0:
            break
    taken = came[:]
    came.clear()
    return taken


class FakePool(Pool):
    """Does each job at once, in this thread; for tests.

    Parameters
    ----------
    perform : callable
        Does a job, and returns its messages.

    Attributes
    ----------
    submitted : list of Job
    """

    def __init__(self, perform: FakePerform, workers: int = 1) -> None:
        self.workers = workers
        self.submitted: List[Job] = []
        self.closed = False
        self._perform = perform
        self._waiting: List[Job] = []

    def submit(self, job: Job) -> None:
        """Note a job."""
        self.submitted.append(job)
        self._waiting.append(job)

    def messages(self, timeout: float) -> List[Message]:  # noqa: ARG002  (nothing is waited for)
        """Do the next job, and return what came of it."""
        return list(self._perform(self._waiting.pop(0))) if self._waiting else []

    def close(self) -> None:
        """Forget what waits."""
        self.closed = True
        self._waiting.clear()
