"""The half of the work that remembers nothing between frames: decode, detect, classify."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import Dict, List

from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.recordings.identity import refuse_changed
from fer_edge.recordings.jobs import PartJob, PartResult, Tell
from fer_edge.recordings.networks import networks_of, stages_of
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
    with writing(job.file), ExitStack() as stack, replacing(job.file) as draft:
        stages = stages_of(job.asked, networks)
        for stage in stages:
            stack.callback(stage.close)
        part = PartWriter(draft.file)
        for frame in reader.read(selection):
            part.write(seen(Observation(frame), stages))
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


def seen(observation: Observation, stages: List[StageWork]) -> Observation:
    """Return what the stages see in a frame; nothing of a picture that could not be read."""
    if observation.frame.problem:
        return observation
    for stage in stages:
        (observation,) = stage.work([observation])
    return observation
