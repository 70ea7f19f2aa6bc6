"""Draws what covers a mouth over pictures of faces, for `fit_doubt.py`: masks, scarves, hands, cups and sheets."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

KINDS = ("mask", "respirator", "scarf", "hand", "cup", "sheet")
FINER = 4
"""Covers are drawn so much finer than the picture, so that their edges are no sharper than the face."""

Points = Sequence[Tuple[float, float]]
Floats = NDArray[np.float64]


class _Sheet:
    """The cover in the making: its colour at each pixel, and where it lies, with coordinates of the face."""

    def __init__(self, image: NDArray[np.uint8], marks: Mapping[str, Tuple[float, float]], draw: Any) -> None:
        right, left = np.asarray(marks["right_eye"]), np.asarray(marks["left_eye"])
        self.eyes = (right + left) / 2
        down = np.asarray(marks["mouth"]) - self.eyes
        self.length = float(np.hypot(*down))
        self.unit = max(float(np.hypot(*(left - right))), self.length / 1.1, 1.0)
        across = (left - right) / max(float(np.hypot(*(left - right))), 1e-6)
        self.across = across
        self.down = np.array([-across[1], across[0]])
        self.draw = draw
        height, width = image.shape[:2]
        self.colours: Floats = np.zeros((height * FINER, width * FINER, 3))
        self.place = np.zeros((height * FINER, width * FINER), np.uint8)
        side = self.at(float(draw.choice([-0.45, 0.45])), 0.35)
        column, row = np.clip(np.round(side), 0, [width - 1, height - 1]).astype(int)
        self.skin: Floats = image[row, column].astype(np.float64)

    def at(self, across: float, down: float) -> Floats:
        """Return the point so far along the eyes (in distances between them) and down (0 the eyes, 1 the mouth)."""
        point: Floats = self.eyes + self.across * across * self.unit + self.down * down * self.length
        return point

    def about(self, value: float, spread: float = 0.05) -> float:
        return float(value + self.draw.normal(0, spread))

    def fill(self, points: Points) -> None:
        corners = np.array([self.at(across, down) for across, down in points])
        cv2.fillPoly(self.place, [np.round(corners * FINER).astype(np.int32)], 255)

    def line(self, start: Floats, end: Floats, shade: float, thickness: float, onto: str = "colours") -> None:
        ends = [tuple(int(value) for value in np.round(point * FINER)) for point in (start, end)]
        colour = 255 if onto == "place" else tuple(float(value) for value in self.base * shade)
        cv2.line(getattr(self, onto), ends[0], ends[1], colour, max(1, round(thickness * self.unit * FINER)))

    def paint(self, plain: bool) -> None:
        """Choose a colour, a pattern and how the light falls."""
        draw = self.draw
        named = [(220, 190, 140), (235, 235, 235), (25, 25, 25), (190, 170, 235), (150, 190, 120), (130, 130, 130)]
        choice = int(draw.integers(0, 8))
        skin_like = plain or choice == 6
        base = self.skin * draw.uniform(0.85, 1.12) if skin_like else np.array((*named, (0, 0, 0), (0, 0, 0))[choice])
        self.base = draw.uniform(10, 245, 3) if choice == 7 and not plain else base
        height, width = self.place.shape
        self.colours[...] = self.base
        y, x = np.mgrid[:height, :width]
        period, angle = self.unit * FINER * draw.uniform(0.12, 0.4), draw.uniform(0, np.pi)
        u = (x * np.cos(angle) + y * np.sin(angle)) / period % 1
        v = (y * np.cos(angle) - x * np.sin(angle)) / period % 1
        pattern = (
            "plain" if plain else draw.choice(["plain", "plain", "plain", "stripes", "dots", "checks", "blotches"])
        )
        dark = {
            "stripes": u < 0.5,
            "checks": (u < 0.5) ^ (v < 0.5),
            "dots": (u - 0.5) ** 2 + (v - 0.5) ** 2 < 0.09,
        }.get(str(pattern))
        if dark is not None:
            self.colours[dark] = draw.uniform(10, 245, 3)
        elif pattern == "blotches":
            rough = cv2.resize(draw.normal(0, 0.25, (12, 12)), (width, height), interpolation=cv2.INTER_CUBIC)
            self.colours *= 1 + rough[..., None]
        u, v = np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None]
        light = 1 + draw.normal(0, 0.12) * u + draw.normal(0, 0.12) * v - draw.uniform(0, 0.25) * u**2
        self.colours *= np.clip(light, 0.3, 1.5)[..., None]


def _mask(sheet: _Sheet) -> None:
    top, width = sheet.draw.uniform(0.3, 0.55), sheet.draw.uniform(0.75, 1.05)
    right: List[Tuple[float, float]] = [(0.35, top), (width, top + 0.15), (width * 0.95, 1.25), (0.5, 1.75)]
    left = [(-across, down) for across, down in reversed(right)]
    outline = [*right, (0.0, 1.85), *left, (0.0, top - 0.08)]
    sheet.fill([(sheet.about(across), sheet.about(down)) for across, down in outline])
    for down in np.linspace(0.75, 1.4, int(sheet.draw.integers(0, 5))):
        sheet.line(sheet.at(-width, sheet.about(down, 0.02)), sheet.at(width, down), 0.83, 0.03)


def _respirator(sheet: _Sheet) -> None:
    top, width = sheet.draw.uniform(0.25, 0.5), sheet.draw.uniform(0.7, 1.0)
    right = [(0.2, top), (width, top + 0.3), (width * 0.9, 1.3), (0.25, 1.8)]
    left = [(-across, down) for across, down in reversed(right)]
    sheet.fill([(sheet.about(across), sheet.about(down)) for across, down in [*right, *left, (0.0, top - 0.1)]])
    sheet.line(sheet.at(0, 0), sheet.at(sheet.about(0, 0.03), 2), 0.72, 0.05)


def _scarf(sheet: _Sheet) -> None:
    top = sheet.draw.uniform(0.4, 0.8)
    sheet.fill([(-2, sheet.about(top)), (0, sheet.about(top)), (2, sheet.about(top)), (2, 4), (-2, 4)])
    for _ in range(int(sheet.draw.integers(1, 5))):
        down = sheet.draw.uniform(0.8, 1.8)
        sheet.line(sheet.at(-2, sheet.about(down, 0.15)), sheet.at(2, sheet.about(down, 0.15)), 0.7, 0.06)


def _hand(sheet: _Sheet) -> None:
    slope, side = sheet.draw.uniform(-0.2, 0.2), sheet.draw.choice([-1, 1])
    thick = sheet.draw.uniform(0.2, 0.28)
    for finger in range(4):
        down = 0.75 + finger * thick
        tip, palm = -side * sheet.draw.uniform(0.55, 0.8), side * 2.2
        ends = sheet.at(tip, down + slope * tip), sheet.at(palm, down + slope * palm)
        sheet.line(*ends, 1.0, thick * sheet.length / sheet.unit * 1.05, "place")
        if finger:
            gap = sheet.down * sheet.length * thick / 2
            sheet.line(ends[0] - gap, ends[1] - gap, sheet.draw.uniform(0.5, 0.75), 0.04)


def _cup(sheet: _Sheet) -> None:
    width, top = sheet.draw.uniform(0.4, 0.7), sheet.draw.uniform(0.72, 0.9)
    sheet.fill([(-width, top), (width, top), (width * 0.85, 2.2), (-width * 0.85, 2.2)])
    sheet.line(sheet.at(-width, top + 0.1), sheet.at(width, top + 0.1), 0.7, 0.03)


def _plain_sheet(sheet: _Sheet) -> None:
    top, slope = sheet.draw.uniform(0.5, 0.8), sheet.draw.uniform(-0.2, 0.2)
    sheet.fill([(-2, top - slope), (2, top + slope), (2, 4), (-2, 4)])


_DRAWN: Dict[str, Callable[[_Sheet], None]] = dict(zip(KINDS, (_mask, _respirator, _scarf, _hand, _cup, _plain_sheet)))


def cover(
    image: NDArray[np.uint8], marks: Mapping[str, Tuple[float, float]], kind: str, draw: Any
) -> NDArray[np.uint8]:
    """Return the picture of a face with its mouth covered.

    Parameters
    ----------
    image : NDArray[np.uint8]
        H x W x 3.
    marks : mapping of str to (float, float)
        At least ``right_eye``, ``left_eye`` and ``mouth``, in pixels.
    kind : str
        One of `KINDS`.
    draw : numpy.random.Generator
        Chooses shape, colour, pattern and light.
    """
    sheet = _Sheet(image, marks, draw)
    sheet.paint(plain=kind == "hand")
    _DRAWN[kind](sheet)
    size = image.shape[1], image.shape[0]
    place = cv2.resize(cv2.GaussianBlur(sheet.place, (0, 0), FINER / 3), size, interpolation=cv2.INTER_AREA)
    share = place[..., None] / 255.0
    colours = cv2.resize(sheet.colours, size, interpolation=cv2.INTER_AREA) + draw.normal(0, 2, (*image.shape[:2], 1))
    covered: NDArray[np.uint8] = np.clip(image * (1 - share) + colours * share, 0, 255).round().astype(np.uint8)
    return covered
