"""Which files a text names, and which of them are images; to ask loads no decoder."""

from __future__ import annotations

import glob
import os
from typing import List, NamedTuple, Tuple

from fer_edge.capture.file.signature import HEAD, picture_kind
from fer_edge.system.regular_file import open_regular

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".heic", ".heif", ".hif", ".avif"),
    *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2"),
)
"""Endings of names of pictures, in lower case."""

FOREIGN_SUFFIXES = (
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"),
    *(".svg", ".psd", ".xcf", ".jxl", ".ico", ".tga", ".exr", ".hdr", ".eps"),
)
"""Endings of pictures that are not read, of cameras (raw) and of drawing programs; some hold a small preview that could be."""


class Found(NamedTuple):
    """What a text names.

    Attributes
    ----------
    pictures : list of str
        Paths, in no order.
    others : int
        How many files of a folder are no pictures.
    base : str
        The folder that the paths are told from; empty, or with a slash at its end.
    """

    pictures: List[str]
    others: int
    base: str


def meant(text: str) -> str:
    """Return the text of a source without the spaces around it, unless a file is called so."""
    return text if os.path.exists(path_of(text)) else text.strip()


def path_of(text: str) -> str:
    """Return the path that the text of a source means: a ``~`` at its beginning is a home folder."""
    # Path.expanduser raises for a user who is not there.
    return os.path.expanduser(text)


def is_image_place(text: str) -> bool:
    """Return whether `text` names images: as a folder or a pattern, or by the file's ending or content."""
    place = path_of(text)
    if os.path.isdir(place) or place.lower().endswith((*SUFFIXES, *FOREIGN_SUFFIXES)):
        return True
    return _is_picture(place) or (not os.path.exists(place) and glob.has_magic(place))


def image_files(place: str) -> List[str]:
    """Return the files that an image, a folder or a pattern stands for; see `find`."""
    return find(place).pictures


def find(place: str) -> Found:
    """Find the files that an image, a folder or a pattern stands for; none where there is none.

    Of a folder they are those that have the ending or the first bytes of a picture; folders and pipes, whose reading would
    never end, are left out, and a link to nowhere is not, so that it can be named.

    Raises
    ------
    OSError
        A folder cannot be read.
    """
    if os.path.isdir(place):
        base = os.path.join(place, "")
        files = [path for path in (base + name for name in os.listdir(place)) if _is_file_or_gone(path)]
        pictures = [path for path in files if _looks_like_picture(path)]
        return Found(pictures, len(files) - len(pictures), base)
    if os.path.exists(place):
        return Found([place] if os.path.isfile(place) else [], 0, _folder(place))
    named = [name for name in glob.glob(place, recursive=True) if _is_file_or_gone(name)]
    return Found(named, 0, _fixed_part(place))


def _is_file_or_gone(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)


def _looks_like_picture(path: str) -> bool:
    if os.path.basename(path).startswith("._"):  # what macOS leaves beside each file on other systems' disks
        return _is_picture(path)
    return os.path.splitext(path)[1].lower() in (*SUFFIXES, *FOREIGN_SUFFIXES) or _is_picture(path)


def _is_picture(path: str) -> bool:
    return bool(picture_kind(head_of(path)))


def head_of(path: str) -> bytes:
    """Return the first bytes of a file; none of what is no file or cannot be read."""
    if not os.path.isfile(path):
        return b""
    try:
        with open_regular(path) as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _folder(path: str) -> str:
    return path[: len(path) - len(os.path.basename(path))]


def _fixed_part(pattern: str) -> str:
    """Return the folder of a pattern up to the first one that has a sign with a meaning in it."""
    folders: Tuple[str, ...] = tuple(pattern.split("/")[:-1])
    fixed = ""
    for folder in folders:
        if glob.has_magic(folder):
            break
        fixed += folder + "/"
    return fixed
