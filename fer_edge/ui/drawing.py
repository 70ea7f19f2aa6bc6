"""Text on dark, translucent plates, in sizes that suit the image, and the colours: what the overlay is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, Mapping, NamedTuple, Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.types import Image

Colour = Tuple[int, int, int]
"""Blue, green, red, each from 0 to 255."""

WHITE: Colour = (255, 255, 255)
SOFT: Colour = (190, 190, 190)
INK: Colour = (8, 8, 8)
COLOURS: Mapping[str, Colour] = {
    "angry": (0, 94, 213),
    "disgust": (115, 158, 0),
    "fear": (167, 121, 204),
    "happy": (66, 228, 240),
    "neutral": (200, 200, 200),
    "sad": (233, 180, 86),
    "surprise": (0, 159, 230),
}
"""One colour for each expression: the palette of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/), which people
with any of the common colour-vision deficiencies can tell apart."""

SMALL_FACE = 30
"""Strokes of a frame: a face that is no larger has a thin one, around it."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 21.0
"""Height in pixels of a capital letter of `_FONT` at scale 1."""

Run = Tuple[str, Colour]
Line = Tuple[Run, ...]


class Rect(NamedTuple):
    """Whole pixels: left, top, right, bottom; the last two are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Right minus left."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Bottom minus top."""
        return self.bottom - self.top

    def within(self, other: Rect) -> bool:
        """Return whether nothing of it is outside `other`."""
        return (
            self.left >= other.left
            and self.top >= other.top
            and self.right <= other.right
            and self.bottom <= other.bottom
        )

    def meets(self, other: Rect) -> bool:
        """Return whether the two share a pixel."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def moved_into(self, other: Rect) -> Rect:
        """Move it, as little as needed, into `other`; to its upper left corner when it is too large."""
        left = max(other.left, min(self.left, other.right - self.width))
        top = max(other.top, min(self.top, other.bottom - self.height))
        return Rect(left, top, left + self.width, top + self.height)


@dataclass(frozen=True)
class Style:
    """Sizes in pixels, derived once for each size of image and of text."""

    capital: float
    scale: float
    stroke: int
    padding: int
    row: int

    @classmethod
    def of(cls, capital: float) -> Style:
        """Return the style whose capital letters are so many pixels high."""
        padding = max(2, round(0.55 * capital))
        return cls(capital, capital / _CAPITAL, max(1, round(capital / 10)), padding, round(1.65 * capital))

    def width(self, text: str) -> int:
        """Return the width of a text in pixels."""
        (width, _), _ = cv2.getTextSize(text, _FONT, self.scale, self.stroke)
        return int(width)

    def text(self, image: Image, text: str, left: int, baseline: int, colour: Colour) -> None:
        """Draw a text in place."""
        cv2.putText(image, text, (left, baseline), _FONT, self.scale, colour, self.stroke, cv2.LINE_AA)


@lru_cache(maxsize=64)
def style_for(shorter_side: int) -> Style:
    """Return the style of an image whose shorter side has so many pixels."""
    return Style.of(max(8.0, 3.0 + 0.0175 * shorter_side))


@lru_cache(maxsize=64)
def smaller(style: Style) -> Style:
    """Return the style of what matters less."""
    return Style.of(max(7.0, 0.8 * style.capital))


def line_width(style: Style, line: Line) -> int:
    """Return the width of a line in pixels."""
    return sum(style.width(text) for text, _ in line)


def plate_for(frame: Rect, style: Style, lines: Sequence[Line], at_bottom: bool) -> Tuple[Rect, Style]:
    """Return the place of a plate in a left corner, and a style in which its lines fit into the image."""
    while True:
        width = max(line_width(style, line) for line in lines) + 2 * style.padding
        height = (len(lines) - 1) * style.row + round(style.capital) + 2 * style.padding
        room = frame.width - 2 * style.padding, frame.height - 2 * style.padding
        if (width <= room[0] and height <= room[1]) or style.capital < 2:
            break
        style = Style.of(style.capital * 0.93)
    left = style.padding
    top = frame.bottom - style.padding - height if at_bottom else style.padding
    return Rect(left, top, left + width, top + height), style


def draw_lines(canvas: Image, rect: Rect, style: Style, lines: Sequence[Line]) -> None:
    """Draw a plate with text on it, in place."""
    darken(canvas, rect, style.padding)
    baseline = rect.top + style.padding + round(style.capital)
    for line in lines:
        left = rect.left + style.padding
        for text, colour in line:
            style.text(canvas, text, left, baseline, colour)
            left += style.width(text)
        baseline += style.row


def fill_rounded(canvas: Image, rect: Rect, radius: int, colour: Colour) -> None:
    """Fill a rectangle with rounded corners, in place."""
    right, bottom = rect.right - 1, rect.bottom - 1
    cv2.rectangle(canvas, (rect.left + radius, rect.top), (right - radius, bottom), colour, cv2.FILLED)
    cv2.rectangle(canvas, (rect.left, rect.top + radius), (right, bottom - radius), colour, cv2.FILLED)
    for x in (rect.left + radius, right - radius):
        for y in (rect.top + radius, bottom - radius):
            cv2.circle(canvas, (x, y), radius, colour, cv2.FILLED, cv2.LINE_AA)


def darken(canvas: Image, rect: Rect, radius: int) -> None:
    """Put a translucent dark plate with rounded corners onto the canvas, in place."""
    view = canvas[max(0, rect.top) : max(0, rect.bottom), max(0, rect.left) : max(0, rect.right)]
    if view.size == 0:
        return
    radius = min(radius, view.shape[0] // 2, view.shape[1] // 2)
    kept = view.copy()
    cv2.convertScaleAbs(kept, dst=view, alpha=0.24, beta=6)
    for rows, columns, mask in _corner_masks(radius):
        view[rows, columns] = (kept[rows, columns] * mask + view[rows, columns] * (1 - mask)).astype(np.uint8)


Corner = Tuple[slice, slice, NDArray[np.float32]]


@lru_cache(maxsize=32)
def _corner_masks(radius: int) -> Tuple[Corner, ...]:
    """Give, for each corner, how much of the ground shows: 1 outside the rounding, 0 inside."""
    if radius < 1:
        return ()
    distance = radius - (np.arange(radius, dtype=np.float32) + 0.5)
    outside = np.clip(np.hypot(distance[:, None], distance[None, :]) - radius + 0.5, 0, 1)[..., None]
    first, last = slice(0, radius), slice(-radius, None)
    ends: Dict[bool, slice] = {False: first, True: last}
    return tuple(
        (ends[low], ends[far], np.ascontiguousarray(outside[:: -1 if low else 1, :: -1 if far else 1]))
        for low in (False, True)
        for far in (False, True)
    )
