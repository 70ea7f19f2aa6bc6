"""Recordings with a face in them, and runs over them."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import cv2
import numpy as np
from media_files import write_video

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.inference.model_files import find_model, sha256_of
from fer_edge.recordings import Asked, Done, FakePool, Progress
from fer_edge.recordings.find import find_recordings
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.output import claimed
from fer_edge.recordings.pool import Message, Pool
from fer_edge.recordings.run import Outcome, Run
from fer_edge.recordings.work import failure_of, perform
from fer_edge.types import Image
from fer_edge.version import __version__

ASKED = Asked(
    "fernet_r",
    sha256_of(find_model("fernet_r")),
    precision="fp32",
    detector="blazeface",
    version=__version__,
    computes="fp32",
)
"""A detector that remembers nothing, so that recordings are split."""


def moving_face(count: int, width: int = 192, height: int = 144) -> Iterator[Image]:
    """Yield images of a face that moves to and fro, darkens, and is away for a while."""
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    face = cv2.resize(portrait[0:300, 80:380], (height, height))
    for index in range(count):
        image = np.full((height, width, 3), 70, np.uint8)
        if index % 50 < 40:
            left = round((width - height) * (0.5 + 0.5 * np.sin(index / 9)))
            image[:, left : left + height] = np.clip(face.astype(int) - index % 23, 0, 255)
        yield image


def small_face(count: int, width: int = 480, height: int = 270) -> Iterator[Image]:
    """Yield images of a face that is too small for a look at the whole image: it is found in parts, and then followed."""
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    face = cv2.resize(portrait[0:300, 80:380], (80, 80), interpolation=cv2.INTER_AREA)
    for index in range(count):
        image = np.full((height, width, 3), 110, np.uint8)
        left, top = 60 + 2 * index, round(90 + 20 * np.sin(index / 7))
        image[top : top + 80, left : left + 80] = face
        yield image


def write_recording(
    path: Path, count: int = 60, rate: int = 25, images: Callable[[int], Iterator[Image]] = moving_face, **options: Any
) -> Path:
    """Write a video with B-frames and a key frame every 20 frames; other options are the encoder's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if options.get("codec", "libx264") == "libx264":
        options = {"g": "20", "bf": "3", "x264-params": "scenecut=0", **options}
    write_video(path, images(count), rate, **options)
    return path


def write_picture(path: Path, index: int = 0) -> Path:
    """Write a picture with a face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    *_, image = moving_face(index + 1)
    assert cv2.imwrite(str(path), image)
    return path


def in_this_process(job: Job) -> Iterator[Message]:
    """Do a job here, and give the messages that a worker would."""
    told: List[Message] = []
    try:
        result = perform(job, lambda frames, seconds: told.append(Progress(job, frames, seconds)))
    except Exception as error:  # noqa: BLE001
        yield failure_of(job, error)
    else:
        yield from told[-1:]
        yield Done(job, result)


def analyse(place: Path, out: Path, pool: Optional[Pool] = None, workers: int = 1, **asked: Any) -> Outcome:
    """Analyse what lies at a place, in this process unless a pool is given."""
    found = find_recordings([os.fspath(place)], os.fspath(out))
    with claimed(os.fspath(out)), pool or FakePool(in_this_process, workers) as used:
        return Run(found.recordings, replace(ASKED, **asked), os.fspath(out), used).run()


def rows_of(path: Path) -> List[Dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tables_of(folder: Path) -> Dict[str, bytes]:
    """Return the tables of a recording."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".parquet")}
