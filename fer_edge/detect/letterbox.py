"""Fits an image of any size into a network's square input, and brings points back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.types import Image

LARGEST = 32766
"""Pixels along one side; OpenCV's warps count in 16 bits."""


@dataclass(frozen=True)
class Placement:
    """Where an image lies inside a square: scaled without distortion, centred, black around it.

    Attributes
    ----------
    scale : float
        Pixels of the image for one pixel of the square.
    left, top : float
        Where the square's pixel (0, 0) lies left of and above the image's, in pixels of the image.
    """

    scale: float
    left: float
    top: float

    @classmethod
    def of(cls, width: int, height: int, side: int, centred: bool = False) -> Placement:
        """Place an image of `width` x `height` pixels in a square of `side` pixels; see `Letterbox`."""
        longest = max(width, height)
        scale = longest / side
        shift = (scale - 1.0) / 2 if centred else 0.0
        return cls(scale=scale, left=(longest - width) / 2 - shift, top=(longest - height) / 2 - shift)

    def to_image(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Map points of the square, N x 2 in its pixels, to pixels of the image."""
        return np.asarray(points, np.float64) * self.scale - (self.left, self.top)


class Letterbox:
    """Writes images into a square float buffer that is used again for every image.

    Parameters
    ----------
    side : int
        Width and height of the network's input.
    centred : bool
        Sample at the middle of each pixel of the square, as ``cv2.resize`` does. Otherwise at its corner, as mediapipe's
        ``ImageToTensorCalculator`` does on the CPU with ``keep_aspect_ratio`` and ``BORDER_ZERO``. Both are bilinear.
    """

    def __init__(self, side: int, centred: bool = False) -> None:
        self._side = side
        self._centred = centred
        self._square = np.zeros((side, side, 3), np.uint8)
        self._planes = self._square.transpose(2, 0, 1)
        self._tensor = np.zeros((1, 3, side, side), np.float32)

    def fit(self, image: Image) -> Tuple[NDArray[np.float32], Placement]:
        """Resize `image`, channels first.

        Returns
        -------
        tensor : NDArray[np.float32]
            1 x 3 x side x side, from 0 to 255, in the channel order of `image`. Valid until the next call.
        placement : Placement
            Where the image lies in it.

        Raises
        ------
        ValueError
            See `check_image`.
        """
        check_image(image)
        place = Placement.of(image.shape[1], image.shape[0], self._side, self._centred)
        if image.shape[:2] == (1, 1):
            # OpenCV 4.5 cannot warp a single pixel.
            image = np.broadcast_to(image, (2, 2, 3)).copy()
        matrix = np.array([[place.scale, 0.0, -place.left], [0.0, place.scale, -place.top]])
        cv2.warpAffine(
            image, matrix, (self._side, self._side), dst=self._square, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        )
        np.copyto(self._tensor[0], self._planes)
        return self._tensor, place


def check_image(image: Image) -> None:
    """Refuse what no detector can take.

    Raises
    ------
    ValueError
        `image` is not H x W x 3 of uint8, is empty, or has a side of more than `LARGEST` pixels.
    """
    shape = getattr(image, "shape", None)
    if shape is None or len(shape) != 3 or shape[2] != 3 or 0 in shape or image.dtype != np.uint8:
        found = type(image).__name__ if shape is None else f"shape {tuple(shape)} of {image.dtype}"
        raise ValueError(f"a detector takes a picture of shape (height, width, 3) of uint8, not {found}")
    if max(shape) > LARGEST:
        raise ValueError(f"a detector takes pictures of up to {LARGEST} pixels a side, not {shape[1]} x {shape[0]}")
