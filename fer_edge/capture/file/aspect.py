"""The shape in which a player shows a video whose pixels are not square."""

from __future__ import annotations

from typing import Tuple

_MOST = 10.0
"""Times as wide as high, or as high as wide; pixels that claim more are taken for square."""

_SQUARE = 0.01


def shown_size(width: int, height: int, pixel_width: float, pixel_height: float) -> Tuple[int, int]:
    """Return the size of the image with square pixels: one side is stretched, and none loses pixels.

    Parameters
    ----------
    width, height : int
        Of the decoded image, in pixels.
    pixel_width, pixel_height : float
        How wide and how high one pixel is, in the same unit; 0 where it is not known (ITU-T H.264, E.2.1, ``sar_width``).
    """
    if not (pixel_width > 0 and pixel_height > 0):
        return width, height
    ratio = pixel_width / pixel_height
    if not 1 / _MOST <= ratio <= _MOST or abs(ratio - 1) < _SQUARE:
        return width, height
    return (round(width * ratio), height) if ratio > 1 else (width, round(height / ratio))
