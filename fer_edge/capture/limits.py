"""How large an image may be. What a file or a camera says of its size is not believed before memory is taken for it."""

from __future__ import annotations

LARGEST = 32766
"""Pixels along one side: what the detectors take, as OpenCV's warps count in 16 bits."""

MOST_PIXELS = 1 << 26
"""67 million, twice 8K. A decoder takes up to 16 bytes for each while it works: a gigabyte, which a board still has."""


def fits(width: int, height: int) -> bool:
    """Return whether an image of this size can be taken."""
    return 0 < width <= LARGEST and 0 < height <= LARGEST and width * height <= MOST_PIXELS
