"""Images from a file, a folder or a pattern."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections import deque
from functools import partial
from pathlib import Path
from typing import Deque, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.file.animation import Picture
from fer_edge.capture.file.picture import pictures_of
from fer_edge.capture.file.places import SUFFIXES, Found, find, path_of
from fer_edge.capture.file.unreadable import Unreadable
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.errors import FerEdgeError, FileUnreadable, SourceNotFound, SourcePermission, SourceUnreadable
from fer_edge.system.masking import shown
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")


class _Item(NamedTuple):
    file: str
    picture: Optional[Picture]
    reason: str = ""


class ImageSource(Source):
    """Gives one frame for each image, ``img2`` before ``img10``; they may differ in size.

    A file with several pictures in it (an animation, pages) gives all of them. Of several files, one that cannot be read has
    its turn as the others do: `retrieve` raises `FileUnreadable` for it.

    Parameters
    ----------
    place : str or path
        An image, a folder (its images, not those of folders within), or a pattern such as ``shots/*.jpg``.
    settings : CaptureSettings
        Only ``loop`` and ``pages`` matter.

    Attributes
    ----------
    skipped : tuple of str
        The files that could not be read, so far.
    """

    live = False
    grab_limit = 120.0

    def __init__(self, place: Union[str, os.PathLike[str]], settings: CaptureSettings = DEFAULTS) -> None:
        self._place = path_of(os.fspath(place))
        self._settings = settings
        self._paths: List[Path] = []
        self._base = ""
        self._next = 0
        self._reading: Optional[Tuple[str, Iterator[Picture]]] = None
        self._ahead: Deque[_Item] = deque()
        self._item: Optional[_Item] = None
        self._was_readable = False
        self._skipped: Dict[str, Unreadable] = {}
        self._noted: Set[Tuple[str, str]] = set()

    @property
    def skipped(self) -> Tuple[str, ...]:
        """The files that could not be read, so far."""
        return tuple(self._skipped)

    @property
    def file(self) -> str:
        """The name of the file of the grabbed image: below the folder that was given, or below the fixed part of a pattern."""
        return self._item.file if self._item is not None else ""

    @property
    def media_time(self) -> Optional[float]:
        """Seconds from the start of an animation; None for any other image."""
        return self._item.picture.media_time if self._item is not None and self._item.picture is not None else None

    def open(self) -> SourceInfo:
        """Find the images, and decode up to the first one that can be read.

        Raises
        ------
        FerEdgeError
            There is none: `SourceNotFound`, `SourcePermission`, `SourceUnreadable`, or `MissingExtra` for a picture in a
            format that an extra reads.
        """
        self.close()
        self._skipped, self._noted = {}, set()
        found = _find(self._place)
        self._paths = sorted(map(Path, found.pictures), key=natural_key)
        self._base = found.base
        if found.others:
            logger.info("%s: %d other files are no pictures", shown(self._place), found.others)
        while True:
            item = self._read_next()
            if item is None:
                raise self._nothing_readable()
            self._ahead.append(item)
            if item.picture is not None:
                height, width = item.picture.image.shape[:2]
                rate = item.picture.rate if len(self._paths) == 1 else 0.0
                return SourceInfo(shown(self._place), width, height, rate)

    def grab(self) -> Optional[bool]:
        """Decode the next image, or find that its file cannot be read.

        Raises
        ------
        FerEdgeError
            The only file is cut off; all images before were given.
        """
        self._item = self._ahead.popleft() if self._ahead else self._read_next()
        if self._item is None and self._settings.loop and self._was_readable:
            self._next, self._was_readable = 0, False
            self._item = self._read_next()
        if self._item is not None and self._item.picture is None and len(self._paths) == 1:
            raise self._nothing_readable()
        return self._item is not None

    def retrieve(self) -> Image:
        """Return the image. Raises FileUnreadable for a file of several that has none."""
        if self._item is None:
            raise SourceUnreadable(f"No picture of {shown(self._place)} was grabbed.")
        if self._item.picture is None:
            raise FileUnreadable(self._item.reason)
        return self._item.picture.image

    def close(self) -> None:
        """Forget the images."""
        reading, self._reading = self._reading, None
        if reading is not None:
            _end(reading[1])
        self._paths, self._next = [], 0
        self._item, self._was_readable = None, False
        self._ahead.clear()

    def _read_next(self) -> Optional[_Item]:
        while True:
            if self._reading is None:
                if self._next >= len(self._paths):
                    return None
                path = self._paths[self._next]
                self._next += 1
                name = str(path)
                pictures = pictures_of(path, self._settings, partial(self._note, name))
                self._reading = (name, pictures)
            name, pictures = self._reading
            file = _below(name, self._base)
            try:
                picture = next(pictures, None)
            except Unreadable as error:
                self._reading = None
                self._skip(name, error)
                return _Item(file, None, error.in_a_line())
            if picture is not None:
                self._was_readable = True
                return _Item(file, picture)
            self._reading = None

    def _note(self, name: str, text: str) -> None:
        if (name, text) not in self._noted:
            self._noted.add((name, text))
            logger.warning("%s %s", shown(name), text)

    def _skip(self, name: str, error: Unreadable) -> None:
        if name not in self._skipped:
            self._skipped[name] = error
            if len(self._paths) > 1:
                logger.warning("%s cannot be read: %s", shown(name), error.in_a_line())

    def _nothing_readable(self) -> FerEdgeError:
        name, first = next(iter(self._skipped.items()))
        remedy = first.remedy or f"These kinds work: {_kinds()}."
        if len(self._paths) == 1 and first.whole is not None:
            return first.whole
        if len(self._paths) == 1:
            return first.error(f"{shown(name)} cannot be read: {first.reason}.", remedy)
        kinds = {error.error for error in self._skipped.values()}
        return (first.error if len(kinds) == 1 else SourceUnreadable)(
            f"None of the {len(self._paths)} pictures in {shown(self._place)} can be read, "
            f"beginning with {shown(name)}: {first.reason}.",
            remedy,
        )


def natural_key(path: Path) -> List[Tuple[int, int, str]]:
    """Sort numbers within names by their value."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts]


def _end(pictures: Iterator[Picture]) -> None:
    close = getattr(pictures, "close", None)
    if close is not None:
        close()


def _below(name: str, base: str) -> str:
    # Path takes a leading ./ away.
    short = str(Path(base)) + "/" if base else ""
    if short == "./":
        short = ""
    return name[len(short) :] if name.startswith(short) else name


def _find(place: str) -> Found:
    try:
        found = find(place)
    except PermissionError:
        raise SourcePermission(
            f"This user may not read the folder {shown(place)}.",
            f"Allow it with:  chmod u+rx '{shown(place)}'  or ask its owner.",
        ) from None
    if found.pictures:
        return found
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
