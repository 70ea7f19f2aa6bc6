"""Which files a text names, and which of them are images; to ask loads no decoder."""

from __future__ import annotations

import glob
import os
from typing import List

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2")
"""Endings of names, in lower case."""


def meant(text: str) -> str:
    """Return the text of a source without the spaces around it, unless a file is called so."""
    return text if os.path.exists(path_of(text)) else text.strip()


def path_of(text: str) -> str:
    """Return the path that the text of a source means: a ``~`` at its beginning is a home folder."""
    # Path.expanduser raises for a user who is not there.
    return os.path.expanduser(text)


def is_image_place(text: str) -> bool:
    """Return whether `text` names images: by the name's ending, as a folder, or as a pattern."""
    place = path_of(text)
    if os.path.isdir(place) or place.lower().endswith(SUFFIXES):
        return True
    return not os.path.exists(place) and glob.has_magic(place)


def image_files(place: str) -> List[str]:
    """Return the files that an image, a folder or a pattern stands for, in no order; none where there is none.

    Of a folder they are its images; folders and pipes, whose reading would never end, are left out, and a link to nowhere is
    not, so that it can be named.

    Raises
    ------
    OSError
        A folder cannot be read.
    """
    if os.path.isdir(place):
        named = [entry for entry in os.listdir(place) if os.path.splitext(entry)[1].lower() in SUFFIXES]
        paths = [os.path.join(place, name) for name in named]
        return [path for path in paths if os.path.isfile(path) or not os.path.exists(path)]
    if os.path.exists(place):
        return [place] if os.path.isfile(place) else []
    return [name for name in glob.glob(place, recursive=True) if os.path.isfile(name)]
