"""What a run would do, and about how long it would take: without writing anything."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

from fer_edge.errors import FerEdgeError
from fer_edge.recordings.failures import concerns_one
from fer_edge.recordings.identity import identity_of
from fer_edge.recordings.jobs import Asked
from fer_edge.recordings.networks import networks_of, stages_of
from fer_edge.recordings.output import folder_of
from fer_edge.recordings.part import seen
from fer_edge.recordings.reading import reader_of
from fer_edge.recordings.recording import Recording
from fer_edge.recordings.selection import Selection
from fer_edge.recordings.splitting import Division, divide
from fer_edge.recordings.summary import finished, read_summary
from fer_edge.system.clock import Clock
from fer_edge.types import Observation

logger = logging.getLogger("fer_edge")

TRIAL_SECONDS = 3.0
"""How long the trial takes, after the networks are loaded."""


UNKNOWN = Division()


@dataclass(frozen=True)
class Planned:
    """What would be done with one recording.

    Attributes
    ----------
    recording : Recording
    finished : bool
        Whether its results are there, so that nothing would be done.
    division : Division
        How long it is, and into how many parts it would be split.
    problem : str
        Why it could not be analysed; empty where nothing speaks against it.
    """

    recording: Recording
    finished: bool
    division: Division = UNKNOWN
    problem: str = ""


@dataclass(frozen=True)
class Trial:
    """How fast a few frames of one recording were analysed, in one process.

    Attributes
    ----------
    recording : Recording
    frames : int
        That were analysed.
    passed : int
        That there were up to the last of them; with ``--every`` and ``--fps`` more.
    seconds : float
        That took.
    """

    recording: Recording
    frames: int
    passed: int
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """What a run would do.

    Attributes
    ----------
    planned : tuple of Planned
    trial : Trial or None
        None where nothing is to be done, or could be tried.
    workers : int
    """

    planned: Tuple[Planned, ...]
    trial: Optional[Trial]
    workers: int

    @property
    def seconds(self) -> Optional[float]:
        """An estimate of how long the run would take; None without a trial, or where nobody knows how long they are.

        It takes all frames for as costly as those of the trial, and as many workers for as many times as fast.
        """
        frames = sum(one.division.frames for one in self.planned if not one.finished and not one.problem)
        if self.trial is None or not self.trial.passed or not frames:
            return None
        at_once = min(self.workers, sum(self._parts(one) for one in self.planned))
        return frames * self.trial.seconds / self.trial.passed / max(1, at_once)

    @staticmethod
    def _parts(one: Planned) -> int:
        return 0 if one.finished or one.problem else max(1, len(one.division.spans))


def forecast(
    recordings: Sequence[Recording],
    asked: Asked,
    out: str,
    workers: int,
    parts: int,
    stopped: Callable[[], bool] = lambda: False,
    clock: Clock = time.monotonic,
) -> Forecast:
    """Look at each recording, and try the largest that is to be analysed for some seconds.

    Parameters
    ----------
    parts : int
        Into how many one may be split.
    stopped : callable
        Asked between two recordings, and two frames.

    Raises
    ------
    FerEdgeError
        What would end a run, too.
    """
    remembers = networks_of(asked).remembers
    planned: List[Planned] = []
    for recording in recordings:
        if stopped():
            break
        folder = folder_of(out, recording.name)
        try:
            # Only where there are results is it worth while to read all of it.
            if read_summary(folder) is not None and finished(folder, identity_of(recording), asked) is not None:
                planned.append(Planned(recording, True))
            else:
                planned.append(Planned(recording, False, divide(recording, parts, remembers)))
        except FerEdgeError as error:
            if not concerns_one(error):
                raise
            planned.append(Planned(recording, False, problem=error.message))
    # The largest is the most of the work, and speaks best for the rest.
    to_do = [one.recording for one in planned if not one.finished and not one.problem]
    to_do.sort(key=lambda recording: -recording.size)
    return Forecast(tuple(planned), _trial(to_do, asked, stopped, clock), workers)


def _trial(recordings: Sequence[Recording], asked: Asked, stopped: Callable[[], bool], clock: Clock) -> Optional[Trial]:
    networks = networks_of(asked)
    for recording in recordings:
        reader = reader_of(recording)
        stages = stages_of(asked, networks)
        frames, began, passed, taken = 0, clock(), 0, 0.0
        images = reader.read(Selection(asked.every, asked.fps))
        try:
            for frame in images:
                seen(Observation(frame), stages)
                if not frames:  # the first pays for what is done once
                    began = clock()
                frames, passed, taken = frames + 1, reader.frames, clock() - began
                if taken > TRIAL_SECONDS or stopped():
                    break
        except FerEdgeError as error:
            logger.debug("%s could not be tried: %s", recording.name, error.message)
        finally:
            images.close()
            for stage in stages:
                stage.close()
        if frames > 1:
            return Trial(recording, frames - 1, max(1, passed - 1), taken)
    return None
