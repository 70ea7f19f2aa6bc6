"""How one face is drawn: its frame, the label with the expression, and the panel of probability bars."""

from __future__ import annotations

import math
from typing import Optional

import cv2

from fer_edge.types import LABELS, Expression, Image
from fer_edge.ui.drawing import COLOURS, INK, SOFT, WHITE, Colour, Rect, Style, darken, fill_rounded
from fer_edge.ui.wording import chip_text

_GREY: Colour = (170, 170, 170)


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
    thick = max(thin + 1, round(2.2 * style.stroke)) if side > 20 * style.stroke else thin
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


def draw_chip(canvas: Image, chip: Rect, style: Style, expression: Expression, stale: bool) -> None:
    """Draw the label with the expression in place."""
    colour = face_colour(expression, stale)
    baseline = chip.bottom - style.padding
    if expression.uncertain:
        darken(canvas, chip, style.padding)
        ink = SOFT
    else:
        fill_rounded(canvas, chip, style.padding, colour)
        ink = _ink_on(colour)
    style.text(canvas, chip_text(expression), chip.left + style.padding, baseline, ink)


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
        cv2.rectangle(canvas, (start, middle - half), (start + full - 1, middle + half), (62, 62, 62), cv2.FILLED)
        length = round(probability * full)
        if length:
            cv2.rectangle(canvas, (start, middle - half), (start + length - 1, middle + half), colour, cv2.FILLED)
