"""A step that all frames take, as data: what it is called, and how its work is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Callable, List, Mapping, Optional, Sequence

from fer_edge.errors import FerEdgeError, StageFailed
from fer_edge.server_use import ServerUse
from fer_edge.types import Observation

Record = Callable[[str, str, float, bool], None]
"""Takes lane, stage, seconds, and whether there was nothing to do."""


class StageWork(ABC):
    """What a stage does; built, used and closed in one thread."""

    @abstractmethod
    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return richer observations, one for each, in the same order."""

    def idle(self, observation: Observation) -> bool:  # noqa: ARG002 - most stages have something to do in each frame
        """Return whether an observation gives the stage nothing to do, which says nothing of its capacity."""
        return False

    def skipped(self, observation: Observation) -> bool:  # noqa: ARG002 - most stages skip none
        """Return whether the stage left out what it does, in an observation that it gave back.

        Such a frame is in none of the stage's figures, and the stage is not in the times of the frame.
        """
        return False

    def facts(self) -> Mapping[str, object]:
        """Return what a report says of the work: a network's name and size, what it runs on."""
        return {}

    def trouble(self) -> str:
        """Return what does not work as it should while the stage goes on, for people; any thread may ask."""
        return ""

    def server_use(self) -> Optional[ServerUse]:
        """Return what was asked of a server in this run; None where none is asked. Any thread may ask."""
        return None

    def close(self) -> None:  # noqa: B027 - work that holds nothing has nothing to give back
        """Give back what the work took."""


class NotNeeded(Exception):
    """Raised by `StageSpec.build` in a further worker: one thread is all that may do this work, and another one has it."""


@dataclass(frozen=True)
class StageSpec:
    """One stage, as data: everything that counts, shows or measures stages goes through the list of these.

    Attributes
    ----------
    name : str
        Of the stage, its threads and its label in figures: ``detect``.
    figure : str
        What its rate is called: ``detection``.
    build : callable
        Makes the work, in the thread that uses it: a network or a GPU context belongs to that thread. A worker for which it
        raises `NotNeeded` ends.
    workers : int
        Threads that work at once, each on other frames; results leave in order all the same.
    batch : int
        Most frames, of different lanes, that one call gets when they wait together.
    changes_image : bool
        Whether only the image that comes out of the stage is to be seen, as one that goes in shows too much.
    build_for : callable, optional
        Makes work that keeps something of a lane between its frames, for the lanes that it is given. Where there are several
        workers, each then has lanes of its own, and `build` is not used.
    """

    name: str
    figure: str
    build: Callable[[], StageWork]
    workers: int = 1
    batch: int = 1
    changes_image: bool = False
    build_for: Optional[Callable[[Sequence[str]], StageWork]] = None

    def build_work(self, lanes: Optional[Sequence[str]]) -> StageWork:
        """Make the work of a worker, given what `shares` says of it."""
        return self.build() if lanes is None or self.build_for is None else self.build_for(lanes)

    def shares(self, lanes: Sequence[str]) -> List[Optional[Sequence[str]]]:
        """Return for each worker the lanes that it has for itself; None where it takes frames of all."""
        if self.build_for is None or self.workers == 1:
            return [None] * self.workers
        return [lanes[first :: self.workers] for first in range(min(self.workers, len(lanes)))]


def as_stage_error(stage: str, error: BaseException) -> BaseException:
    """Return `error` itself if it is one of ours, else a `StageFailed` that names the stage and has it as its cause."""
    if isinstance(error, FerEdgeError):
        return error
    failed = StageFailed(
        f"The {stage} stage failed: {type(error).__name__}: {error}",
        "This is a fault of the program, of a library, or of a detector, classifier or source of your own: --log-level debug "
        "shows the traceback, and in Python the error's __cause__ has it.",
    )
    failed.__cause__ = error
    return failed


def merged(items: Sequence[Observation], results: Sequence[Observation], stage: str) -> List[Observation]:
    """Put the frames without an image, which no stage works on, back to where they were among the results."""
    seen = sum(1 for item in items if not item.frame.problem)
    if len(results) != seen:
        raise StageFailed(f"The {stage} stage gave {len(results)} results for {seen} frames.")
    given = iter(results)
    return [item if item.frame.problem else next(given) for item in items]
