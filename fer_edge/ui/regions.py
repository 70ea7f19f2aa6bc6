"""Draws where faces are looked for, and how high the least of them is, for the key ``r``."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.detect.search import Search
from fer_edge.types import Image
from fer_edge.ui.drawing import INK, WHITE, Line, Rect, Style, line_width

DIMMED = 0.5
"""What is left of the brightness outside: the regions stand out over a bright and a dark picture, and whoever walks up to one
can still be seen."""


def mirrored(search: Search, width: int) -> Search:
    """Return what a search is in an image of that width whose left and right are swapped."""
    return replace(
        search, regions=tuple(tuple((width - x, y) for x, y in reversed(region)) for region in search.regions)
    )


def draw_search(canvas: Image, search: Search, style: Style, scale: float = 1.0) -> None:
    """Dim what is outside the regions and draw their outlines and a square as high as the smallest face, in place.

    Parameters
    ----------
    canvas : Image
        Height x width x 3.
    scale : float
        Pixels of the canvas for one of the frame.
    """
    height, width = canvas.shape[:2]
    outlines = [
        np.clip(np.rint(np.array(region) * scale), 0, (width - 1, height - 1)).astype(np.int32)
        for region in search.regions
    ]
    if outlines:
        outside = np.full((height, width), 255, np.uint8)
        for outline in outlines:  # one at a time: together, what two of them share would count as outside
            cv2.fillPoly(outside, [outline], 0)
        cv2.copyTo(cv2.convertScaleAbs(canvas, alpha=DIMMED), outside, canvas)
        _draw_lines(canvas, outlines, style)
    if search.min_face:
        left, top, right, bottom = _least(width, height, search, style, scale)
        _draw_lines(canvas, [np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.int32)], style)


def least_plate(
    width: int, height: int, search: Search, style: Style, scale: float = 1.0
) -> Optional[Tuple[Rect, Line]]:
    """Return where the words below that square stand in an image of that size, and what they are; None without room."""
    if not search.min_face:
        return None
    least = _least(width, height, search, style, scale)
    words: Line = ((f"faces from {search.min_face} px", WHITE),)
    across, down = line_width(style, words) + 2 * style.padding, round(style.capital) + 2 * style.padding
    top = least.bottom + style.padding
    if across > least.right or top + down > height:
        return None
    return Rect(least.right - across, top, least.right, top + down), words


def _least(width: int, height: int, search: Search, style: Style, scale: float) -> Rect:
    """Return the square: in the upper right corner, where nothing else stands."""
    right, top = max(1, width - 1 - style.padding), min(style.padding, height - 1)
    side = max(1, min(round(search.min_face * scale), right, height - 1 - top))
    return Rect(right - side, top, right, top + side)


def _draw_lines(canvas: Image, outlines: Sequence[NDArray[np.int32]], style: Style) -> None:
    """Draw closed lines, white on dark, so that they are seen on any ground."""
    cv2.polylines(canvas, outlines, True, INK, style.stroke + 2, cv2.LINE_AA)
    cv2.polylines(canvas, outlines, True, WHITE, style.stroke, cv2.LINE_AA)
