"""Draws what was seen onto an image: boxes, expressions, probability bars and the FPS figures.

All sizes follow the shorter side of the image, so that a 320 x 240 camera and a 4K one look alike.
Text stands on plates that darken what is beneath, so that it can be read over any background.
"""

from __future__ import annotations

import math
from typing import Iterator, List, Optional, Sequence, Tuple

import numpy as np

from fer_edge.types import LABELS, Box, Expression, Image, ObservedFace, Rates
from fer_edge.ui.drawing import Line, Rect, Style, draw_lines, plate_for, smaller, style_for
from fer_edge.ui.faces import draw_box, draw_chip, draw_panel, face_colour
from fer_edge.ui.wording import STALE_AFTER, chip_text, fps_lines, notice_lines


class Overlay:
    """Draws faces, expressions and rates onto a copy of an image. Keeps no state between images.

    Parameters
    ----------
    bars : bool, default True
        Also draw the probabilities of all expressions beside each face that has room for them. May be changed between
        images.

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
        """Draw one image.

        Parameters
        ----------
        image : Image
            Height x width x 3, uint8, BGR, of any size. It is not changed.
        faces : sequence of ObservedFace
            With boxes in pixels of `image`; they may reach outside it. Where room is short, the first faces have it.
        rates : Rates
            Shown as ``total`` (a rate) and as the capacity of the classification and the detection.
        age : float, optional
            Seconds between the image that was analysed and this one. Above `STALE_AFTER` it is written on the
            image, and the boxes are dimmed, since they are no longer where the faces are.
        notice : str, optional
            A message at the top; lines are separated by line feeds. What is not ASCII is shown as ``?``.

        Returns
        -------
        Image
            A new image of the same size.
        """
        canvas: Image = np.array(image, dtype=np.uint8, order="C", copy=True)
        height, width = canvas.shape[:2]
        style = style_for(min(height, width))
        figures = fps_lines(Rect(0, 0, width, height), style, rates)
        stale = age is not None and age > STALE_AFTER
        self.paint(canvas, faces, style, notice_lines(age, notice), figures, stale)
        return canvas

    def paint(
        self,
        canvas: Image,
        faces: Sequence[ObservedFace],
        style: Style,
        top: Sequence[Line],
        bottom: Sequence[Line],
        stale: bool = False,
        scale: float = 1.0,
    ) -> None:
        """Draw in place onto an image that may be a part of another one.

        Parameters
        ----------
        canvas : Image
            Height x width x 3; the pixels of a row must lie side by side. Under 16 pixels high or wide it is left alone.
        faces : sequence of ObservedFace
            With boxes in pixels of the frame.
        style : Style
            Of all text but the bars', which is smaller, and of plates that would not fit.
        top, bottom : sequence of Line
            What stands on the plates in the left corners; no plate where there are no lines.
        stale : bool
            The faces are no longer where the boxes are, so these are dimmed.
        scale : float
            Pixels of the canvas for one of the frame.
        """
        height, width = canvas.shape[:2]
        if min(height, width) < 16:
            return
        frame = Rect(0, 0, width, height)
        taken: List[Rect] = []
        plates: List[Tuple[Rect, Style, Sequence[Line]]] = []
        for lines, at_bottom in ((bottom, True), (top, False)):
            if lines:
                rect, fitted = plate_for(frame, style, lines, at_bottom)
                taken.append(rect)
                plates.append((rect, fitted, lines))

        placed = [
            (face.steady, box) for face in faces for box in [_pixels(face.face.box, frame, scale)] if box is not None
        ]
        chips = []
        for expression, box in placed:
            draw_box(canvas, box, style, face_colour(expression, stale), expression.uncertain)
            chips.append(_place_chip(frame, box, style, expression, taken))
            taken.append(chips[-1])
        if self.bars:
            self._draw_bars(canvas, frame, style, placed, taken, stale)
        for (expression, _), chip in zip(placed, chips):
            draw_chip(canvas, chip, style, expression, stale)
        for rect, fitted, lines in plates:
            draw_lines(canvas, rect, fitted, lines)

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
                    draw_panel(canvas, panel, small, expression, stale)
                    break


def _pixels(box: Box, frame: Rect, scale: float) -> Optional[Rect]:
    """Return the box in whole pixels, or None when nothing of it can be seen."""
    if not all(math.isfinite(value) for value in box) or box.width <= 0 or box.height <= 0:
        return None
    box = Box(*(scale * value for value in box))
    # An edge far outside is moved to just outside: it stays unseen, and OpenCV's integers do not overflow.
    margin = 2 * max(frame.right, frame.bottom)
    left, right = (round(max(-margin, min(x, frame.right + margin))) for x in (box.x, box.x + box.width))
    top, bottom = (round(max(-margin, min(y, frame.bottom + margin))) for y in (box.y, box.y + box.height))
    rect = Rect(left, top, max(right, left + 1), max(bottom, top + 1))
    return rect if rect.meets(frame) else None


def _place_chip(frame: Rect, box: Rect, style: Style, expression: Expression, taken: Sequence[Rect]) -> Rect:
    """Find room for the label: above the face, below it, or in its upper or lower edge; never outside the image."""
    width = style.width(chip_text(expression)) + 2 * style.padding
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
