"""How one face is drawn: its frame, the label with its number and expression, its trace, and the panel of bars."""

from __future__ import annotations

import math
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.types import LABELS, Expression, Image, ObservedFace
from fer_edge.ui.drawing import (
    COLOURS,
    INK,
    SMALL_FACE,
    SOFT,
    WHITE,
    Colour,
    Rect,
    Style,
    darken,
    fill_rounded,
    smaller,
)
from fer_edge.ui.placing import Chip
from fer_edge.ui.trace import SECONDS, Trace
from fer_edge.ui.wording import id_text

_GREY: Colour = (170, 170, 170)
_TAG: Colour = (40, 40, 40)
"""Beneath a face's number."""
_MIDDLE: Colour = (110, 110, 110)
"""The line of a trace where the face looks neither pleasant nor unpleasant."""


def face_colour(expression: Expression, stale: bool) -> Colour:
    """Return the colour of the expression, grey where it is uncertain and dull where it is old."""
    colour = _GREY if expression.uncertain else COLOURS.get(expression.label, _GREY)
    return _mixed(colour, (96, 96, 96), 0.55) if stale else colour


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    blue, green, red = (round((1 - share) * a + share * b) for a, b in zip(colour, other))
    return blue, green, red


def _ink_on(colour: Colour) -> Colour:
    """Return black or white, whichever contrasts more (WCAG 2.1, relative luminance; 0.18 is where both are equal)."""
    blue, green, red = ((value / 255) ** 2.2 for value in colour)
    return INK if 0.0722 * blue + 0.7152 * green + 0.2126 * red > 0.18 else WHITE


def draw_box(canvas: Image, box: Rect, style: Style, colour: Colour, uncertain: bool) -> None:
    """Draw a thin rounded frame with strong corners, on a dark edge that keeps it visible over bright ground."""
    side = min(box.width, box.height)
    thin = style.stroke
    thick = max(thin + 1, round(2.2 * style.stroke)) if side > (SMALL_FACE + 8) * style.stroke else thin
    radius = min(round(1.2 * style.capital), side // 4)
    reach = min(radius + round(0.14 * side), side // 2)
    edge = 2 * max(1, round(0.5 * style.stroke))
    for ink, extra in ((INK, edge), (colour, 0)):
        if not uncertain:
            _corners(canvas, box, radius, None, ink, thin + extra)
        _corners(canvas, box, radius, reach, ink, thick + extra)


def _corners(canvas: Image, box: Rect, radius: int, reach: Optional[int], colour: Colour, thickness: int) -> None:
    """Draw the four corners with arms of `reach` pixels, or with arms that meet when it is None."""
    right, bottom = box.right - 1, box.bottom - 1
    across = (box.width + 1) // 2 if reach is None else reach
    down = (box.height + 1) // 2 if reach is None else reach
    for x, y, to_right, to_bottom, start in (
        (box.left, box.top, 1, 1, 180),
        (right, box.top, -1, 1, 270),
        (right, bottom, -1, -1, 0),
        (box.left, bottom, 1, -1, 90),
    ):
        centre = (x + to_right * radius, y + to_bottom * radius)
        cv2.line(canvas, (centre[0], y), (x + to_right * across, y), colour, thickness, cv2.LINE_AA)
        cv2.line(canvas, (x, centre[1]), (x, y + to_bottom * down), colour, thickness, cv2.LINE_AA)
        if radius:
            cv2.ellipse(canvas, centre, (radius, radius), start, 0, 90, colour, thickness, cv2.LINE_AA)


def draw_chip(canvas: Image, chip: Chip, seen: ObservedFace, stale: bool) -> None:
    """Draw the label in place: the face's number, small and on dark ground, where it has one, and its expression."""
    expression, rect, style = seen.steady, chip.rect, chip.style
    baseline = rect.bottom - style.padding
    if expression.uncertain:
        darken(canvas, rect, style.padding)
        ink = SOFT
    else:
        colour = face_colour(expression, stale)
        if chip.start > rect.left:
            fill_rounded(canvas, rect, style.padding, _TAG)
        fill_rounded(canvas, rect._replace(left=chip.start), style.padding, colour)
        ink = _ink_on(colour)
    if chip.start > rect.left:
        small = smaller(style)
        lift = (round(style.capital) - round(small.capital)) // 2
        small.text(canvas, id_text(seen.track), rect.left + small.padding, baseline - lift, SOFT)
    style.text(canvas, chip.text, chip.start + style.padding, baseline, ink)


def draw_trace(canvas: Image, rect: Rect, style: Style, trace: Trace, colour: Colour) -> None:
    """Draw the line of a face's valence in place, from -1 at the bottom to 1 at the top, and a dot where it is now."""
    darken(canvas, rect, min(style.padding, rect.height // 3))
    dot = round(1.5 * style.stroke)
    left, right = rect.left + 2 * dot, rect.right - 1 - 2 * dot
    middle, reach = (rect.top + rect.bottom - 1) / 2, max(0.0, rect.height / 2 - dot - 2)
    cv2.line(canvas, (left, round(middle)), (right, round(middle)), _MIDDLE, max(1, style.stroke // 2))
    points = np.array(trace, np.float64).reshape(-1, 2)
    ends = np.array([right, middle]) + np.clip(points, (-SECONDS, -1), (0, 1)) * ((right - left) / SECONDS, -reach)
    known: NDArray[np.bool_] = np.all(np.isfinite(points), axis=1)
    # Each piece but the first begins with the point that breaks the line.
    breaks = np.flatnonzero(~known)
    pieces = zip(np.split(ends, breaks), np.split(known, breaks))
    lines = [np.rint(16 * piece[of_line]).astype(np.int32) for piece, of_line in pieces]
    cv2.polylines(canvas, lines, False, WHITE, style.stroke, cv2.LINE_AA, 4)
    if len(known) and known[-1]:
        cv2.circle(canvas, (round(ends[-1][0]), round(ends[-1][1])), dot, colour, cv2.FILLED, cv2.LINE_AA)


def draw_panel(canvas: Image, panel: Rect, small: Style, expression: Expression, stale: bool) -> None:
    """Draw the bar of each expression in place."""
    darken(canvas, panel, small.padding)
    left = panel.left + small.padding
    start = left + max(small.width(label) for label in LABELS) + small.padding
    full = panel.right - small.padding - start
    for row, label in enumerate(LABELS):
        probability = float(expression.probabilities[row])
        probability = min(1.0, max(0.0, probability)) if math.isfinite(probability) else 0.0
        middle = panel.top + small.padding + row * small.row + small.row // 2
        half = max(1, round(0.36 * small.capital))
        strong = label == expression.label and not expression.uncertain
        small.text(canvas, label, left, middle + round(small.capital / 2), WHITE if strong else SOFT)
        colour = COLOURS[label] if not (stale or expression.uncertain) else _mixed(COLOURS[label], (96, 96, 96), 0.55)
        cv2.rectangle(canvas, (start, middle - half), (start + full - 1, middle + half), (84, 84, 84), cv2.FILLED)
        length = round(probability * full)
        if length:
            cv2.rectangle(canvas, (start, middle - half), (start + length - 1, middle + half), colour, cv2.FILLED)
