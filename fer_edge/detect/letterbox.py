"""Fits a picture of any size into a network's square input, and brings points back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.types import Image


@dataclass(frozen=True)
class Placement:
    """Where a picture lies inside a square: scaled without distortion, centred, black around it.

    Attributes
    ----------
    left, top, width, height : int
        The part of the square that the picture fills, in pixels of the square.
    scale_x, scale_y : float
        Pixels of the picture for one pixel of the square. They differ by less than what rounding to whole pixels costs.
    """

    left: int
    top: int
    width: int
    height: int
    scale_x: float
    scale_y: float

    @classmethod
    def of(cls, width: int, height: int, side: int) -> Placement:
        """Place a picture of `width` x `height` pixels in a square of `side` pixels."""
        scale = side / max(width, height)
        inner_width = max(1, round(width * scale))
        inner_height = max(1, round(height * scale))
        return cls(
            left=(side - inner_width) // 2,
            top=(side - inner_height) // 2,
            width=inner_width,
            height=inner_height,
            scale_x=width / inner_width,
            scale_y=height / inner_height,
        )

    def to_picture(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Map points of the square, N x 2 in its pixels, to pixels of the picture."""
        return (np.asarray(points, np.float64) - (self.left, self.top)) * (self.scale_x, self.scale_y)

    def to_square(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Map points of the picture, N x 2 in its pixels, to pixels of the square: the inverse of `to_picture`."""
        return np.asarray(points, np.float64) / (self.scale_x, self.scale_y) + (self.left, self.top)


class Letterbox:
    """Writes pictures into a square float buffer that is used again for every picture.

    Parameters
    ----------
    side : int
        Width and height of the network's input.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self._square = np.zeros((side, side, 3), np.uint8)
        self._planes = self._square.transpose(2, 0, 1)
        self._tensor = np.zeros((1, 3, side, side), np.float32)
        self._shape: Tuple[int, int] = (0, 0)
        self._placement = Placement.of(side, side, side)
        self._inside = self._square

    def fit(self, image: Image) -> Tuple[NDArray[np.float32], Placement]:
        """Resize `image`, channels first.

        Returns
        -------
        tensor : NDArray[np.float32]
            1 x 3 x side x side, from 0 to 255, in the channel order of `image`. Valid until the next call.
        placement : Placement
            Where the picture lies in it.

        Raises
        ------
        ValueError
            `image` is not H x W x 3 of uint8, or is empty.
        """
        check_image(image)
        height, width = image.shape[:2]
        if (height, width) != self._shape:
            self._shape = (height, width)
            place = self._placement = Placement.of(width, height, self._side)
            self._square[:] = 0
            self._inside = self._square[place.top : place.top + place.height, place.left : place.left + place.width]
        inner = (self._placement.width, self._placement.height)
        cv2.resize(image, inner, dst=self._inside, interpolation=cv2.INTER_LINEAR)
        np.copyto(self._tensor[0], self._planes)
        return self._tensor, self._placement


def check_image(image: Image) -> None:
    """Refuse what no detector can take.

    Raises
    ------
    ValueError
        `image` is not H x W x 3 of uint8, or is empty.
    """
    shape = getattr(image, "shape", None)
    if shape is None or len(shape) != 3 or shape[2] != 3 or 0 in shape or image.dtype != np.uint8:
        found = type(image).__name__ if shape is None else f"shape {tuple(shape)} of {image.dtype}"
        raise ValueError(f"a detector takes a picture of shape (height, width, 3) of uint8, not {found}")
