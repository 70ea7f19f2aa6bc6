"""How far a run is with each recording, and which jobs are to be done next."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from fer_edge.recordings.failures import Failure
from fer_edge.recordings.jobs import Asked, Job, JoinJob, PartJob, PartResult, Survey, SurveyJob
from fer_edge.recordings.output import PARTS, folder_of
from fer_edge.recordings.recording import Recording

WAITING, AT_WORK, FINISHED, SKIPPED, FAILED = "waiting", "at work", "finished", "skipped", "failed"


@dataclass
class Entry:
    """One recording of a run.

    Attributes
    ----------
    recording : Recording
    folder : str
        Where its results go.
    state : str
        `WAITING`, `AT_WORK`, `FINISHED`, `SKIPPED` (its results were there) or `FAILED`.
    survey : Survey or None
    wanted : int
        How many parts there are to be.
    parts : dict of int to PartResult
        That are done.
    summary : Mapping or None
    failure : Failure or None
    behind : dict of int to float
        Seconds that are behind each of its parts.
    frames : dict of int to int
        Frames that were analysed in each of its parts.
    """

    recording: Recording
    folder: str
    state: str = WAITING
    survey: Optional[Survey] = None
    wanted: int = 1
    parts: Dict[int, PartResult] = field(default_factory=dict)
    summary: Optional[Mapping[str, Any]] = None
    failure: Optional[Failure] = None
    behind: Dict[int, float] = field(default_factory=dict)
    frames: Dict[int, int] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing more will be done."""
        return self.state in (FINISHED, SKIPPED, FAILED)

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        if self.over:
            return 1.0
        if self.survey is None:
            return 0.0
        if self.survey.seconds > 0:
            return min(0.99, sum(self.behind.values()) / self.survey.seconds)
        if self.survey.frames > 0:
            return min(0.99, sum(self.frames.values()) / self.survey.frames)
        return 0.5 if self.behind else 0.0

    @property
    def analysed(self) -> int:
        """Frames that this run analysed of it so far."""
        return sum(self.frames.values())

    @property
    def seconds(self) -> float:
        """Seconds of the recording that are behind this run so far."""
        return sum(self.behind.values())


class Ledger:
    """Makes the jobs of a run, and notes what became of them.

    Parameters
    ----------
    recordings : sequence of Recording
    asked : Asked
    out : str
        The folder of the results.
    most_parts : int
        Into how many a recording may be split.
    """

    def __init__(self, recordings: Tuple[Recording, ...], asked: Asked, out: str, most_parts: int) -> None:
        self.asked = asked
        self.entries: Dict[str, Entry] = {one.name: Entry(one, folder_of(out, one.name)) for one in recordings}
        self._most_parts = most_parts
        self._next: List[Job] = []
        self._to_survey = [one.name for one in reversed(recordings)]

    def next_job(self) -> Optional[Job]:
        """Return the job to be done next; None where there is none now.

        What brings a recording to its end comes first, so that few are open at a time.
        """
        while self._next:
            job = self._next.pop(0)
            if not self.entries[job.recording.name].over:
                return job
        if self._to_survey:
            entry = self.entries[self._to_survey.pop()]
            entry.state = AT_WORK
            return SurveyJob(entry.recording, self.asked, entry.folder, self._most_parts)
        return None

    def again(self, job: Job) -> None:
        """Have a job done once more."""
        self._next.insert(0, job)

    def surveyed(self, entry: Entry, survey: Survey) -> None:
        """Note what a recording is, and plan its parts."""
        entry.survey = survey
        if survey.finished is not None:
            entry.state, entry.summary = SKIPPED, survey.finished
            return
        self._plan(entry, survey.spans)

    def part_done(self, entry: Entry, job: PartJob, result: PartResult) -> None:
        """Note a part; after the last one they are joined, or read anew in one where they do not fit together."""
        if job.of != entry.wanted:  # of an attempt that was given up
            return
        entry.parts[job.number] = result
        entry.frames[job.number] = result.analysed
        entry.behind[job.number] = result.last - (max(0.0, job.span.before) if job.span is not None else 0.0)
        if len(entry.parts) < entry.wanted or entry.survey is None:
            return
        parts = tuple(entry.parts[number] for number in range(entry.wanted))
        if entry.wanted > 1 and any(part.inexact for part in parts):
            self._plan(entry, ())
            return
        self._next.insert(0, JoinJob(entry.recording, self.asked, entry.survey.identity, entry.folder, parts))

    def joined(self, entry: Entry, summary: Mapping[str, Any]) -> None:
        """Note that a recording is done."""
        entry.state, entry.summary = FINISHED, summary

    def failed(self, entry: Entry, failure: Failure) -> None:
        """Note that a recording cannot be analysed."""
        entry.state, entry.failure = FAILED, failure

    def _plan(self, entry: Entry, spans: Tuple[Any, ...]) -> None:
        if entry.survey is None:
            return
        entry.wanted = max(1, len(spans))
        entry.parts.clear()
        entry.behind.clear()
        entry.frames.clear()
        identity, fresh = entry.survey.identity, entry.survey.fresh
        for number, span in enumerate(spans or (None,)):
            # A part of a recording that was split has another name than the whole.
            file = os.path.join(entry.folder, PARTS, f"{number}-of-{entry.wanted}.jsonl.gz")
            self._next.append(PartJob(entry.recording, self.asked, identity, span, file, number, entry.wanted, fresh))
