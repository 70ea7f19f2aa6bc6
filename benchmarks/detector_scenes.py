"""Images with faces at known places, made from the demo's portrait: what `detector_recall.py` shows to detectors.

The head is cut out of the portrait with soft edges and drawn at any size, roll and turn on grounds that are made too. One
portrait means one person: what is measured here compares detectors and sizes; it does not say how well people are found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import List, Sequence, Tuple

import cv2
import numpy as np
from detector_grounds import DAYLIGHT, FACE, Light, Pixels, Size, finish, head_outline, portrait
from numpy.typing import NDArray

from fer_edge.types import Box, Image

HEAD_SPACE = (112.0, 14.0, 306.0, 232.0)
"""Left, top, right, bottom of what is cut out of the portrait."""
_FADE = (190.0, 232.0)
"""Where the cut-out ends below, in rows of the portrait: whole and gone."""
_EXPOSURES = 4


@dataclass(frozen=True)
class Head:
    """Where and how the portrait is drawn.

    Attributes
    ----------
    x, y : float
        The middle of the face, in pixels of the image.
    height : float
        From the brows to the chin, in pixels.
    roll : float
        Degrees clockwise by which the head is tilted.
    turn : float
        Degrees by which the flat portrait is turned about its upright axis.
    mirrored : bool
        Left and right exchanged.
    gain : float
        Of its brightness.
    step : tuple of float
        Pixels across and down by which it moves while the image is exposed.
    """

    x: float
    y: float
    height: float
    roll: float = 0.0
    turn: float = 0.0
    mirrored: bool = False
    gain: float = 1.0
    step: Tuple[float, float] = (0.0, 0.0)

    @property
    def box(self) -> Box:
        """The true face: as wide as high, and narrower where it is turned; upright also where it is tilted."""
        width = self.height * math.cos(math.radians(self.turn))
        return Box(self.x - width / 2, self.y - self.height / 2, width, self.height)


@dataclass(frozen=True)
class Scene:
    """An image, and the faces that are in it.

    Attributes
    ----------
    image : Image
        As a camera would give it.
    faces : tuple of Box
        From the brows to the chin.
    first : int
        The number of the first face's head; the others follow. Images of a clip show the same heads.
    """

    image: Image
    faces: Tuple[Box, ...] = ()
    first: int = 0


def draw(ground: Pixels, heads: Sequence[Head], random: np.random.Generator, light: Light = DAYLIGHT) -> Scene:
    """Draw heads over a ground, which is changed, and photograph them in some light."""
    paint(ground, heads)
    return Scene(finish(ground, random, light), tuple(head.box for head in heads))


def paint(ground: Pixels, heads: Sequence[Head]) -> None:
    """Draw heads over a ground, which is changed."""
    for head in heads:
        _draw_head(ground, head)


def extent(head: Head) -> Tuple[float, float, float, float]:
    """Return left, top, right, bottom of what is drawn, in pixels of the image."""
    corners = cv2.perspectiveTransform(_corners()[None] * (head.height / FACE.height), _matrix(head))[0]
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, top, right, bottom


def room(size: Size, height: float, roll: float = 0.0) -> Tuple[int, int]:
    """Return how many heads fit side by side, and below each other, without overlap."""
    spans = [extent(Head(0, 0, height, roll, mirrored=mirrored)) for mirrored in (False, True)]
    across, down = max(one[2] - one[0] for one in spans), max(one[3] - one[1] for one in spans)
    return int(size[0] // across), int(size[1] // down)


def place(
    size: Size, height: float, random: np.random.Generator, most: int = 3, roll: float = 0.0, turn: float = 0.0
) -> List[Head]:
    """Return up to `most` heads of one size at places where they lie within the image and over no other.

    There are fewer where no more fit, and none where not one does.
    """
    columns, rows = room(size, height, roll)
    count = min(most, columns * rows)
    loose = [_anywhere(_person(height, roll, turn, random), (0, 0, *size), random) for _ in range(count)]
    for _ in range(200):
        if not any(_overlap(one, other) for n, one in enumerate(loose) for other in loose[:n]):
            return loose
        loose = [_anywhere(head, (0, 0, *size), random) for head in loose]
    cells = random.permutation(columns * rows)[:count].tolist()
    across, down = size[0] / columns, size[1] / rows
    areas = [(cell % columns * across, cell // columns * down, across, down) for cell in cells]
    return [_anywhere(head, area, random) for head, area in zip(loose, areas)]


def _person(height: float, roll: float, turn: float, random: np.random.Generator) -> Head:
    mirrored, gain = bool(random.random() < 0.5), float(random.uniform(0.88, 1.06))
    return Head(0.0, 0.0, height, roll, turn, mirrored, gain)


def _anywhere(head: Head, area: Tuple[float, float, float, float], random: np.random.Generator) -> Head:
    """Return the head at some place within an area: left, top, width, height."""
    left, top, right, bottom = (edge - at for edge, at in zip(extent(head), (head.x, head.y, head.x, head.y)))
    x = area[0] - left + float(random.random()) * max(0.0, area[2] - (right - left))
    y = area[1] - top + float(random.random()) * max(0.0, area[3] - (bottom - top))
    return replace(head, x=x, y=y)


def _overlap(one: Head, other: Head) -> bool:
    a, b = extent(one), extent(other)
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _draw_head(ground: Pixels, head: Head) -> None:
    left, top, right, bottom = extent(head)
    reach = [abs(step) + 2 for step in head.step]
    x, y = max(0, math.floor(left - reach[0])), max(0, math.floor(top - reach[1]))
    width = min(ground.shape[1], math.ceil(right + reach[0])) - x
    height = min(ground.shape[0], math.ceil(bottom + reach[1])) - y
    if width <= 0 or height <= 0:
        return
    picture, cover = _scaled(head.height)
    paint, hidden = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    exposures = _EXPOSURES if any(head.step) else 1
    for number in range(exposures):
        late = (number + 0.5) / exposures - 0.5
        move = np.array([[1, 0, late * head.step[0] - x], [0, 1, late * head.step[1] - y], [0, 0, 1]])
        matrix = move @ _matrix(head)
        paint += cv2.warpPerspective(picture, matrix, (width, height)) / exposures
        hidden += cv2.warpPerspective(cover, matrix, (width, height)) / exposures
    target = ground[y : y + height, x : x + width]
    target *= 1 - hidden[..., None]
    target += head.gain * paint


@lru_cache(maxsize=4)
def _scaled(height: float) -> Tuple[Pixels, Pixels]:
    """Return the portrait, black outside the head, and how far it covers what is behind it, for one height of face."""
    cover = np.zeros((512, 512), np.float32)
    cv2.fillPoly(cover, [head_outline()], 1.0, cv2.LINE_8)
    rows = np.arange(512, dtype=np.float32)[:, None]
    cover = cv2.GaussianBlur(cover, (0, 0), 1.5) * np.clip((_FADE[1] - rows) / (_FADE[1] - _FADE[0]), 0, 1)
    picture = portrait().astype(np.float32) * cover[..., None]
    side = round(512 * height / FACE.height)
    method = cv2.INTER_AREA if side < 512 else cv2.INTER_CUBIC
    small = [
        np.clip(cv2.resize(one, (side, side), interpolation=method), 0, top)
        for one, top in ((picture, 255), (cover, 1))
    ]
    return small[0], small[1]


def _matrix(head: Head) -> NDArray[np.float64]:
    """Return what takes pixels of the scaled portrait to those of the image."""
    scale = head.height / FACE.height
    middle = np.array([(FACE.x + FACE.width / 2) * scale, (FACE.y + FACE.height / 2) * scale])
    to_middle = np.array([[1, 0, -middle[0]], [0, 1, -middle[1]], [0, 0, 1.0]])
    mirror = np.diag([-1.0 if head.mirrored else 1.0, 1.0, 1.0])
    turn, roll = math.radians(head.turn), math.radians(head.roll)
    # As seen from eight face heights away.
    turned = np.array([[math.cos(turn), 0, 0], [0, 1, 0], [math.sin(turn) / (8 * head.height), 0, 1]])
    rolled = np.array([[math.cos(roll), -math.sin(roll), head.x], [math.sin(roll), math.cos(roll), head.y], [0, 0, 1]])
    return np.asarray(rolled @ turned @ mirror @ to_middle, np.float64)


def _corners() -> NDArray[np.float64]:
    left, top, right, bottom = HEAD_SPACE
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
