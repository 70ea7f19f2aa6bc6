"""Draws what was seen onto the picture: boxes, expressions, probability bars and the FPS figures.

All sizes follow the shorter side of the picture, so that a 320 x 240 camera and a 4K one look alike.
Text stands on plates that darken what is beneath, so that it can be read over any background.
"""

from __future__ import annotations

import math
from typing import Iterator, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np

from fer_edge.types import LABELS, Box, Expression, Image, ObservedFace, Rates
from fer_edge.ui.drawing import (
    INK,
    SOFT,
    WHITE,
    Colour,
    Line,
    Rect,
    Style,
    darken,
    draw_lines,
    fill_rounded,
    line_width,
    plate_for,
    smaller,
    style_for,
)

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
STALE_AFTER = 0.25
"""Seconds after which the age of the result is shown and its boxes are dimmed."""

_GREY: Colour = (170, 170, 170)


class Overlay:
    """Draws faces, expressions and rates onto a copy of a picture. Keeps no state between pictures.

    Parameters
    ----------
    bars : bool, default True
        Also draw the probabilities of all expressions beside each face that has room for them. May be changed between
        pictures.

    Examples
    --------
    >>> import numpy as np
    >>> from fer_edge.types import Rates
    >>> Overlay().draw(np.zeros((240, 320, 3), np.uint8), [], Rates(total=29.9)).shape
    (240, 320, 3)
    """

    def __init__(self, bars: bool = True) -> None:
        self.bars = bars

    def draw(
        self,
        image: Image,
        faces: Sequence[ObservedFace],
        rates: Rates,
        age: Optional[float] = None,
        notice: str = "",
    ) -> Image:
        """Draw one picture.

        Parameters
        ----------
        image : Image
            Height x width x 3, uint8, BGR, of any size. It is not changed.
        faces : sequence of ObservedFace
            With boxes in pixels of `image`; they may reach outside it. Where room is short, the first faces have it.
        rates : Rates
            Shown as ``total`` (a rate) and as the capacity of the classification and the detection.
        age : float, optional
            Seconds between the picture that was analysed and this one. Above `STALE_AFTER` it is written on the
            picture, and the boxes are dimmed, since they are no longer where the faces are.
        notice : str, optional
            A message at the top; lines are separated by line feeds. What is not ASCII is shown as ``?``.

        Returns
        -------
        Image
            A new picture of the same size.
        """
        canvas: Image = np.array(image, dtype=np.uint8, order="C", copy=True)
        height, width = canvas.shape[:2]
        if min(height, width) < 16:
            return canvas
        frame = Rect(0, 0, width, height)
        style = style_for(min(height, width))
        stale = age is not None and age > STALE_AFTER

        taken: List[Rect] = []
        plates: List[Tuple[Rect, Style, List[Line]]] = []
        for lines, at_bottom in ((_fps_lines(frame, style, rates), True), (_notice_lines(age, notice), False)):
            if lines:
                rect, fitted = plate_for(frame, style, lines, at_bottom)
                taken.append(rect)
                plates.append((rect, fitted, lines))

        placed = [
            (face.expression, box) for face in faces for box in [_pixels(face.face.box, frame)] if box is not None
        ]
        chips = []
        for expression, box in placed:
            _draw_box(canvas, box, style, _face_colour(expression, stale), expression.uncertain)
            chips.append(_place_chip(frame, box, style, expression, taken))
            taken.append(chips[-1])
        if self.bars:
            self._draw_bars(canvas, frame, style, placed, taken, stale)
        for (expression, _), chip in zip(placed, chips):
            _draw_chip(canvas, chip, style, expression, stale)
        for rect, fitted, lines in plates:
            draw_lines(canvas, rect, fitted, lines)
        return canvas

    def _draw_bars(
        self,
        canvas: Image,
        frame: Rect,
        style: Style,
        placed: Sequence[Tuple[Expression, Rect]],
        taken: List[Rect],
        stale: bool,
    ) -> None:
        boxes = [box for _, box in placed]
        small = smaller(style)
        for expression, box in placed:
            others = [other for other in boxes if other is not box]
            for panel in _bar_places(box, style, small):
                if panel.within(frame) and not any(panel.meets(rect) for rect in taken + others):
                    taken.append(panel)
                    _draw_panel(canvas, panel, small, expression, stale)
                    break


def _pixels(box: Box, frame: Rect) -> Optional[Rect]:
    """Return the box in whole pixels, or None when nothing of it can be seen."""
    if not all(math.isfinite(value) for value in box) or box.width <= 0 or box.height <= 0:
        return None
    # An edge far outside is moved to just outside: it stays unseen, and OpenCV's integers do not overflow.
    margin = 2 * max(frame.right, frame.bottom)
    left, right = (round(max(-margin, min(x, frame.right + margin))) for x in (box.x, box.x + box.width))
    top, bottom = (round(max(-margin, min(y, frame.bottom + margin))) for y in (box.y, box.y + box.height))
    rect = Rect(left, top, max(right, left + 1), max(bottom, top + 1))
    return rect if rect.meets(frame) else None


def _face_colour(expression: Expression, stale: bool) -> Colour:
    colour = _GREY if expression.uncertain else COLOURS.get(expression.label, _GREY)
    return _mixed(colour, (96, 96, 96), 0.55) if stale else colour


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    blue, green, red = (round((1 - share) * a + share * b) for a, b in zip(colour, other))
    return blue, green, red


def _ink_on(colour: Colour) -> Colour:
    """Return black or white, whichever contrasts more (WCAG 2.1, relative luminance; 0.18 is where both are equal)."""
    blue, green, red = ((value / 255) ** 2.2 for value in colour)
    return INK if 0.0722 * blue + 0.7152 * green + 0.2126 * red > 0.18 else WHITE


def _draw_box(canvas: Image, box: Rect, style: Style, colour: Colour, uncertain: bool) -> None:
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


def _chip_text(expression: Expression) -> str:
    percent = round(100 * expression.confidence) if math.isfinite(expression.confidence) else 0
    doubt = "?" if expression.uncertain else ""
    return f"{_ascii(expression.label)}{doubt} {percent}%"


def _place_chip(frame: Rect, box: Rect, style: Style, expression: Expression, taken: Sequence[Rect]) -> Rect:
    """Find room for the label: above the face, below it, or in its upper or lower edge; never outside the picture."""
    width = style.width(_chip_text(expression)) + 2 * style.padding
    height = round(style.capital) + 2 * style.padding
    gap = 2 * style.stroke
    tops = (box.top - gap - height, box.bottom + gap, box.top + gap, box.bottom - gap - height)
    places = [Rect(box.left, top, box.left + width, top + height) for top in tops]
    places += [Rect(box.right - width, top, box.right, top + height) for top in tops]
    shifted = [Rect(*place).moved_into(Rect(frame.left, place.top, frame.right, place.bottom)) for place in places]
    for place in shifted:
        if place.within(frame) and not any(place.meets(rect) for rect in taken):
            return place
    return places[0].moved_into(frame)


def _draw_chip(canvas: Image, chip: Rect, style: Style, expression: Expression, stale: bool) -> None:
    colour = _face_colour(expression, stale)
    baseline = chip.bottom - style.padding
    if expression.uncertain:
        darken(canvas, chip, style.padding)
        ink = SOFT
    else:
        fill_rounded(canvas, chip, style.padding, colour)
        ink = _ink_on(colour)
    style.text(canvas, _chip_text(expression), chip.left + style.padding, baseline, ink)


def _bar_places(box: Rect, style: Style, small: Style) -> Iterator[Rect]:
    """Return the places to try for the panel of bars, the best one first."""
    names = max(small.width(label) for label in LABELS)
    height = len(LABELS) * small.row + 2 * small.padding
    gap = style.padding
    for bar in (round(1.1 * names), round(0.6 * names)):
        width = names + bar + 3 * small.padding
        for top in (box.top, box.bottom - height):
            yield Rect(box.right + gap, top, box.right + gap + width, top + height)
            yield Rect(box.left - gap - width, top, box.left - gap, top + height)
        yield Rect(box.left, box.bottom + gap, box.left + width, box.bottom + gap + height)


def _draw_panel(canvas: Image, panel: Rect, small: Style, expression: Expression, stale: bool) -> None:
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


def _fps_lines(frame: Rect, style: Style, rates: Rates) -> List[Line]:
    """Word the three figures so that they fit, and so that a capacity is not taken for a rate."""
    total: Line = (("total ", SOFT), (_figure(rates.total), WHITE), (" fps", SOFT))
    stages: List[Line] = [
        ((f"{name} ", SOFT), (_figure(value), WHITE), (" fps capacity", SOFT)) for name, value in rates.capacities()
    ]
    space: Line = (("    ", SOFT),)
    together = [part for stage in stages for part in (*space, *stage)][1:]
    for lines in (
        [total + space + tuple(together)],
        [total, tuple(together)],
    ):
        if max(line_width(style, line) for line in lines) <= frame.width - 4 * style.padding:
            return lines
    return [total, *stages]


def _notice_lines(age: Optional[float], notice: str) -> List[Line]:
    lines: List[Line] = []
    if age is not None and age > STALE_AFTER:
        seconds = f"{age:.1f}" if age < 1000 else "over 1000"
        lines.append(((f"analysis {seconds} s old", COLOURS["surprise"]),))
    lines += [((_ascii(line), WHITE),) for line in notice.split("\n") if line.strip()]
    return lines


def _figure(value: float) -> str:
    if not math.isfinite(value) or value <= 0:
        return "0"
    if value >= 99999.5:
        return "99999+"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _ascii(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)
