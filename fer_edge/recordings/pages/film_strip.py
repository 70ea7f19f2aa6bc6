"""Small images out of a recording, for its page: read from the recording itself, and kept nowhere but in the page."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

from fer_edge.capture.file.decoder import OpenCvDecoder
from fer_edge.capture.file.images import ImageSource
from fer_edge.capture.file.interlaced_trial import decodes_interlaced
from fer_edge.capture.open import open_source
from fer_edge.capture.opencv import cv2
from fer_edge.errors import FerEdgeError, SourceError, SourceTruncated, SourceUnreadable
from fer_edge.recordings.recording import ASSUMED_FPS
from fer_edge.system.masking import shown
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

COUNT = 12
"""Beside each other: as wide as a thumb each on a desktop."""

WIDTH, HEIGHT = 192, 144
"""Pixels at most: sharp on a fine screen, and 4 to 8 KB."""

LIMIT = 300.0
"""Seconds after which a recording that has to be read from its beginning is not read on."""

_QUALITY = 75
_NEAR = 1.0
"""Seconds by which an image may be beside its time, or half of what is between two: a file may have key frames only."""

_LONGEST_LEAD = 0.5
"""Seconds by which the first image of a file may come late and be its start, as `MediaClock` has it."""


@dataclass(frozen=True)
class Thumbnail:
    """A small image.

    Attributes
    ----------
    time : float
        Where it stands: seconds in the recording, or the index of a picture.
    jpeg : bytes
        The image.
    width, height : int
        Pixels.
    """

    time: float
    jpeg: bytes
    width: int
    height: int


def strip_times(length: float, count: int = COUNT) -> Tuple[float, ...]:
    """Return the middles of `count` equal parts of a recording of `length` seconds."""
    return tuple(length * (number + 0.5) / count for number in range(count))


def cells_of(steps: int, pictures: bool) -> int:
    """Return how many images stand beside each other along so many steps: of few pictures not more than there are."""
    return min(COUNT, steps) if pictures else COUNT


def film_strip(
    path: Path, times: Sequence[float], limit: float = LIMIT, clock: Callable[[], float] = time.monotonic
) -> Tuple[Thumbnail, ...]:
    """Return small images of a video.

    Parameters
    ----------
    path : Path
        Of the file.
    times : sequence of float
        Seconds in the recording. Images come from about there, and tell where from; times behind the end give none.
    limit : float
        Seconds after which no more is read, where the file lets nobody jump.
    clock : callable
        Monotonic seconds.

    Raises
    ------
    SourceError
        The file is not there, or no video that can be read.

    Examples
    --------
    >>> strip = film_strip(Path("interview.mp4"), strip_times(60.0))  # doctest: +SKIP
    """
    wanted = sorted(times)
    found = _by_jumping(path, wanted)
    return tuple(_by_reading(path, wanted, limit, clock) if found is None else found)


def picture_strip(files: Sequence[Tuple[float, Path, int]]) -> Tuple[Thumbnail, ...]:
    """Return small images of picture files; those that cannot be read are left out.

    Parameters
    ----------
    files : sequence of tuple of float, Path and int
        The index at which each is to stand, its file, and which of the pictures of an animation it is, from 0 on.
    """
    made: List[Thumbnail] = []
    for index, path, number in files:
        try:
            with ImageSource(path) as source:
                came = source.grab()
                for _ in range(number):
                    came = came and source.grab()
                if came:
                    made.append(_thumbnail(index, source.retrieve()))
        except FerEdgeError as error:
            logger.warning("no small image of %s: %s", shown(path), error.message)
    return tuple(made)


def _by_jumping(path: Path, times: Sequence[float]) -> Optional[List[Thumbnail]]:
    """Return what jumps lead to; None for a file in which they lead elsewhere, or which this OpenCV must not read."""
    if not path.is_file() or not decodes_interlaced():
        return None
    try:
        decoder = OpenCvDecoder(path)
    except (SourceUnreadable, OSError):
        return None
    gap = min((later - earlier for earlier, later in zip(times, times[1:])), default=0.0)
    made = []
    try:
        if not decoder.grab():
            return None
        start = decoder.position if 0 < decoder.position < _LONGEST_LEAD else 0.0
        for wanted in times:
            if not decoder.seek(wanted + start) or not decoder.grab():
                return None
            at = decoder.position - start
            image = decoder.retrieve()
            if image is None or abs(at - wanted) > max(_NEAR, gap / 2):
                return None
            made.append(_thumbnail(max(0.0, at), image))
    finally:
        decoder.close()
    return made


def _by_reading(path: Path, times: Sequence[float], limit: float, clock: Callable[[], float]) -> Iterator[Thumbnail]:
    """Give the first image at or behind each time, read from the beginning."""
    waiting = list(times)
    end = clock() + limit
    frames = 0
    source = open_source(str(path.absolute()))
    try:
        rate = source.open().fps or ASSUMED_FPS
        while waiting and clock() < end:
            try:
                came = source.grab()
            except SourceTruncated:  # what came before is as good as it was
                return
            if came is None:
                continue
            if not came:
                return
            image = source.retrieve()
            at = frames / rate if source.media_time is None else source.media_time
            frames += 1
            if at >= waiting[0]:
                yield _thumbnail(at, image)
                waiting = [wanted for wanted in waiting if wanted > at]
        if waiting:
            logger.warning("%s takes long to read: %d small images are left out", shown(path), len(waiting))
    finally:
        source.close()


def _thumbnail(at: float, image: Image) -> Thumbnail:
    height, width = image.shape[:2]
    scale = min(1.0, WIDTH / width, HEIGHT / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    done, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise SourceError("OpenCV cannot make a JPEG of an image.", "Install it anew.")
    return Thumbnail(at, bytes(coded), *size)
