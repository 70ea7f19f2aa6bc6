"""A source of your own: a photograph that a made-up camera moves over. Give `watch` yours in its place."""

from __future__ import annotations

from typing import Optional

import cv2

import fer_edge
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.types import Image


class MovingPhotograph(fer_edge.Source):
    """Shows 40 windows of a photograph, each four pixels further to the right."""

    live = False  # Every image matters, as in a file. A camera is live: when the program is late, the newest is taken.

    def open(self) -> fer_edge.SourceInfo:
        self._photograph = cv2.imread(str(PORTRAIT))
        self._shown = 0
        return fer_edge.SourceInfo("a photograph", width=352, height=352, fps=25.0)

    def grab(self) -> Optional[bool]:
        self._shown += 1
        return self._shown <= 40  # False ends the run; None would mean: nothing yet, ask again.

    def retrieve(self) -> Image:
        left = 4 * (self._shown - 1)
        return self._photograph[:352, left : left + 352].copy()

    def close(self) -> None:
        self._photograph = None


for observation in fer_edge.watch(MovingPhotograph()):
    for seen in observation.faces:
        print(observation.frame.index, seen.expression.label, f"at x = {seen.face.box.x:.0f}")
