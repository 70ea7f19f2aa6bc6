"""Animations and files of several pages: each of their pictures, in order."""

from __future__ import annotations

import logging
import os
import struct
import tempfile
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from fer_edge.capture.file.opencv_name import OpenCvName
from fer_edge.capture.file.signature import AVIF, PNG, WEBP
from fer_edge.capture.file.tiff import Page
from fer_edge.capture.file.unreadable import COPY_AGAIN, Unreadable, too_large
from fer_edge.capture.limits import MOST_PIXELS, fits
from fer_edge.capture.opencv import cv2, quiet, to_bgr
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

_MOST_FRAMES = 100_000


class Picture(NamedTuple):
    """One picture of a file.

    Attributes
    ----------
    image : Image
        Its pixels.
    media_time : float or None
        Seconds from the start of an animation.
    rate : float
        Mean number of pictures a second of the animation; 0 for anything else.
    """

    image: Image
    media_time: Optional[float] = None
    rate: float = 0.0


class Animation(NamedTuple):
    """What the head of an animation says.

    Attributes
    ----------
    delays : list of float
        Seconds for which each of its pictures is shown; empty where only a decoder knows.
    width, height : int
        Pixels; 0 where only a decoder knows.
    hides_first : bool
        Whether what a decoder of single pictures gives is no part of the animation.
    """

    delays: List[float]
    width: int = 0
    height: int = 0
    hides_first: bool = False


def animation_of(kind: str, data: bytes) -> Optional[Animation]:
    """Return what is animated in a WebP, PNG or AVIF file; None for a still picture."""
    if kind == WEBP:
        return _webp(data)
    if kind == PNG:
        return _png(data)
    return Animation([]) if kind == AVIF and data[8:12] == b"avis" else None


def animation_pictures(name: str, kind: str, animation: Animation) -> Optional[Iterator[Picture]]:
    """Return all pictures of an animation; None where nothing that is installed reads it whole.

    Parameters
    ----------
    name : str
        Of the file, there as long as the iterator is used; of a WebP that is cut off, of what `whole_webp` makes of it.
    """
    if opencv_animates(kind, animation):
        return _by_opencv(name, animation)
    return _by_pillow(name, animation) if _pillow_animates(kind) else None


def opencv_animates(kind: str, animation: Animation) -> bool:
    """Return whether this OpenCV reads such an animation whole and right."""
    version = tuple(int(part) for part in cv2.__version__.split(".")[:2])
    if not hasattr(cv2, "imreadanimation"):
        return False
    # 4.11 takes a hidden first picture for one of the animation, and its wheels read no AVIF.
    return version >= (4, 12) or not (animation.hides_first or kind == AVIF)


def tiff_pictures(name: str, pages: Sequence[Page]) -> Iterator[Picture]:
    """Return the pages of a TIFF file, one at a time."""
    for count, page in enumerate(pages):
        if page.width and not fits(page.width, page.height):
            raise too_large(page.width, page.height)
        image = None
        with quiet():
            try:
                done, images = cv2.imreadmulti(name, page.number, 1, flags=cv2.IMREAD_COLOR)
                image = images[0] if done and images else None
            except cv2.error:
                image = None
        if image is None or image.dtype != np.uint8:
            raise Unreadable(f"its page {count + 1} of {len(pages)} is cut off or damaged", COPY_AGAIN)
        yield Picture(to_bgr(image))


def first_of_webp(data: bytes) -> bytes:
    """Return the first picture of an animated WebP file as a file of its own, without its alpha; nothing where it has none."""
    at = 12
    inside = False
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at + 4 : at + 8], "little"), data[at : at + 4]
        if inside and kind in (b"VP8 ", b"VP8L"):
            chunk = data[at : at + 8 + size + size % 2]
            return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk
        if kind == b"ANMF":
            inside = True
            at += 8 + 16
        else:
            at += 8 + size + size % 2
    return b""


def whole_webp(data: bytes) -> bytes:
    """Return an animated WebP file that is cut off as one of the pictures that are whole; nothing where it is not cut off."""
    if 8 + int.from_bytes(data[4:8], "little") <= len(data):
        return b""
    at = end = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
        if at <= len(data):
            end = at
    return data[:4] + (end - 8).to_bytes(4, "little") + data[8:end]


def timed(delays: Sequence[float]) -> List[Tuple[Optional[float], float]]:
    """Return for each picture when it is shown, and the mean rate; without times where all delays are 0."""
    total = sum(delays)
    if not total > 0:
        return [(None, 0.0)] * len(delays)
    rate = len(delays) / total
    starts = np.cumsum([0.0, *delays[:-1]])
    return [(float(start), rate) for start in starts]


def _by_opencv(name: str, animation: Animation) -> Iterator[Picture]:
    if animation.width and not fits(animation.width, animation.height):
        raise too_large(animation.width, animation.height)
    # All at once would take memory for all; each piece is decoded from the beginning.
    piece = _piece(animation.width, animation.height)
    times = timed(animation.delays)
    delay_sum, given = 0.0, 0
    while given < (len(times) or _MOST_FRAMES):
        with quiet():
            try:
                _, found = cv2.imreadanimation(name, given, piece)
            except cv2.error:
                break
        images, delays = list(found.frames), [max(0, int(one)) / 1000 for one in found.durations]
        if not images:
            break
        mean = len(delays) / sum(delays) if sum(delays) > 0 else 0.0
        for number, image in enumerate(images):
            if image.dtype != np.uint8 or not fits(image.shape[1], image.shape[0]):
                raise too_large(image.shape[1], image.shape[0])
            if times:
                media_time, rate = times[min(given + number, len(times) - 1)]
            else:
                media_time, rate = (delay_sum if mean else None), mean
                delay_sum += delays[number] if number < len(delays) else 0.0
            yield Picture(to_bgr(image), media_time, rate)
        given += len(images)
        if len(images) < piece:
            break
        piece = _piece(images[0].shape[1], images[0].shape[0])
    _check_count(given, len(times))


def _piece(width: int, height: int) -> int:
    """Return how many pictures of a size, which is 0 where it is not known, are decoded at once."""
    return max(1, MOST_PIXELS // (width * height)) if width and height else 1


def _by_pillow(name: str, animation: Animation) -> Iterator[Picture]:
    from PIL import Image as PillowImage

    with open(name, "rb") as file, _by_its_head(PillowImage, file) as opened:
        if not fits(*opened.size):
            raise too_large(*opened.size)
        first = 1 if animation.hides_first else 0
        times = timed(animation.delays)
        delay_sum, given = 0.0, 0
        for number in range(first, int(getattr(opened, "n_frames", 1))):
            try:
                opened.seek(number)
                image = np.asarray(opened.convert("RGBA"))[..., 2::-1].copy()
            except (OSError, ValueError, EOFError, SyntaxError, struct.error):
                break
            delay = float(opened.info.get("duration") or 0) / 1000
            if times:
                media_time, rate = times[min(given, len(times) - 1)]
            else:
                media_time, rate = (delay_sum if delay or delay_sum else None), (1 / delay if delay else 0.0)
                delay_sum += delay
            yield Picture(image, media_time, rate)
            given += 1
        _check_count(given, len(times))


def _by_its_head(pillow: Any, file: BinaryIO) -> Any:
    try:
        return pillow.open(file)
    except (OSError, ValueError, EOFError, SyntaxError, struct.error) as error:
        raise Unreadable("it is cut off or damaged", COPY_AGAIN) from error


def _check_count(given: int, promised: int) -> None:
    if given == 0 or given < promised:
        of = f": {given} of {promised} pictures could be read" if promised else ""
        raise Unreadable(f"it is cut off or damaged{of}", COPY_AGAIN)


def _pillow_animates(kind: str) -> bool:
    try:
        from PIL import features
    except ImportError:
        return False
    if kind == AVIF:
        return "avif" in features.modules and bool(features.check("avif"))
    return kind == PNG or bool(features.check("webp"))


@contextmanager
def in_memory(data: bytes) -> Iterator[str]:
    """Give a name for bytes, for a decoder that wants one."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="fer-edge-")
    except OSError:
        raise Unreadable("it is cut off or damaged", COPY_AGAIN) from None
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        with opened(path) as name:
            yield name
    finally:
        os.unlink(path)


@contextmanager
def opened(path: Any) -> Iterator[str]:
    """Give a name of a file that a decoder takes, whatever the bytes of its own."""
    with closing(OpenCvName(path)) as name:
        yield name.text


def _webp(data: bytes) -> Optional[Animation]:
    """Read the chunks ``VP8X`` and ``ANMF`` (WebP container specification)."""
    if data[12:16] != b"VP8X" or not data[20:21] or not data[20] & 2:
        return None
    delays: List[float] = []
    at = 12
    while at + 8 <= len(data) and len(delays) < _MOST_FRAMES:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"ANMF":
            delays.append(int.from_bytes(data[at + 20 : at + 23], "little") / 1000)
        at += 8 + size + size % 2
    width, height = 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    return Animation(delays, width, height) if delays else None


def _png(data: bytes) -> Optional[Animation]:
    """Read the chunks ``acTL`` and ``fcTL`` (PNG, third edition, 11.3.6)."""
    delays: List[float] = []
    promised, hides_first = 0, False
    at = 8
    while at + 12 <= len(data) and len(delays) < _MOST_FRAMES:
        size, kind, body = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if kind == b"acTL":
            promised = int.from_bytes(data[body : body + 4], "big")
        elif kind == b"IDAT" and not promised:
            return None
        elif kind == b"IDAT" and not delays:
            hides_first = True
        elif kind == b"fcTL":
            shown, parts = struct.unpack(">HH", data[body + 20 : body + 24]) if body + 24 <= len(data) else (0, 0)
            delays.append(shown / (parts or 100))
        at += 12 + size
    if promised < 1 or not delays:
        return None
    delays += [0.0] * (min(promised, _MOST_FRAMES) - len(delays))
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return Animation(delays, width, height, hides_first)
