"""Draws what was seen onto an image: boxes, numbers, expressions, probability bars, traces and the FPS figures.

All sizes follow the shorter side of the image, so that a 320 x 240 camera and a 4K one look alike.
Text stands on plates that darken what is beneath, so that it can be read over any background.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np

from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.types import Image, ObservedFace, Rates
from fer_edge.ui.drawing import Line, Rect, Style, draw_lines, plate_for, smaller, style_for
from fer_edge.ui.faces import draw_box, draw_chip, draw_panel, draw_trace, face_colour
from fer_edge.ui.placing import Placed, place_faces
from fer_edge.ui.regions import draw_search, least_plate
from fer_edge.ui.trace import Trace
from fer_edge.ui.wording import STALE_AFTER, fps_lines, notice_lines

_NO_TRACES: Mapping[int, Trace] = MappingProxyType({})


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
        hidden: Sequence[ObservedFace] = (),
        traces: Mapping[int, Trace] = _NO_TRACES,
        search: Search = EVERYTHING,
    ) -> Image:
        """Draw one image.

        Parameters
        ----------
        image : Image
            Height x width x 3, uint8, BGR, of any size. It is not changed.
        faces : sequence of ObservedFace
            With boxes in pixels of `image`; they may reach outside it. Where room is short, those in view longest have it.
        rates : Rates
            Shown as ``total`` (a rate) and as the capacity of the classification and the detection.
        age : float, optional
            Seconds between the image that was analysed and this one. Above `STALE_AFTER` it is written on the
            image, and the boxes are dimmed, since they are no longer where the faces are.
        notice : str, optional
            A message at the top; lines are separated by line feeds. What is not ASCII is shown as ``?``.
        hidden : sequence of ObservedFace, optional
            Faces that were not found and are waited for. They are drawn as the others and blended into the image, the more the
            longer they are away (`Track.fade`).
        traces : mapping of int to Trace, optional
            By the ids of tracks: what is drawn as a thin line under the faces that have them.
        search : Search, optional
            What the search was restricted to, drawn beneath everything else; nothing where it was not.

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
        self.paint(canvas, faces, style, notice_lines(age, notice), figures, stale, 1.0, hidden, traces, search)
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
        hidden: Sequence[ObservedFace] = (),
        traces: Mapping[int, Trace] = _NO_TRACES,
        search: Search = EVERYTHING,
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
        hidden, traces, search
            As of `draw`.
        """
        height, width = canvas.shape[:2]
        if min(height, width) < 16:
            return
        if search:
            draw_search(canvas, search, style, scale)
        frame = Rect(0, 0, width, height)
        taken: List[Rect] = []
        plates: List[Tuple[Rect, Style, Sequence[Line]]] = []
        for lines, at_bottom in ((bottom, True), (top, False)):
            if lines:
                rect, fitted = plate_for(frame, style, lines, at_bottom)
                taken.append(rect)
                plates.append((rect, fitted, lines))

        least = least_plate(width, height, search, style, scale)
        if least is not None and not any(least[0].meets(rect) for rect, _, _ in plates):
            plates.append((least[0], style, [least[1]]))
        rects = [rect for rect, _, _ in plates]
        placed = place_faces(frame, style, faces, hidden, scale, rects, traces.keys(), self.bars)
        for one in placed:
            if one.fade > 0:
                _draw_fading(canvas, one, style, stale, traces)
        found = [one for one in placed if one.fade <= 0]
        for one in found:
            draw_box(canvas, one.box, style, face_colour(one.seen.steady, stale), one.seen.steady.uncertain)
        for one in found:
            if one.bars is not None:
                draw_panel(canvas, one.bars, smaller(style), one.seen.steady, stale)
        for one in found:
            _draw_words(canvas, one, style, stale, traces)
        for rect, fitted, lines in plates:
            draw_lines(canvas, rect, fitted, lines)


def _draw_words(canvas: Image, one: Placed, style: Style, stale: bool, traces: Mapping[int, Trace]) -> None:
    """Draw a face's trace, where it has one, and its label."""
    if one.trace is not None and one.seen.track is not None:
        draw_trace(canvas, one.trace, style, traces[one.seen.track.id], face_colour(one.seen.steady, stale))
    draw_chip(canvas, one.chip, one.seen, stale)


def _draw_fading(canvas: Image, one: Placed, style: Style, stale: bool, traces: Mapping[int, Trace]) -> None:
    """Draw a face that was not found, as far as it has not faded yet."""
    edge = 4 * style.stroke + 2
    rects = [rect for rect in (one.box, one.chip.rect, one.trace, one.bars) if rect is not None]
    left, top = (max(0, min(rect[side] for rect in rects) - edge) for side in (0, 1))
    right, bottom = (max(rect[side] for rect in rects) + edge for side in (2, 3))
    part = canvas[top:bottom, left:right]
    before = part.copy()
    draw_box(canvas, one.box, style, face_colour(one.seen.steady, stale), one.seen.steady.uncertain)
    if one.bars is not None:
        draw_panel(canvas, one.bars, smaller(style), one.seen.steady, stale)
    _draw_words(canvas, one, style, stale, traces)
    cv2.addWeighted(before, one.fade, part, 1 - one.fade, 0, dst=part)
