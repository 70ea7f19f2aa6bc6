"""Whether a part of a frame shows something else than when it was last looked at."""

from __future__ import annotations

import math
from typing import Any, List, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_edge.detect.parts import Part
from fer_edge.types import Box, Image

SAMPLES = 160
"""Pixels that are compared along the longer side of a frame: a face of a sixty-fourth of it holds six."""

LEAST = 12.0
"""Difference of brightness, of 255, that counts where there is no noise."""

NOISE = 6.0
"""Times the median difference that a change must have: where that is noise, 1 of 20,000 samples reaches it by chance."""

CHANGED = 3
"""Samples that must differ; fewer are noise."""


class ChangeFinder:
    """Compares the parts of frames of one size with what they showed at the last look.

    Parameters
    ----------
    width, height : int
        Of the frames, in pixels.
    parts : sequence of Part
        That are told of.
    """

    def __init__(self, width: int, height: int, parts: Sequence[Part]) -> None:
        self._step = max(1, math.ceil(max(width, height) / SAMPLES))
        self._windows = [
            tuple(
                slice(first // self._step, max(first // self._step + 1, math.ceil(last / self._step)))
                for first, last in ends
            )
            for ends in (((part.top, part.bottom), (part.left, part.right)) for part in parts)
        ]
        self._now: NDArray[np.int16] = np.zeros((0, 0), np.int16)
        self._seen: List[Optional[NDArray[np.int16]]] = [None] * len(parts)

    def changed(self, image: Image, known: Sequence[Box] = ()) -> List[bool]:
        """Return for each part whether it changed since `looked` was told of it; True where that never was.

        Parameters
        ----------
        image : Image
            Of the size that was told.
        known : sequence of Box
            Faces that are known: what changes there, and half a face around, is no new one.
        """
        self._now = image[:: self._step, :: self._step, 1].astype(np.int16)
        told = np.ones(self._now.shape, bool)
        for x, y, width, height in known:
            rows, columns = (
                slice(*(max(0, int(at / self._step)) for at in (first - size / 2, first + 1.5 * size)))
                for first, size in ((y, height), (x, width))
            )
            told[rows, columns] = False
        return [
            seen is None or _differ(self._now[window], seen, told[window])
            for window, seen in zip(self._windows, self._seen)
        ]

    def looked(self, part: int) -> None:
        """Say that a part is looked at in the image that `changed` was last asked about."""
        self._seen[part] = self._now[self._windows[part]]


def _differ(now: NDArray[Any], seen: NDArray[Any], told: NDArray[Any]) -> bool:
    difference = np.abs(now - seen)
    # A median of all would take longer than everything else here.
    noise = float(np.median(difference[::3, ::3]))
    if noise > LEAST:
        # More than half of the part differs: it moves as a whole, or the light does.
        return True
    return int(np.count_nonzero(told & (difference > max(LEAST, NOISE * noise)))) >= CHANGED
