"""How large an image may be. What a file or a camera says of its size is not believed before memory is taken for it."""

from __future__ import annotations

import os

LARGEST = 32766
"""Pixels along one side: what the detectors take, as OpenCV's warps count in 16 bits."""

USUAL_MOST_PIXELS = 1 << 26
"""67 million, twice 8K. A decoder takes up to 16 bytes for each while it works: a gigabyte, which a board still has."""

LIMIT_VARIABLE = "OPENCV_IO_MAX_IMAGE_PIXELS"
"""The environment variable that raises or lowers it, for OpenCV as well, which reads it by itself."""


def _most_pixels() -> int:
    asked = os.environ.get(LIMIT_VARIABLE, "").strip()
    return int(asked) if asked.isascii() and asked.isdecimal() and 0 < int(asked) < 1 << 40 else USUAL_MOST_PIXELS


MOST_PIXELS = _most_pixels()
"""Of one image."""


def fits(width: int, height: int) -> bool:
    """Return whether an image of this size can be taken."""
    return 0 < width <= LARGEST and 0 < height <= LARGEST and width * height <= MOST_PIXELS


def why_not(width: int, height: int) -> str:
    """Return why an image of this size is not taken, and what can be done, for people."""
    if width <= 0 or height <= 0:
        return "it says that it has no pixels"
    if max(width, height) > LARGEST:
        return f"it is too large: {width} x {height} pixels, where {LARGEST} along a side are the most"
    return (
        f"it is too large: {width} x {height} are {width * height / 1e6:.0f} million pixels, where {MOST_PIXELS / 1e6:.0f} "
        f"million are the most; {LIMIT_VARIABLE}={width * height} in the environment raises that"
    )
