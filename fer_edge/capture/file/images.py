"""Images from a file, a folder or a pattern."""

from __future__ import annotations

import glob
import logging
import os
import re
from pathlib import Path
from typing import List, Optional, Tuple, Union

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.file.places import SUFFIXES, image_files, path_of
from fer_edge.capture.opencv import decode
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.errors import SourceNotFound, SourcePermission, SourceUnreadable
from fer_edge.system.masking import shown
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

_LARGEST_FILE = (
    1 << 29
)  # bytes; as many pixels as are taken have 400 MB where nothing is compressed, in 16 bits a colour


class ImageSource(Source):
    """Gives one frame for each image, ``img2`` before ``img10``; they may differ in size.

    Parameters
    ----------
    place : str or path
        An image, a folder (its images, not those of folders within), or a pattern such as ``shots/*.jpg``.
    settings : CaptureSettings
        Only ``loop`` matters.

    Attributes
    ----------
    skipped : tuple of str
        The files that could not be decoded, so far.
    """

    live = False

    def __init__(self, place: Union[str, os.PathLike[str]], settings: CaptureSettings = DEFAULTS) -> None:
        self._place = path_of(os.fspath(place))
        self._loop = settings.loop
        self._paths: List[Path] = []
        self._next = 0
        self._image: Optional[Image] = None
        self._ahead: Optional[Image] = None
        self._skipped: List[str] = []

    @property
    def skipped(self) -> Tuple[str, ...]:
        """The files that could not be decoded, so far."""
        return tuple(self._skipped)

    def open(self) -> SourceInfo:
        """Find the images and decode the first one."""
        self.close()
        self._skipped = []
        self._paths = _find(self._place)
        self._ahead = self._decode_next()
        if self._ahead is None:
            raise self._nothing_readable()
        height, width = self._ahead.shape[:2]
        return SourceInfo(shown(self._place), width, height, 0.0)

    def grab(self) -> Optional[bool]:
        """Decode the next image that can be decoded."""
        self._image, self._ahead = self._ahead, None
        if self._image is None:
            self._image = self._decode_next()
        if self._image is None and self._loop:
            self._next = 0
            self._image = self._decode_next()
        return self._image is not None

    def retrieve(self) -> Image:
        """Return the image."""
        if self._image is None:
            raise SourceUnreadable(f"No picture of {shown(self._place)} was grabbed.")
        return self._image

    def close(self) -> None:
        """Forget the images."""
        self._paths, self._next = [], 0
        self._image = self._ahead = None

    def _decode_next(self) -> Optional[Image]:
        while self._next < len(self._paths):
            path = self._paths[self._next]
            self._next += 1
            try:
                image = decode(_content(path))
            except PermissionError:
                if len(self._paths) == 1:
                    raise SourcePermission(
                        f"This user may not read {shown(path)}.",
                        f"Allow it with:  chmod u+r '{shown(path)}'  or ask its owner.",
                    ) from None
                image = None
            except OSError:  # a link to nowhere, or removed since
                image = None
            if image is not None:
                return image
            if str(path) not in self._skipped:
                self._skipped.append(str(path))
                logger.warning("%s is no picture that can be read: skipped", shown(path))
        return None

    def _nothing_readable(self) -> SourceUnreadable:
        if len(self._paths) == 1:
            return SourceUnreadable(
                f"{shown(self._paths[0])} is no picture that can be read.", f"These kinds work: {_kinds()}."
            )
        return SourceUnreadable(
            f"None of the {len(self._paths)} pictures in {shown(self._place)} can be read, "
            f"beginning with {shown(self._paths[0])}.",
            f"These kinds work: {_kinds()}.",
        )


def natural_key(path: Path) -> List[Tuple[int, int, str]]:
    """Sort numbers within names by their value."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]


def _content(path: Path) -> bytes:
    """Return the file; nothing where it is larger than an image can be."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    return content if len(content) <= _LARGEST_FILE else b""


def _find(place: str) -> List[Path]:
    try:
        found = image_files(place)
    except PermissionError:
        raise SourcePermission(
            f"This user may not read the folder {shown(place)}.",
            f"Allow it with:  chmod u+rx '{shown(place)}'  or ask its owner.",
        ) from None
    if found:
        return sorted(map(Path, found), key=natural_key)
    if os.path.isdir(place):
        raise SourceUnreadable(f"The folder {shown(place)} holds no pictures.", f"These kinds work: {_kinds()}.")
    if os.path.exists(place):
        raise SourceUnreadable(f"{shown(place)} is not a file.", f"These kinds work: {_kinds()}.")
    if glob.has_magic(place):
        raise SourceNotFound(
            f"No file fits the pattern {shown(place)}.", "Quote the pattern, and check the folder's name."
        )
    raise SourceNotFound(f"There is no file {shown(place)}.", "Check the spelling and the folder.")


def _kinds() -> str:
    return ", ".join(suffix[1:] for suffix in SUFFIXES)
