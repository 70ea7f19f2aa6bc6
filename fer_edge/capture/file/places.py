"""Which files are images, by their names; to ask loads no decoder."""

from __future__ import annotations

import glob
import os

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2")
"""Endings of names, in lower case."""


def is_image_place(text: str) -> bool:
    """Return whether `text` names images: by the name's ending, as a folder, or as a pattern."""
    place = os.path.expanduser(text)
    if os.path.isdir(place) or place.lower().endswith(SUFFIXES):
        return True
    return not os.path.exists(place) and glob.has_magic(place)
