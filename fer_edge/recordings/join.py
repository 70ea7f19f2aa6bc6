"""The half of the work that remembers: follows faces over the parts of a recording, in order, and writes its results."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack, suppress
from typing import Iterator, List, Optional, Sequence

from fer_edge.app.tracking import build_tracker
from fer_edge.errors import OutputError, SourceUnreadable
from fer_edge.recordings.identity import refuse_changed
from fer_edge.recordings.jobs import JoinJob, JoinResult, Tell
from fer_edge.recordings.networks import settings_of
from fer_edge.recordings.output import PARTS, made_folder, writing
from fer_edge.recordings.pages.reading import PAGE
from fer_edge.recordings.part_file import Remembered, read_part
from fer_edge.recordings.recording import PICTURES
from fer_edge.recordings.rows import FRAMES, FRAMES_TABLE, STATES, STATES_TABLE, frame_rows, state_row
from fer_edge.recordings.summary import SUMMARY, Figures, summary_of, write_summary
from fer_edge.report.file import refuse_place
from fer_edge.sinks.table_files import TABLES, Column, TableFile
from fer_edge.system.atomic_file import Draft
from fer_edge.system.masking import shown
from fer_edge.system.new_file import PRIVATE
from fer_edge.track.base import Tracker
from fer_edge.track.cut import CutFinder, Glimpse
from fer_edge.track.states import StateLog
from fer_edge.types import Image, Observation, StateChange


class RememberedCuts(CutFinder):
    """Finds cuts in frames whose images are not kept.

    Attributes
    ----------
    glimpse : Glimpse or None
        Of the frame that is asked for next; None of one that has no image.
    """

    def __init__(self) -> None:
        super().__init__()
        self.glimpse: Optional[Glimpse] = None

    def is_cut(self, image: Image) -> bool:  # noqa: ARG002  (it is not there)
        """Return whether the frame begins another scene."""
        return self.glimpse is not None and self.cuts(self.glimpse)


class Follower:
    """Follows the faces of one recording, frame by frame.

    Parameters
    ----------
    tracker : Tracker or None
        None where faces are not followed.
    cuts : RememberedCuts
        What the tracker asks for cuts.
    """

    def __init__(self, tracker: Optional[Tracker], cuts: RememberedCuts) -> None:
        self._tracker = tracker
        self._cuts = cuts
        self._states = StateLog()

    def follow(self, remembered: Remembered) -> Observation:
        """Return what was seen in a frame with its tracks."""
        self._cuts.glimpse = remembered.glimpse
        return remembered.observation if self._tracker is None else self._tracker.follow(remembered.observation)

    def states(self, observation: Observation) -> List[StateChange]:
        """Return the states that ended with a frame."""
        return [change for change in self._states.update(observation) if change.is_over]

    def end(self) -> List[StateChange]:
        """Return those that end with the recording."""
        return list(self._states.close())


def join(job: JoinJob, tell: Tell) -> JoinResult:
    """Write the results of a recording; the summary last, so that it is there when they are whole.

    Raises
    ------
    SourceError
        The recording is not what it was, or none of its pictures can be read.
    OutputError
        The results cannot be written.
    """
    began = time.monotonic()
    folder, form = made_folder(job.folder), job.asked.form
    refuse_changed(job.recording, job.identity)
    figures, cuts = Figures(), RememberedCuts()
    follower = Follower(build_tracker(settings_of(job.asked), cuts), cuts)
    problem, any_image = "", False
    names = {name: f"{name}.{form}" for name in (FRAMES_TABLE, STATES_TABLE)}
    with writing(folder), ExitStack() as stack:
        frames = _Table(stack, os.path.join(folder, names[FRAMES_TABLE]), form, FRAMES)
        states = _Table(stack, os.path.join(folder, names[STATES_TABLE]), form, STATES)
        for remembered in _all(job):
            observation = follower.follow(remembered)
            problem = problem or observation.frame.problem
            any_image = any_image or not observation.frame.problem
            figures.add(observation)
            for row in frame_rows(observation):
                frames.table.write(row)
            for change in follower.states(observation):
                figures.end(change)
                states.table.write(state_row(change))
            tell(0, observation.frame.media_time or 0.0)
        for change in follower.end():
            figures.end(change)
            states.table.write(state_row(change))
        if not any_image and problem and job.recording.kind == PICTURES:
            raise _nothing_readable(job, problem)
        _remove(os.path.join(folder, SUMMARY))  # from here on what it names is being replaced
        _remove_page(os.path.join(folder, PAGE))
        for other in set(TABLES) - {form}:
            for name in names:
                _remove(os.path.join(folder, f"{name}.{other}"))
        sizes = {names[FRAMES_TABLE]: frames.put(), names[STATES_TABLE]: states.put()}
        summary = summary_of(job.recording, job.asked, job.identity, job.parts, figures, sizes)
        work = float(summary["analysed_in_s"] or 0.0) + time.monotonic() - began
        summary["analysed_in_s"] = round(work, 2)
        write_summary(folder, summary)
    shutil.rmtree(os.path.join(folder, PARTS), ignore_errors=True)
    return JoinResult(summary)


class _Table:
    """A table that is to take its place when all of the recording is in it."""

    def __init__(self, stack: ExitStack, path: str, form: str, columns: Sequence[Column]) -> None:
        self._draft = Draft(path, PRIVATE)
        stack.callback(self._draft.close)
        self.table: TableFile = TABLES[form](self._draft.file, columns)
        stack.callback(self.table.abandon)

    def put(self) -> int:
        """Put it in its place, and return its size. Raises OSError."""
        self.table.finish()
        size = self._draft.file.tell()
        self._draft.finish()
        self._draft.put()
        return size


def _all(job: JoinJob) -> Iterator[Remembered]:
    for part in job.parts:
        yield from read_part(part.file)


def _nothing_readable(job: JoinJob, problem: str) -> SourceUnreadable:
    count = len(job.recording.files)
    if count == 1:
        return SourceUnreadable(
            f"{shown(os.path.join(job.recording.path, job.recording.files[0]))} cannot be read: {problem}."
        )
    return SourceUnreadable(f"None of the {count} pictures in {shown(job.recording.path)} can be read: {problem}.")


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _remove_page(path: str) -> None:
    """Remove the page of a run before, which tells of other tables; what is no page stays."""
    with suppress(OutputError):
        refuse_place(path)
        _remove(path)
