"""Which images `detector_recall.py` shows to detectors: groups of scenes, each reproducible from the seed and its own name."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

import cv2
import numpy as np
from detector_grounds import (
    DAYLIGHT,
    GROUNDS,
    Light,
    Pixels,
    Size,
    busy_ground,
    finish,
    ground_of,
    texture,
    without_face,
)
from detector_nobody import hand, parts_of_clips, pictures_of
from detector_scenes import Head, Scene, draw, extent, place, room

Word = Union[str, int, float]
Make = Callable[[np.random.Generator], Scene]

SIZES: Tuple[Size, ...] = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
HEIGHTS = (24, 30, 40, 60, 80, 100, 160)
QUICK_HEIGHTS = (40, 60, 80, 160)
ROLLS = (-60, -45, -30, -15, 0, 15, 30, 45, 60)
TURNS = (0, 20, 40, 60)
LIGHTS: Mapping[str, Light] = {
    "as it is": Light(),
    "gain 0.5": Light(gain=0.5),
    "gain 0.25": Light(gain=0.25),
    "gain 0.1": Light(gain=0.1),
    "gain 1.5": Light(gain=1.5),
    "gain 2": Light(gain=2.0),
    "gamma 0.5": Light(gamma=0.5),
    "gamma 2.2": Light(gamma=2.2),
    "noise 15": Light(noise=15.0),
    "noise 30": Light(noise=30.0),
    "noise 45": Light(noise=45.0),
    "gain 0.25, noise 15": Light(gain=0.25, noise=15.0),
}
VIEW: Size = (640, 480)
NEAR = 100
"""Height of a face in a `VIEW` where light, roll and the like are what is asked."""
TABLES = ("size", "company", "roll", "turn", "light", "motion", "empty", "double", "ms")
"""What is asked of detectors; the last one is how long they take."""
RATE = 15
EXPOSURE = 1 / 30
"""Seconds for which an image of moving heads is exposed."""
ALONE = (80, 150)
"""Heights of a face that is the only one."""
SPEEDS = (0.25, 0.5, 1.0)
COMPANY_HEIGHTS = (50, 60, 75)
MOVING_HEIGHTS = (60, 80, 100)


@dataclass(frozen=True)
class Group:
    """Images that are alike: one cell of a table.

    Attributes
    ----------
    table : str
        Which table: ``size``, ``company``, ``roll``, ``turn``, ``light``, ``motion``, ``empty`` or ``double``.
    key : mapping of str to str or number
        What the images have in common.
    scenes : callable
        Makes them, the same ones at every call.
    rate : int
        Images a second where they are those of clips; 0 where each stands by itself.
    """

    table: str
    key: Mapping[str, Word]
    scenes: Callable[[], Iterator[Scene]]
    rate: int = 0

    @property
    def name(self) -> str:
        """A name that is one word."""
        return _name(self.table, self.key)


def suite(
    seed: int, quick: bool = False, clips_folder: Optional[Path] = None, pictures: Optional[Path] = None
) -> List[Group]:
    """Return all groups; with `quick` fewer of them, with fewer images.

    Parameters
    ----------
    clips_folder : Path, optional
        Of clips, whose parts without anybody are used.
    pictures : Path, optional
        Of pictures in which nobody is.
    """
    faces, clips, empty, doubles = (12, 1, 60, 20) if quick else (36, 6, 250, 500)
    heights, sizes = (QUICK_HEIGHTS, SIZES[1:3]) if quick else (HEIGHTS, SIZES)
    groups = []
    for ground in GROUNDS:
        for size in sizes:
            for height in heights:
                key: Dict[str, Word] = {"ground": ground, "size": f"{size[0]}x{size[1]}", "height": height}
                groups.append(
                    _group("size", key, seed, _frames(faces, size, height), partial(_people, ground, size, height))
                )
    for height in COMPANY_HEIGHTS[:: 2 if quick else 1]:
        for ground, heads in product(GROUNDS, (1, 3)):
            key = {"ground": ground, "height": height, "heads": heads}
            make = partial(_people, ground, VIEW, height, most=heads)
            groups.append(_group("company", key, seed, 3 * faces // heads, make))
    for roll in ROLLS[::2] if quick else ROLLS:
        make = partial(_people, "busy", VIEW, NEAR, roll=roll)
        groups.append(_group("roll", {"roll": roll}, seed, _frames(faces, VIEW, NEAR, roll), make))
    for turn in TURNS[::2] if quick else TURNS:
        make = partial(_people, "busy", VIEW, NEAR, turn=turn)
        groups.append(_group("turn", {"turn": turn}, seed, _frames(faces, VIEW, NEAR), make))
    for name, light in list(LIGHTS.items())[:: 3 if quick else 1]:
        make = partial(_people, "busy", VIEW, NEAR, light=light)
        groups.append(_group("light", {"light": name}, seed, _frames(faces, VIEW, NEAR), make))
    for height in MOVING_HEIGHTS[-1:] if quick else MOVING_HEIGHTS:
        for speed in SPEEDS[-1:] if quick else SPEEDS:
            moving = {"height": height, "speed": speed}
            make_clips = partial(_clips, seed, height, speed, clips, 1.0 if quick else 2.0)
            groups.append(Group("motion", moving, make_clips, RATE))
    for kind, nobody in EMPTY.items():
        groups.append(_group("empty", {"images": kind}, seed, empty, nobody))
    if clips_folder is not None:
        parts = partial(parts_of_clips, clips_folder, VIEW, empty)
        groups.append(Group("empty", {"images": "parts of clips"}, parts))
    if pictures is not None:
        groups.append(Group("empty", {"images": "pictures"}, partial(pictures_of, pictures, VIEW)))
    for kind, alone in SINGLE.items():
        groups.append(_group("double", {"heads": kind}, seed, doubles, alone))
    return groups


def moving_heads(
    height: float, speed: float, seconds: float, random: np.random.Generator, size: Size = VIEW
) -> List[List[Head]]:
    """Return three heads in each frame of a clip, each of which goes to and fro in its third of the image.

    They go by `speed` face widths (which are as long as a face is high) a second, and turn where their third ends.
    """
    across = size[0] / 3
    paths = []
    for number in range(3):
        head = Head(0.0, 0.0, height, mirrored=bool(random.random() < 0.5), gain=float(random.uniform(0.88, 1.06)))
        left, top, right, bottom = extent(head)
        spare = max(0.0, across - (right - left)), size[1] - (bottom - top)
        angle = float(random.uniform(0, 2 * math.pi))
        velocity = [speed * height * math.cos(angle), speed * height * math.sin(angle)]
        start = [float(random.random()) * 2 * one for one in spare]
        path = []
        for frame in range(round(seconds * RATE)):
            places = [_to_and_fro(at + v * frame / RATE, one) for at, v, one in zip(start, velocity, spare)]
            step = velocity[0] * places[0][1] * EXPOSURE, velocity[1] * places[1][1] * EXPOSURE
            path.append(replace(head, x=number * across - left + places[0][0], y=places[1][0] - top, step=step))
        paths.append(path)
    return [list(heads) for heads in zip(*paths)]


def _to_and_fro(at: float, spare: float) -> Tuple[float, float]:
    """Return where a point is that runs between 0 and `spare`, and its direction."""
    if spare <= 0:
        return 0.0, 0.0
    along = at % (2 * spare)
    return (along, 1.0) if along <= spare else (2 * spare - along, -1.0)


def _group(table: str, key: Mapping[str, Word], seed: int, frames: int, make: Make) -> Group:
    def scenes() -> Iterator[Scene]:
        for index in range(frames):
            yield make(_random(seed, table, key, index))

    return Group(table, key, scenes)


def _name(table: str, key: Mapping[str, Word]) -> str:
    return "-".join([table, *(str(word).replace(" ", "-").replace(",", "") for word in key.values())])


def _random(seed: int, table: str, key: Mapping[str, Word], index: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(_name(table, key).encode()), index])


def _frames(faces: int, size: Size, height: float, roll: float = 0.0) -> int:
    """Return how many images have so many faces; none where no head fits."""
    columns, rows = room(size, height, roll)
    return math.ceil(faces / min(3, columns * rows)) if columns * rows else 0


def _people(
    ground: str,
    size: Size,
    height: float,
    random: np.random.Generator,
    roll: float = 0.0,
    turn: float = 0.0,
    light: Light = DAYLIGHT,
    most: int = 3,
) -> Scene:
    return draw(ground_of(ground, size, random), place(size, height, random, most, roll, turn), random, light)


def _clips(seed: int, height: float, speed: float, clips: int, seconds: float) -> Iterator[Scene]:
    for clip in range(clips):
        random = _random(seed, "motion", {}, clip)  # on the same grounds at all speeds and sizes
        ground = busy_ground(VIEW, random)
        for heads in moving_heads(height, speed, seconds, random):
            yield replace(draw(ground.copy(), heads, random), first=clip * len(heads))


def _part(picture: Pixels, least: float, random: np.random.Generator) -> Pixels:
    """Return a piece of the portrait, as wide as `least` of it or more, mirrored or not, as large as a `VIEW`."""
    width = float(random.uniform(least, 1)) * picture.shape[1]
    height = width * VIEW[1] / VIEW[0]
    left, top = (round(float(random.random()) * (all_ - part)) for all_, part in zip((512, 512), (width, height)))
    piece = picture[top : top + round(height), left : left + round(width)]
    if random.random() < 0.5:
        piece = piece[:, ::-1]
    return np.asarray(cv2.resize(np.ascontiguousarray(piece), VIEW, interpolation=cv2.INTER_CUBIC), np.float32)


def _cut_out(random: np.random.Generator) -> Scene:
    return Scene(finish(_part(without_face(random), 0.7, random), random))


def _upside_down(random: np.random.Generator) -> Scene:
    piece = _part(without_face(random), 0.2, random)
    return Scene(finish(np.ascontiguousarray(piece[::-1]), random))


EMPTY: Mapping[str, Make] = {
    "busy grounds": lambda random: Scene(finish(busy_ground(VIEW, random), random)),
    "textures": lambda random: Scene(finish(texture(VIEW, random, float(random.uniform(10, 90))), random)),
    "the portrait, its face or head cut out": _cut_out,
    "pieces of that, upside down": _upside_down,
    "drawn hands": lambda random: Scene(hand(VIEW, random)),
}
"""Images in which nobody is."""


def _rolled(random: np.random.Generator) -> Scene:
    return _one(random, roll=_either(random, 20, 60))


def _lying(random: np.random.Generator) -> Scene:
    return _one(random, roll=_either(random, 60, 180))


def _turned(random: np.random.Generator) -> Scene:
    return _one(random, turn=_either(random, 20, 60))


def _cut(random: np.random.Generator) -> Scene:
    (head,) = place(VIEW, float(random.uniform(*ALONE)), random, most=1)
    # From the edge to the outer side of the face.
    outside = float(random.uniform(-0.35, 0.05)) * head.height
    beyond: Sequence[Head] = (
        replace(head, x=head.height / 2 + outside),
        replace(head, x=VIEW[0] - head.height / 2 - outside),
        replace(head, y=head.height / 2 + outside),
        replace(head, y=VIEW[1] - head.height / 2 - outside),
    )
    return draw(busy_ground(VIEW, random), [beyond[int(random.integers(0, 4))]], random)


def _one(random: np.random.Generator, roll: float = 0.0, turn: float = 0.0) -> Scene:
    heads = place(VIEW, float(random.uniform(*ALONE)), random, most=1, roll=roll, turn=turn)
    return draw(busy_ground(VIEW, random), heads, random)


def _either(random: np.random.Generator, least: float, most: float) -> float:
    return float(random.uniform(least, most)) * (1 if random.random() < 0.5 else -1)


SINGLE: Mapping[str, Make] = {
    "rolled by 20 to 60 degrees": _rolled,
    "rolled by 60 to 180 degrees": _lying,
    "turned by 20 to 60 degrees": _turned,
    "cut by the edge": _cut,
}
"""Images with one head, which a detector may take for two."""
