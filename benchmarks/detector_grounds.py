"""Pictures without anybody, for `detector_scenes.py`: spots and shapes that are made, and the portrait without its face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.capture.opencv import decode
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.errors import SourceNotFound
from fer_edge.types import Box, Image

Pixels = NDArray[np.float32]
Size = Tuple[int, int]
"""Width and height."""

FACE = Box(177.0, 83.0, 96.0, 96.0)
"""The face in the portrait, from the brows to the chin: the box that BlazeFace short-range gives it."""

GROUNDS = ("plain", "busy")
_OUTLINE = (
    (155, 78), (157, 62), (165, 51), (177, 42), (190, 37), (197, 28), (207, 22), (220, 19), (232, 17), (248, 20),
    (264, 27), (281, 36), (290, 47), (296, 61), (298, 75), (300, 88), (296, 104), (288, 115), (279, 124), (274, 132),
    (267, 136), (263, 149), (258, 160), (255, 172), (270, 184), (284, 198), (296, 213), (302, 232), (134, 240),
    (121, 224), (117, 205), (117, 187), (127, 178), (133, 163), (147, 153), (162, 149), (186, 149), (184, 140),
    (182, 131), (174, 130), (171, 119), (160, 105), (156, 91),
)  # fmt: skip
_WALL = (308, 4, 372, 124)
"""A piece of the portrait where there is nothing but its wall: left, top, right, bottom."""


@dataclass(frozen=True)
class Light:
    """What light and camera do to a picture.

    Attributes
    ----------
    gain : float
        Times the brightness; what becomes too bright is white.
    gamma : float
        Above 1 darker, below 1 lighter in between.
    noise : float
        Standard deviation, in grey levels.
    """

    gain: float = 1.0
    gamma: float = 1.0
    noise: float = 2.0


DAYLIGHT = Light()


def portrait() -> Image:
    """Return the demo's portrait.

    Raises
    ------
    SourceNotFound
        It is missing or damaged.
    """
    image = decode(PORTRAIT.read_bytes()) if PORTRAIT.is_file() else None
    if image is None:
        raise SourceNotFound(f"The demo's picture {PORTRAIT} is missing or damaged.", "Install fer-edge again.")
    return image


def finish(picture: Pixels, random: np.random.Generator, light: Light = DAYLIGHT) -> Image:
    """Return a picture as a camera gives it in some light, in whole grey levels."""
    lit = np.clip(picture * light.gain, 0, 255)
    if light.gamma != 1.0:
        lit = 255 * (lit / 255) ** light.gamma
    grains = random.standard_normal(picture.shape, np.float32)
    return np.clip(np.rint(lit + light.noise * grains), 0, 255).astype(np.uint8)


def ground_of(kind: str, size: Size, random: np.random.Generator) -> Pixels:
    """Return a ground without anybody: ``plain``, one colour, or ``busy``, with spots, a gradient and shapes."""
    return _plain(size, random) if kind == "plain" else busy_ground(size, random)


def busy_ground(size: Size, random: np.random.Generator) -> Pixels:
    """Return spots of many sizes under a gradient, with rectangles, discs and lines on them, more or less sharp."""
    width, height = size
    picture = texture(size, random, float(random.uniform(25, 60)))
    angle = float(random.uniform(0, 2 * math.pi))
    across, down = np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height)
    gradient = 60 * (math.cos(angle) * across[None, :] + math.sin(angle) * down[:, None])
    picture += gradient.astype(np.float32)[..., None]
    unit = min(size) / 100
    for _ in range(int(random.integers(12, 30))):
        middle = random.uniform(0, 1, 2) * size
        sides, colour = random.uniform(3, 35, 2) * unit, tuple(random.uniform(20, 235, 3).tolist())
        kind = int(random.integers(0, 4))
        if kind == 3:
            end = middle + random.uniform(-60, 60, 2) * unit
            places = [tuple(np.rint(one).astype(int).tolist()) for one in (middle, end)]
            cv2.line(picture, places[0], places[1], colour, max(1, round(float(unit) * float(random.uniform(0.3, 2)))))
        elif kind == 2:
            place = tuple(np.rint(middle).astype(int).tolist())
            cv2.circle(picture, place, max(1, round(float(sides[0]) / 2)), colour, -1)
        else:
            rectangle = cv2.boxPoints((tuple(middle.tolist()), tuple(sides.tolist()), float(random.uniform(0, 90))))
            cv2.fillPoly(picture, [np.rint(rectangle).astype(np.int32)], colour)
    sharpness = float(random.uniform(0.4, 2.0)) * width / 640
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sharpness), np.float32)


def texture(size: Size, random: np.random.Generator, strength: float = 50.0) -> Pixels:
    """Return coloured spots of five sizes around a middle grey."""
    width, height = size
    picture = np.full((height, width, 3), float(random.uniform(90, 160)), np.float32)
    for cells in (3, 7, 16, 40, 100):
        rows = max(2, round(cells * height / width))
        spots = random.standard_normal((rows, cells, 3), np.float32) * np.float32(0.6)
        spots += random.standard_normal((rows, cells, 1), np.float32)
        picture += float(random.uniform(0.1, 0.7)) * strength * cv2.resize(spots, size, interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255)


def without_face(random: np.random.Generator) -> Pixels:
    """Return the portrait with its wall where the head, or only the face within the hair, was; the edges are soft."""
    picture = portrait().astype(np.float32)
    hole = np.zeros(picture.shape[:2], np.float32)
    if random.random() < 0.5:
        cv2.fillPoly(hole, [head_outline()], 1.0)
        hole[round(FACE.y + FACE.height) :] = 0
        hole = cv2.dilate(hole, np.ones((9, 9), np.uint8))
    else:
        middle = round(FACE.x + FACE.width / 2), round(FACE.y + FACE.height / 2)
        cv2.ellipse(hole, middle, (52, 66), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(hole, (0, 0), 2.0)[..., None]
    left, top, right, bottom = _WALL
    wall = cv2.resize(picture[top:bottom, left:right], picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture * (1 - soft) + wall * soft, np.float32)


def head_outline() -> NDArray[np.int32]:
    """Return the outline of head, neck and collar, in pixels of the portrait."""
    return np.array(_OUTLINE, np.int32)


def _plain(size: Size, random: np.random.Generator) -> Pixels:
    colour = random.uniform(50, 200) + random.uniform(-15, 15, 3)
    return np.full((size[1], size[0], 3), colour, np.float32)
