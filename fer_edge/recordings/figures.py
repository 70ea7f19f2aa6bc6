"""How far a run is, as figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from fer_edge.recordings.jobs import Job, JoinJob, PartJob
from fer_edge.recordings.ledger import FAILED, FINISHED, SKIPPED, Entry


@dataclass(frozen=True)
class AtWork:
    """What one worker does.

    Attributes
    ----------
    name : str
        Of the recording.
    step : str
        ``survey``, ``part`` or ``join``.
    number, of : int
        Which part of how many, from 1 on.
    frames : int
        Analysed so far.
    share : float
        Of the recording, from 0 to 1, all its parts together.
    """

    name: str
    step: str
    number: int
    of: int
    frames: int
    share: float


@dataclass(frozen=True)
class RunFigures:
    """How far a run is.

    Attributes
    ----------
    recordings, finished, skipped, failed : int
        How many there are, were analysed by this run, had results already, and cannot be analysed.
    share : float
        Of this run's work that is done, from 0 to 1, by the size of the files.
    frames : int
        Analysed so far.
    elapsed_s : float
    fps : float
        Frames a second, all workers together, since the start.
    times_real_time : float
        Seconds of the recordings that are analysed in a second.
    left_s : float or None
        Seconds that it will take still, if the rest is as what is done; None where too little is.
    at_work : tuple of AtWork
    """

    recordings: int
    finished: int
    skipped: int
    failed: int
    share: float
    frames: int
    elapsed_s: float
    fps: float
    times_real_time: float
    left_s: Optional[float]
    at_work: Tuple[AtWork, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry], jobs: Sequence[Job], elapsed: float) -> RunFigures:
        """Return the figures of a run."""
        states: List[str] = [entry.state for entry in entries]
        mine = [entry for entry in entries if entry.state != SKIPPED]
        sizes = [max(1, entry.recording.size) for entry in mine]
        done = sum(size * entry.share for size, entry in zip(sizes, mine))
        share = done / sum(sizes) if sizes else 1.0
        frames, seconds = sum(entry.analysed for entry in mine), sum(entry.seconds for entry in mine)
        by_name = {entry.recording.name: entry for entry in entries}
        return cls(
            len(entries),
            states.count(FINISHED),
            states.count(SKIPPED),
            states.count(FAILED),
            share,
            frames,
            elapsed,
            frames / elapsed if elapsed > 0 else 0.0,
            seconds / elapsed if elapsed > 0 else 0.0,
            elapsed * (1 - share) / share if share > 0.01 and elapsed > 1 else None,
            tuple(_at_work(job, by_name[job.recording.name]) for job in jobs),
        )

    def record(self) -> Dict[str, Any]:
        """Return the figures as JSON holds them."""
        record = asdict(self)
        for name in ("share", "elapsed_s", "fps", "times_real_time", "left_s"):
            record[name] = None if record[name] is None else round(record[name], 3)
        for one in record["at_work"]:
            one["share"] = round(one["share"], 3)
        return record


def _at_work(job: Job, entry: Entry) -> AtWork:
    name = job.recording.name
    if isinstance(job, PartJob):
        return AtWork(name, "part", job.number + 1, job.of, entry.frames.get(job.number, 0), entry.share)
    return AtWork(name, "join" if isinstance(job, JoinJob) else "survey", 1, 1, 0, entry.share)
