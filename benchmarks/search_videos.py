"""Videos with people at known places, and without anybody, for `auto_search.py`."""

from __future__ import annotations

import math
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

import cv2
import numpy as np
from detector_grounds import Pixels, Size, busy_ground, ground_of, texture
from detector_scenes import Head, Scene, extent, paint
from detector_suite import EMPTY, VIEW
from numpy.typing import NDArray

from fer_edge.detect.yunet import YuNetDetector
from fer_edge.errors import SourceNotFound
from fer_edge.types import Box, Image

RATE = 15
"""Frames a second."""
APPEARS = 20
"""The frame from which on those who are new are in view, 1.3 s after the first."""
FRAMES = 45
EXPOSURE = 1 / 30


def randomness(seed: int, *words: object) -> np.random.Generator:
    """Return random numbers that are the same for the same words."""
    return np.random.default_rng([seed, zlib.crc32(" ".join(map(str, words)).encode())])


def people(
    ground: str,
    size: Size,
    height: float,
    speed: float,
    random: np.random.Generator,
    count: int = 3,
    new: bool = False,
    frames: int = FRAMES,
) -> Iterator[Scene]:
    """Give the frames of a video in which heads go to and fro, each in a cell of its own.

    Parameters
    ----------
    ground : str
        One of `detector_grounds.GROUNDS`.
    size : tuple of int
        Of the frames.
    height : float
        Of each face, in pixels.
    speed : float
        Face heights a second by which each moves; 0 for at rest.
    count : int
        Of the heads.
    new : bool
        Whether they are in view from `APPEARS` on only.
    frames : int
        No more than `FRAMES`.
    """
    back, paths = ground_of(ground, size, random), _paths(size, height, speed, count, random)
    noise = _Noise(size, 2.0, random)
    for frame in range(frames):
        heads = [path[frame] for path in paths] if frame >= APPEARS or not new else []
        picture = back.copy()
        paint(picture, heads)
        yield Scene(noise.over(picture), tuple(head.box for head in heads))


class _Noise:
    """Grains of a sensor, drawn once and laid elsewhere in each frame: drawing them anew takes longer than any detector.

    Parameters
    ----------
    size : tuple of int
        Of the frames.
    strength : float
        Standard deviation, in grey levels.
    """

    def __init__(self, size: Size, strength: float, random: np.random.Generator) -> None:
        self._random = random
        grains = random.standard_normal((size[1] + 64, size[0] + 64, 3), np.float32)
        self._grains = grains * np.float32(strength)

    def over(self, picture: Pixels) -> Image:
        height, width = picture.shape[:2]
        x, y = self._random.integers(0, 64, 2).tolist()
        return np.asarray(cv2.add(picture, self._grains[y : y + height, x : x + width], dtype=cv2.CV_8U), np.uint8)


def _paths(size: Size, height: float, speed: float, count: int, random: np.random.Generator) -> List[List[Head]]:
    columns = next(n for n in range(1, count + 1) if n * math.ceil(n * size[1] / size[0]) >= count or n == count)
    rows = math.ceil(count / columns)
    across, down = size[0] / columns, size[1] / rows
    paths = []
    for number in range(count):
        head = Head(0.0, 0.0, height, mirrored=bool(random.random() < 0.5), gain=float(random.uniform(0.88, 1.06)))
        left, top, right, bottom = extent(head)
        spare = max(0.0, across - (right - left)), max(0.0, down - (bottom - top))
        angle = float(random.uniform(0, 2 * math.pi))
        velocity = speed * height * math.cos(angle), speed * height * math.sin(angle)
        start = [float(random.random()) * 2 * one for one in spare]
        corner = number % columns * across - left, number // columns * down - top
        path = []
        for frame in range(FRAMES):
            (x, sense_x), (y, sense_y) = (
                _to_and_fro(at + v * frame / RATE, one) for at, v, one in zip(start, velocity, spare)
            )
            step = velocity[0] * sense_x * EXPOSURE, velocity[1] * sense_y * EXPOSURE
            path.append(replace(head, x=corner[0] + x, y=corner[1] + y, step=step))
        paths.append(path)
    return paths


def _to_and_fro(at: float, spare: float) -> Tuple[float, float]:
    """Return where a point is that runs between 0 and `spare`, and its direction."""
    if spare <= 0:
        return 0.0, 0.0
    along = at % (2 * spare)
    return (along, 1.0) if along <= spare else (2 * spare - along, -1.0)


EMPTY_KINDS = ("textures", "shapes", "soft noise", "pieces", "pan over shapes", "pan over pieces", "sensor noise")


def nobody(kind: str, frames: int, random: np.random.Generator) -> Iterator[Image]:
    """Give the frames of a video without anybody: of one of `EMPTY_KINDS`, a `detector_suite.VIEW` each."""
    wide = round(1.5 * VIEW[0]), round(1.5 * VIEW[1])
    pans = kind.startswith("pan")
    if kind == "textures":
        back: Pixels = texture(VIEW, random, float(random.uniform(10, 90)))
    elif kind == "soft noise":
        grains = random.standard_normal((VIEW[1], VIEW[0], 3), np.float32)
        back = cv2.normalize(
            cv2.GaussianBlur(grains, (0, 0), float(random.uniform(3, 20))), None, 20, 235, cv2.NORM_MINMAX
        )
    elif kind.endswith("pieces"):
        names = list(EMPTY)[2:]
        piece = EMPTY[names[int(random.integers(0, len(names)))]](random).image.astype(np.float32)
        back = cv2.resize(piece, wide, interpolation=cv2.INTER_CUBIC) if pans else piece
    elif kind == "sensor noise":
        back = np.full((VIEW[1], VIEW[0], 3), float(random.uniform(30, 160)), np.float32)
    else:
        back = busy_ground(wide if pans else VIEW, random)
    strength = float(random.uniform(8, 30)) if kind == "sensor noise" else 2.0
    noise = _Noise(VIEW, strength, random)
    for frame in range(frames):
        x, y = (frame * 3 % (wide[0] - VIEW[0]), frame % (wide[1] - VIEW[1])) if pans else (0, 0)
        yield noise.over(back[y : y + VIEW[1], x : x + VIEW[0]])


def emptied(frames: Sequence[Image], boxes: NDArray[np.float64]) -> Dict[str, List[Image]]:
    """Return the left, right, upper and lower parts of a clip's frames in which no box of any frame lies.

    Parameters
    ----------
    frames : sequence of Image
        Of one size.
    boxes : NDArray
        Left, top, right, bottom of everybody in any of the frames, N x 4.
    """
    height, width = frames[0].shape[:2]
    margin = 0.5 * float((boxes[:, 2:] - boxes[:, :2]).max()) if len(boxes) else 0.0
    left, top = (boxes[:, :2].min(axis=0) - margin).tolist() if len(boxes) else (width, height)
    right, bottom = (boxes[:, 2:].max(axis=0) + margin).tolist() if len(boxes) else (width, height)
    cuts = {
        "left": (slice(None), slice(0, max(0, int(left)))),
        "right": (slice(None), slice(min(width, math.ceil(right)), None)),
        "above": (slice(0, max(0, int(top))), slice(None)),
        "below": (slice(min(height, math.ceil(bottom)), None), slice(None)),
    }
    return {
        name: [np.ascontiguousarray(frame[cut]) for frame in frames]
        for name, cut in cuts.items()
        if min(frames[0][cut].shape[:2]) >= 60
    }


def read_clips(folder: Path, model: Path) -> List[Tuple[str, List[Image], List[List[Box]]]]:
    """Return the name, the frames, and whom YuNet finds in each, of all videos of a folder.

    Raises
    ------
    SourceNotFound
        There is none that can be read.
    """
    clips = []
    with closing(YuNetDetector(side=640, model=model)) as yunet:
        for path in sorted(one for one in folder.glob("*") if one.suffix.lower() in (".gif", ".mp4", ".mkv", ".avi")):
            video, frames = cv2.VideoCapture(str(path)), []
            there, image = video.read()
            while there:
                frames.append(np.asarray(image))
                there, image = video.read()
            video.release()
            if frames:
                clips.append((path.stem, frames, [[face.box for face in yunet.detect(frame)] for frame in frames]))
    if not clips:
        raise SourceNotFound(f"The folder {folder} holds no video that can be read.", "Name one with clips of people.")
    return clips
