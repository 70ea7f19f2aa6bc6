"""A picture file: from its bytes to the pictures in it, or to the reason why there is none."""

from __future__ import annotations

import errno
import logging
from dataclasses import replace
from pathlib import Path
from typing import Callable, Iterator, Optional, Sequence, Set

from fer_edge.capture.affordable import claimed_size, is_affordable, reduction_for
from fer_edge.capture.file.animation import (
    Animation,
    Picture,
    animation_of,
    animation_pictures,
    first_of_webp,
    in_memory,
    opened,
    tiff_pictures,
    whole_webp,
)
from fer_edge.capture.file.heif import heif_pictures
from fer_edge.capture.file.orientation import png_orientation, turned, turned_as_boxes_say, webp_orientation
from fer_edge.capture.file.places import FOREIGN_SUFFIXES
from fer_edge.capture.file.signature import AVIF, GIF, HEAD, HEIF, JPEG, PNG, TIFF, WEBP, picture_kind
from fer_edge.capture.file.tiff import Page, pages
from fer_edge.capture.file.unreadable import COPY_AGAIN, Unreadable, too_large
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.limits import fits
from fer_edge.capture.opencv import decode, decode_reduced, decode_unturned
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.errors import SourceError, SourcePermission
from fer_edge.system.masking import shown
from fer_edge.system.regular_file import open_regular
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

LARGEST_FILE = 1 << 29
"""Bytes; as many pixels as are taken have 400 MB where nothing is compressed, in 16 bits a colour."""

Note = Callable[[str], None]


def pictures_of(path: Path, settings: CaptureSettings = DEFAULTS, note: Note = lambda text: None) -> Iterator[Picture]:
    """Return the pictures of a file, upright, in order: all, or the first where ``settings.pages`` says so.

    Parameters
    ----------
    note : callable
        Is told, once each, what a reader of the results should know: that only a part was read, or a reduced size.

    Raises
    ------
    Unreadable
        While iterating: nothing more of it can be read.
    """
    yield from _chosen(path, settings, note)


def _chosen(path: Path, settings: CaptureSettings, note: Note) -> Iterator[Picture]:
    is_all = settings.pages == "all"
    if path.suffix.lower() in FOREIGN_SUFFIXES:
        raise Unreadable(f"pictures of the kind {path.suffix.lower()} are not read", "Convert it to JPEG, PNG or TIFF.")
    data = _content(path)
    kind = picture_kind(data[:HEAD])
    if kind == GIF or (kind == HEIF and _is_sequence_alone(data)):
        return _by_video_reader(path, settings, is_all)
    if kind == HEIF:
        if b"moov" in _top_level(data):
            note("has a moving picture besides its still one, which alone is read; give it as a video for the other")
        return heif_pictures(data, kind, is_all)
    if kind == TIFF:
        return _of_tiff(path, data, is_all)
    animation = animation_of(kind, data) if is_all else None
    if animation is not None:
        return _of_animation(path, data, kind, animation, note)
    return _still(data, kind, note)


def _of_animation(path: Path, data: bytes, kind: str, animation: Animation, note: Note) -> Iterator[Picture]:
    mended = whole_webp(data) if kind == WEBP else b""
    with in_memory(mended) if mended else opened(path) as name:
        found = animation_pictures(name, kind, animation)
        if found is not None:
            yield from found
            return
    wanted = "4.12" if kind == AVIF or animation.hides_first else "4.11"
    yield from _still(data, kind, note)
    note(f"is an animation, of which only the first picture is read: OpenCV from {wanted} on, or Pillow, reads all")


def _of_tiff(path: Path, data: bytes, is_all: bool) -> Iterator[Picture]:
    found = pages(data)
    if len(found) < 2 and (not found or found[0].number == 0):
        if found and not fits(found[0].width, found[0].height):
            raise too_large(found[0].width, found[0].height)
        return iter([Picture(_whole(decode(data), data, TIFF))])
    return _opened_tiff(path, found if is_all else found[:1])


def _opened_tiff(path: Path, found: Sequence[Page]) -> Iterator[Picture]:
    with opened(path) as name:
        yield from tiff_pictures(name, found)


def _still(data: bytes, kind: str, note: Note) -> Iterator[Picture]:
    size = claimed_size(data)
    reduction: Optional[int] = 1
    if size is not None:
        reduction = reduction_for(*size) if kind == JPEG and min(size) > 0 else 1 if fits(*size) else None
        if reduction is None:
            raise too_large(*size)
    if kind == JPEG and reduction is not None and reduction > 1 and size is not None:
        image = _whole(decode_reduced(data, reduction), data, kind, reduction)
        note(
            f"has {size[0]} x {size[1]} pixels: it is read at 1/{reduction} of its width and height, and boxes are in pixels "
            "of that"
        )
    elif kind == PNG:
        image = turned(_whole(decode_unturned(data), data, kind), png_orientation(data))
    elif kind == WEBP:
        # Older releases of OpenCV do not take even the first picture from an animation.
        decoded = decode_unturned(data)
        image = turned(
            _whole(decoded if decoded is not None else decode_unturned(first_of_webp(data)), data, kind),
            webp_orientation(data),
        )
    elif kind == AVIF:
        decoded = decode_unturned(data)
        if decoded is None:
            yield from heif_pictures(data, kind, False)
            return
        image = turned_as_boxes_say(decoded, data)
    else:
        image = _whole(decode(data), data, kind)
    yield Picture(image)


def _whole(image: Optional[Image], data: bytes, kind: str, reduction: int = 1) -> Image:
    if image is not None:
        return image
    if not data:
        raise Unreadable("it is empty", "Copy it again.")
    if kind == JPEG and claimed_size(data) is not None and not is_affordable(data, reduction):
        raise Unreadable("to decode it would take too long for a picture of its size, or it is of a rare kind of JPEG")
    if not kind:
        raise Unreadable("it is no picture" + (", but a video" if data[4:8] == b"ftyp" else ""))
    if kind == TIFF:
        raise Unreadable(
            "it is cut off, damaged, or compressed in a way that is not read",
            "Copy it again if there is a whole one, or convert it to PNG.",
        )
    raise Unreadable("it is cut off or damaged", COPY_AGAIN)


def _by_video_reader(path: Path, settings: CaptureSettings, is_all: bool) -> Iterator[Picture]:
    return _of_video(VideoFileSource(path, replace(settings, loop=False)), is_all, shown(path))


def _of_video(source: VideoFileSource, is_all: bool, name: str) -> Iterator[Picture]:
    try:
        info = source.open()
        while True:
            found = source.grab()
            if found is False:
                return
            if found:
                yield Picture(source.retrieve(), source.media_time if is_all else None, info.fps if is_all else 0.0)
                if not is_all:
                    return
    except SourceError as error:
        raise Unreadable(_without_name(error.message, name), error.remedy, type(error), error) from error
    finally:
        source.close()


def _without_name(message: str, name: str) -> str:
    return message.replace(f"{name} ", "it ").rstrip(".")


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST_FILE + 1)
    except PermissionError:
        raise Unreadable(
            "this user may not read it",
            f"Allow it with:  chmod u+r '{shown(path)}'  or ask its owner.",
            SourcePermission,
        ) from None
    except OSError as error:  # a link to nowhere, or removed since
        gone = error.errno == errno.ENOENT
        raise Unreadable("it is not there any more" if gone else error.strerror or "it cannot be read") from None
    if len(content) > LARGEST_FILE:
        raise Unreadable(f"the file is larger than {LARGEST_FILE >> 20} MiB, the most that is read")
    return content


def _top_level(data: bytes) -> Set[bytes]:
    """Return the kinds of the boxes of which a file consists (ISO/IEC 14496-12, 4.2)."""
    kinds: Set[bytes] = set()
    at = 0
    while at + 8 <= len(data) and len(kinds) < 100:
        size = int.from_bytes(data[at : at + 4], "big")
        kinds.add(data[at + 4 : at + 8])
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:
            break
        at += size
    return kinds


def _is_sequence_alone(data: bytes) -> bool:
    kinds = _top_level(data)
    return b"moov" in kinds and b"meta" not in kinds
