"""Whether a video was cut between two frames, so that what follows is another scene with other people.

Two frames are compared by a thumbnail of 16 x 12 values. What counts is whether light and dark places are the same
(correlation), not how light they are: lamps and exposure change all values alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.types import Image

ACROSS, DOWN = 16, 12
"""Values of a thumbnail."""

SAMPLES = 3
"""Pixels that are read for each, across and down: enough against noise, and 1728 of a frame of any size."""

SAME_SCENE = 0.5
"""Correlation from which on two frames are of one scene. On clips of real faces and the demo, frames of a scene a quarter
of a second apart have 0.86 or more; a head that comes to fill nine tenths of the height between two frames leaves 0.63, a
camera that is turned by a fourteenth of its view 0.62. Of pairs from different scenes nine tenths lie below. Those above
show other people in the same room, sitting in the same place: such a cut is not seen."""

FLAT = 4.0
"""Standard deviation, of 255: less is a dark room, a covered lens or a fade, which says nothing of the scene."""


@dataclass(frozen=True)
class Glimpse:
    """As much of a frame as it takes to find a cut, so that the frame itself need not be kept.

    Attributes
    ----------
    size : tuple of int
        Height and width of the image.
    sums : NDArray or None
        12 x 16 sums of samples, whole numbers from 0 to 2295; None of an image that is too small for them.
    """

    size: Tuple[int, int]
    sums: Optional[NDArray[np.float32]]


class CutFinder:
    """Compares each frame with the one before that had something to see.

    Examples
    --------
    >>> import numpy as np
    >>> scene = np.random.default_rng(0).integers(0, 256, (12, 16, 1), np.uint8).repeat(40, 0).repeat(40, 1).repeat(3, 2)
    >>> finder = CutFinder()
    >>> [finder.is_cut(image) for image in (scene, scene // 2 + 60, scene[::-1])]
    [False, False, True]
    """

    def __init__(self) -> None:
        self._size: Tuple[int, int] = (0, 0)
        self._before: Optional[NDArray[np.float32]] = None

    def is_cut(self, image: Image) -> bool:
        """Return whether an image begins another scene than that of the images before; also where it has another size."""
        return self.cuts(glimpse_of(image))

    def cuts(self, glimpse: Glimpse) -> bool:
        """Return what `is_cut` does of the image that somebody had a glimpse of."""
        size = glimpse.size
        now = None if glimpse.sums is None else _scaled(glimpse.sums)
        if size != self._size:
            resized = self._size != (0, 0)
            self._size, self._before = size, now
            return resized
        if now is None:
            return False
        before, self._before = self._before, now
        return before is not None and float(np.vdot(before, now)) < SAME_SCENE


def glimpse_of(image: Image) -> Glimpse:
    """Return what is needed of an image, which is read at few pixels and in its green channel only."""
    return Glimpse((image.shape[0], image.shape[1]), _sums(image))


def thumbnail(image: Image) -> Optional[NDArray[np.float32]]:
    """Return the thumbnail of an image, 12 x 16 values of mean 0 and length 1; None where there is nothing to compare.

    Parameters
    ----------
    image : Image
        Read at few pixels and in its green channel only, which is nearest to brightness.
    """
    sums = _sums(image)
    return None if sums is None else _scaled(sums)


def _sums(image: Image) -> Optional[NDArray[np.float32]]:
    rows, columns = DOWN * SAMPLES, ACROSS * SAMPLES
    step_down, step_across = image.shape[0] // rows, image.shape[1] // columns
    if not step_down or not step_across:
        return None
    sampled = image[step_down // 2 :: step_down, step_across // 2 :: step_across, 1][:rows, :columns]
    # Sums, and not means: half the time, and what is left is scaled anyway.
    sums: NDArray[np.float32] = sampled.reshape(DOWN, SAMPLES, ACROSS, SAMPLES).sum((1, 3), dtype=np.float32)
    return sums


def _scaled(sums: NDArray[np.float32]) -> Optional[NDArray[np.float32]]:
    values = sums.copy()
    values -= values.sum() / values.size
    length = float(np.sqrt(np.vdot(values, values)))
    if length < FLAT * SAMPLES**2 * (ACROSS * DOWN) ** 0.5:
        return None
    values /= length
    return values
