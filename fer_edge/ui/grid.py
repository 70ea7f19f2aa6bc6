"""Draws several cameras into one image, and of these only what changed."""

from __future__ import annotations

from typing import Dict, Hashable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from fer_edge.types import Image
from fer_edge.ui.drawing import WHITE, Line, Rect, draw_lines, plate_for
from fer_edge.ui.layout import SMALLEST_CELL, Layout, Size, arranged
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import BACKGROUND, Pane, draw_image, draw_title
from fer_edge.ui.wording import printable

KEYS_FOR_CAMERAS = 9
"""The first cameras have a number key each."""

USUAL = 16 / 9
"""The proportion that is assumed of an image while none of any camera is known."""


class Numbered(NamedTuple):
    """A camera and its place among all, from 0."""

    place: int
    pane: Pane

    @property
    def key(self) -> Optional[int]:
        """Return the number key that enlarges it."""
        return self.place + 1 if self.place < KEYS_FOR_CAMERAS else None


class Grid:
    """Keeps an image of several cameras and brings it up to date.

    Parameters
    ----------
    overlay : Overlay
        Draws what was seen, in cells with smaller text.
    """

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._layout: Layout = arranged([USUAL], SMALLEST_CELL)
        self._canvas: Image = np.empty((0, 0, 3), np.uint8)
        self._planned: Hashable = None
        self._drawn: Dict[Tuple[int, str], Hashable] = {}
        self._notice = ""

    def draw(self, panes: Sequence[Numbered], size: Size, notice: str = "") -> Optional[Image]:
        """Draw what changed since the last call.

        Parameters
        ----------
        panes : sequence of Numbered
            At least one. One that is alone is shown with the figures of all stages.
        size : tuple of int
            Of the window.
        notice : str
            Lines to show in the middle, over everything.

        Returns
        -------
        Image or None
            In the proportions of `size`; valid until the next call. None where nothing changed.
        """
        changed = self._plan(panes, size) or notice != self._notice
        self._notice = notice
        style = self._layout.style
        for camera, cell in zip(panes, self._layout.cells):
            place, pane = camera
            if self._is_new(place, "title", (pane.name, pane.state, bool(pane.trouble))):
                draw_title(self._canvas, cell, style, camera.key, pane)
                changed = True
            if self._is_new(place, "image", (pane.version, self._overlay.bars)):
                draw_image(self._canvas, cell, style, pane, self._overlay, figures=len(panes) == 1)
                changed = True
        if not changed:
            return None
        return self._with_notice() if notice else self._canvas

    def _plan(self, panes: Sequence[Numbered], size: Size) -> bool:
        """Choose where everything lies, and say whether that is another place than before."""
        planned = (size, tuple(place for place, _ in panes), tuple(pane.proportion for _, pane in panes))
        if planned == self._planned:
            return False
        self._planned = planned
        self._layout = arranged(proportions([pane for _, pane in panes]), size)
        self._canvas = np.full((self._layout.height, self._layout.width, 3), BACKGROUND, np.uint8)
        self._drawn.clear()
        return True

    def _is_new(self, place: int, what: str, version: Hashable) -> bool:
        if self._drawn.get((place, what)) == version:
            return False
        self._drawn[place, what] = version
        return True

    def _with_notice(self) -> Image:
        canvas: Image = self._canvas.copy()
        height, width = canvas.shape[:2]
        lines: Sequence[Line] = [((printable(line), WHITE),) for line in self._notice.split("\n")]
        corner, style = plate_for(Rect(0, 0, width, height), self._layout.style, lines, at_bottom=False)
        left, top = (width - corner.width) // 2, (height - corner.height) // 2
        draw_lines(canvas, Rect(left, top, left + corner.width, top + corner.height), style, lines)
        return canvas


def proportions(panes: Sequence[Pane]) -> Tuple[float, ...]:
    """Return width / height of each camera's image; one that has given none is assumed to be like the first that has."""
    known = [pane.proportion for pane in panes]
    usual = next((each for each in known if each is not None), USUAL)
    return tuple(usual if each is None else each for each in known)
