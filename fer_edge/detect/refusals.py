"""Places where a second look found no face: a texture that looks like one is not to be looked at again and again."""

from __future__ import annotations

from typing import List, NamedTuple, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.detect.known_faces import SAME_HEAD
from fer_edge.types import Box, Face, Image

REFUSED = 0.4
"""Seconds for which no further look is taken at a place: else it would keep all others waiting."""

UNCHANGED = 5.0
"""The same where the image there stays as it was. Not for ever: a look may have missed somebody who sits still."""

SURER = 0.15
"""By so much better a score is a reason to look again before that: the place lies better to the network's grid now."""

DIFFERENT = 5.0
"""Mean difference of brightness, of 255, of a place in `SIDE` x `SIDE` squares from which on it has changed; the noise of a
sensor is averaged away in these."""

SIDE = 8
"""Squares along each side of a place."""

MOST = 256
"""Places that are remembered, the last ones."""


class _Refusal(NamedTuple):
    at: float
    face: Face
    shown: NDArray[np.int16]


class Refusals:
    """The places of one camera, at most `MOST`. Times are in seconds, and may go on only.

    Examples
    --------
    >>> refusals, wall = Refusals(), np.zeros((90, 90, 3), np.uint8)
    >>> stain = Face(Box(20, 20, 30, 30), 0.3, {})
    >>> refusals.add([stain], wall, at=1.0)
    >>> refusals.hold(stain, wall, at=3.0), refusals.hold(stain, wall + np.uint8(90), at=3.0)
    (True, False)
    """

    def __init__(self) -> None:
        self._all: List[_Refusal] = []
        self._corners: NDArray[np.float64] = np.zeros((0, 4))

    def add(self, faces: Sequence[Face], image: Image, at: float) -> None:
        """Remember where no face was found after all; forget what is too old or too much."""
        new = [_Refusal(at, face, _shown(image, face.box)) for face in faces]
        self._all = [*(one for one in self._all if at - one.at < UNCHANGED), *new][-MOST:]
        self._corners = np.array(
            [(box.x, box.y, box.x + box.width, box.y + box.height) for box in (one.face.box for one in self._all)]
        ).reshape(-1, 4)

    def hold(self, candidate: Face, image: Image, at: float) -> bool:
        """Return whether a candidate lies where a look was in vain, so that another would be as well."""
        return any(
            at - one.at < REFUSED
            or (
                at - one.at < UNCHANGED
                and candidate.score < one.face.score + SURER
                and float(np.abs(_shown(image, one.face.box) - one.shown).mean()) < DIFFERENT
            )
            for one in (self._all[index] for index in self._near(candidate.box))
        )

    def clear(self) -> None:
        """Forget all."""
        self._all = []
        self._corners = np.zeros((0, 4))

    def _near(self, box: Box) -> Sequence[int]:
        """Return the indices of the places that are on one head with a box, as `known_faces.on_one_head` has it."""
        left, top, right, bottom = self._corners.T
        across = np.minimum(right, box.x + box.width) - np.maximum(left, box.x)
        down = np.minimum(bottom, box.y + box.height) - np.maximum(top, box.y)
        smaller = np.minimum((right - left) * (bottom - top), box.width * box.height)
        shared: NDArray[np.intp] = np.flatnonzero((across > 0) & (down > 0) & (across * down > SAME_HEAD * smaller))
        return [int(index) for index in shared]


def _shown(image: Image, box: Box) -> NDArray[np.int16]:
    """Return what a place shows, coarsely."""
    columns, rows = _within(box.x, box.width, image.shape[1]), _within(box.y, box.height, image.shape[0])
    green = np.ascontiguousarray(image[rows, columns, 1])
    shown: NDArray[np.int16] = cv2.resize(green, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    return shown


def _within(first: float, size: float, length: int) -> slice:
    start = min(max(int(first), 0), length - 1)
    return slice(start, max(start + 1, min(int(first + size), length)))
