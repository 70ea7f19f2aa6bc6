"""The half of the work that needs nothing of the parts before: decode, detect, classify."""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from contextlib import closing
from typing import Dict, List, Sequence

from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.recordings.identity import refuse_changed
from fer_edge.recordings.jobs import Asked, PartJob, PartResult, Tell
from fer_edge.recordings.networks import Networks, networks_of, stages_of
from fer_edge.recordings.output import made_folder, writing
from fer_edge.recordings.part_file import PartWriter
from fer_edge.recordings.reading import reader_of
from fer_edge.recordings.selection import Selection
from fer_edge.system.atomic_file import replacing
from fer_edge.types import Observation


def analyse_part(job: PartJob, tell: Tell) -> PartResult:
    """Analyse a part of a recording, and write what is seen to the job's file, which is there when it is whole.

    Raises
    ------
    SourceError
        The recording cannot be read, or is not what it was.
    OutputError
        The file cannot be written.
    FerEdgeError
        As of `networks_of`.
    """
    began = time.monotonic()
    networks = networks_of(job.asked)
    refuse_changed(job.recording, job.identity)
    before = job.span.before if job.span is not None else -1.0
    origin = max(0.0, before)
    reader = reader_of(job.recording, job.span)
    selection = Selection(job.asked.every, job.asked.fps, before)
    analysed = 0
    made_folder(os.path.dirname(job.file))
    stages = FreshStages(job.asked, networks, job.fresh)
    with writing(job.file), closing(stages), replacing(job.file) as draft:
        part = PartWriter(draft.file)
        for frame in reader.read(selection):
            part.write(stages.see(Observation(frame)))
            analysed += 1
            tell(analysed, reader.moment - origin)
        part.finish()
    refuse_changed(job.recording, job.identity)
    classifier = networks.classifier
    network: Dict[str, str] = {
        "name": classifier.spec.name,
        "provider": classifier.provider,
        "precision": classifier.precision,
    }
    inexact = reader.inexact
    if job.span is not None and reader.frames != job.span.count and not inexact:
        inexact = f"a part has {reader.frames} frames where its index lists {job.span.count}"
    return PartResult(
        job.file,
        reader.frames,
        analysed,
        reader.width,
        reader.height,
        reader.fps,
        time.monotonic() - began,
        network,
        tuple(reader.problems),
        reader.truncated,
        reader.moment,
        inexact if job.of > 1 else "",
    )


class FreshStages:
    """The stages of a part, other ones from each fresh start on: none of them knows anything of the frames before it.

    Parameters
    ----------
    asked : Asked
    networks : Networks
        Which stay, and stay open.
    fresh : sequence of int
        Indices of the frames at which others are made, rising. Where such a frame is not analysed, the next one is the first
        that they see.
    """

    def __init__(self, asked: Asked, networks: Networks, fresh: Sequence[int]) -> None:
        self._asked, self._networks, self._fresh = asked, networks, fresh
        self._stretch = -1
        self._stages: List[StageWork] = []

    def see(self, observation: Observation) -> Observation:
        """Return what is seen in a frame; to be asked of one after the other."""
        stretch = bisect_right(self._fresh, observation.frame.index)
        if stretch != self._stretch:
            self.close()
            self._stages, self._stretch = stages_of(self._asked, self._networks), stretch
        return seen(observation, self._stages)

    def close(self) -> None:
        """Close the stages. May be called twice."""
        while self._stages:
            self._stages.pop().close()


def seen(observation: Observation, stages: List[StageWork]) -> Observation:
    """Return what the stages see in a frame; nothing of a picture that could not be read."""
    if observation.frame.problem:
        return observation
    for stage in stages:
        (observation,) = stage.work([observation])
    return observation
