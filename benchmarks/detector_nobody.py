"""Images without anybody that are not made of the portrait: drawn hands, parts of clips, and pictures of one's own."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

import cv2
import numpy as np
from detector_grounds import GROUNDS, Size, finish, ground_of
from detector_scenes import Scene
from numpy.typing import NDArray

from fer_edge.capture.opencv import decode
from fer_edge.detect.registry import open_detector
from fer_edge.errors import SourceNotFound
from fer_edge.types import Box, Image

WITNESS, LEAST_SCORE = "yunet", 0.3
"""What says where in a clip people are, and how unsure it may be: it sees the smallest faces."""
ENLARGED = 2
"""Times that clips are enlarged for it."""
MARGIN = 0.6
"""Heights of a face around its box in which hair, neck and movement may be."""
WINDOWS: Sequence[Size] = ((240, 180), (160, 120), (120, 90))
"""Sizes of the parts of a clip, in its pixels; each is enlarged to the size of the other images."""
STRIDE = 30
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
CLIPS = (".gif", ".mp4", ".avi", ".mkv", ".webm", ".mov")


def hand(size: Size, random: np.random.Generator) -> Image:
    """Return a drawn hand, open or as a fist, of some colour of skin, somewhere on a ground."""
    picture = ground_of(GROUNDS[int(random.integers(0, 2))], size, random)
    palm = float(random.uniform(0.1, 0.22)) * size[1]
    x, y = (float(random.uniform(1.6 * palm, side - 1.6 * palm)) for side in size)
    tone, fist = float(random.uniform(0.3, 1.0)), bool(random.random() < 0.3)
    skin = np.array((150, 185, 235), np.float32) * tone
    turn = float(random.uniform(0, 2 * math.pi))

    def at(across: float, up: float) -> Tuple[int, int]:
        side, rise = across * palm, -up * palm
        return (
            round(x + side * math.cos(turn) - rise * math.sin(turn)),
            round(y + side * math.sin(turn) + rise * math.cos(turn)),
        )

    layer, cover = np.zeros_like(picture), np.zeros(picture.shape[:2], np.float32)

    def stroke(ends: Sequence[Tuple[float, float]], width: float, shade: float) -> None:
        thick = max(1, round(width * palm))
        for canvas, colour in ((layer, (skin * shade).tolist()), (cover, 1.0)):
            cv2.line(canvas, at(*ends[0]), at(*ends[1]), colour, thick, cv2.LINE_AA)

    stroke(((0, -0.9), (0, -2.2)), 1.1, 0.92)  # the wrist
    for canvas, colour in ((layer, skin.tolist()), (cover, 1.0)):
        cv2.ellipse(canvas, (at(0, 0), (1.9 * palm, 2.0 * palm), math.degrees(turn)), colour, -1, cv2.LINE_AA)
    stroke(((-0.8, -0.2), (-1.3, 0.4) if not fist else (0.2, 0.1)), 0.42, 0.9)  # the thumb
    for number in range(4):
        root = -0.66 + 0.44 * number
        length = 0.35 if fist else float(random.uniform(0.9, 1.25)) * (1, 1.15, 1.05, 0.8)[number]
        spread = root * float(random.uniform(1.0, 1.6))
        stroke(((root, 0.8), (spread, 0.8 + length)), 0.38, float(random.uniform(0.9, 1.05)))
        for fold in (0.15, 0.55, 0.95):
            middle = root + (spread - root) * fold, 0.8 + length * fold
            ends = [at(middle[0] - 0.13, middle[1]), at(middle[0] + 0.13, middle[1])]
            cv2.line(layer, ends[0], ends[1], (skin * 0.72).tolist(), max(1, round(0.05 * palm)), cv2.LINE_AA)
    blur = 0.02 * palm + 0.5
    soft, layer = cv2.GaussianBlur(cover, (0, 0), blur)[..., None], cv2.GaussianBlur(layer, (0, 0), blur)
    light = np.linspace(float(random.uniform(0.7, 1.1)), float(random.uniform(0.7, 1.1)), size[0], dtype=np.float32)
    return finish(np.asarray(picture * (1 - soft) + layer * light[None, :, None], np.float32), random)


def pictures_of(folder: Path, size: Size) -> Iterator[Scene]:
    """Return the pictures of a folder in which nobody is, each reduced or enlarged to fit into `size`."""
    for path in files_of(folder, PICTURES):
        image = decode(path.read_bytes())
        if image is None:
            raise SourceNotFound(f"{path} is no picture that can be read.", "Take it out of the folder.")
        scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        yield Scene(cv2.resize(image, None, fx=scale, fy=scale, interpolation=method))


def parts_of_clips(folder: Path, size: Size, most: int) -> Iterator[Scene]:
    """Return parts of clips in which `WITNESS` finds nobody in any frame, spread over clips, places and time.

    Raises
    ------
    SourceNotFound
        There is no clip, or one cannot be read.
    ModelNotFound, MissingExtra
        `WITNESS` cannot run here.
    """
    clips = files_of(folder, CLIPS)
    parts: List[Image] = []
    with closing(open_detector(WITNESS, min_score=LEAST_SCORE)) as witness:
        for path in clips:
            frames = _frames_of(path)
            people = np.zeros(frames[0].shape[:2], np.uint8)
            for frame in frames:
                large = cv2.resize(frame, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
                for face in witness.detect(large):
                    _mark(people, face.box)
            places = _empty_places(people)
            each = max(1, math.ceil(most / len(clips) / max(1, len(places))))
            for left, top, width, height in places:
                for index in np.linspace(0, len(frames) - 1, each).astype(int):
                    parts.append(frames[index][top : top + height, left : left + width])
    for index in np.linspace(0, len(parts) - 1, min(most, len(parts))).astype(int):
        yield Scene(cv2.resize(parts[index], size, interpolation=cv2.INTER_CUBIC))


def files_of(folder: Path, endings: Sequence[str]) -> List[Path]:
    """Return the files of a folder that have one of these endings, by name.

    Raises
    ------
    SourceNotFound
        The folder or such a file is not there.
    """
    if not folder.is_dir():
        raise SourceNotFound(f"There is no folder {folder}.", "Give one that is there.")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in endings)
    if not files:
        raise SourceNotFound(f"The folder {folder} has no file {', '.join(endings)}.", "Give another one.")
    return files


def _frames_of(path: Path) -> List[Image]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, frame = capture.read()
        if not there:
            break
        frames.append(frame)
    capture.release()
    if not frames:
        raise SourceNotFound(f"{path} is no clip that can be read.", "Take it out of the folder.")
    return frames


def _mark(people: NDArray[np.uint8], box: Box) -> None:
    spare = MARGIN * box.height
    left, top = max(0, int((box.x - spare) / ENLARGED)), max(0, int((box.y - spare) / ENLARGED))
    right, bottom = box.x + box.width + spare, box.y + box.height + spare
    people[top : math.ceil(bottom / ENLARGED), left : math.ceil(right / ENLARGED)] = 1


def _empty_places(people: NDArray[np.uint8]) -> List[Tuple[int, int, int, int]]:
    rows, columns = people.shape
    return [
        (left, top, width, height)
        for width, height in WINDOWS
        for top in range(0, rows - height + 1, STRIDE)
        for left in range(0, columns - width + 1, STRIDE)
        if not people[top : top + height, left : left + width].any()
    ]
