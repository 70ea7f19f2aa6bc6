"""From images to what encoders of H.264 take, and what players are told of the colours."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from fer_edge.types import Image

PRIMARIES, TRANSFER, MATRIX = 1, 1, 6
"""Code points of ITU-T H.273: red, green, blue and brightness as BT.709 has them, which screens do too; the matrix of BT.601,
as that is OpenCV's. Of a limited range."""

NAMES = {"colorspace": "smpte170m", "color_range": "tv", "color_primaries": "bt709", "color_trc": "bt709"}
"""The same as FFmpeg's encoders call it."""


def planes(image: Image) -> Image:
    """Return an image of even sides as its luma and, at half of width and height, its two chromas: 1.5 x height rows (I420).

    OpenCV's conversion is that of BT.601, with luma from 16 to 235.
    """
    return cast(Image, cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420))


def packed(image: Image, align: int = 1) -> bytes:
    """Return the planes of an image, one after the other, each row at a multiple of `align` bytes."""
    both = planes(image)
    height, width = image.shape[:2]
    if width % (2 * align) == 0:
        return both.tobytes()
    luma, chroma = both[:height], both[height:].reshape(height, width // 2)
    return b"".join(np.pad(plane, ((0, 0), (0, -plane.shape[1] % align))).tobytes() for plane in (luma, chroma))
