"""How a picture must be turned to stand upright, where the decoder does not do it.

OpenCV turns JPEG and TIFF by itself; PNG only in newer releases, WebP and AVIF in none.
"""

from __future__ import annotations

from typing import Iterator, List, Tuple

import cv2
import numpy as np

from fer_edge.types import Image

UPRIGHT = 1
_ORIENTATION = 0x0112
_MOST_BOXES = 10_000


def turned(image: Image, orientation: int) -> Image:
    """Turn an image as its orientation (EXIF 2.32, 4.6.4: 1 to 8) says; any other number leaves it as it is."""
    if orientation in (2, 3, 4):
        return np.ascontiguousarray(cv2.flip(image, {2: 1, 3: -1, 4: 0}[orientation]))
    if orientation in (5, 6, 7, 8):
        across = cv2.transpose(image)
        flip = {6: 1, 7: -1, 8: 0}.get(orientation)
        return np.ascontiguousarray(across if flip is None else cv2.flip(across, flip))
    return image


def png_orientation(data: bytes) -> int:
    """Return the orientation that a PNG file's eXIf chunk has."""
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"eXIf":
            return exif_orientation(data[at + 8 : at + 8 + size])
        at += 12 + size
    return UPRIGHT


def webp_orientation(data: bytes) -> int:
    """Return the orientation that a WebP file's EXIF chunk has."""
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            exif = data[at + 8 : at + 8 + size]
            return exif_orientation(exif[6:] if exif.startswith(b"Exif\0\0") else exif)
        at += 8 + size + size % 2
    return UPRIGHT


def exif_orientation(exif: bytes) -> int:
    """Return the orientation in EXIF data, which begins as a TIFF file does; `UPRIGHT` where it has none."""
    order = "little" if exif.startswith(b"II") else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(exif[at : at + size], "little" if order == "little" else "big")

    first = number(4, 4)
    for index in range(min(number(first, 2), 1000)):
        at = first + 2 + 12 * index
        if number(at, 2) == _ORIENTATION:
            return number(at + 8, 2)
    return UPRIGHT


def turned_as_boxes_say(image: Image, data: bytes) -> Image:
    """Turn and mirror an image as the properties ``irot`` and ``imir`` of an AVIF file's primary item say.

    ISO/IEC 23008-12, 6.5.10 and 6.5.12: `irot` counts quarter turns against the clock; `imir` swaps above and below where
    its axis is 0, left and right where it is 1. EXIF data has no say.
    """
    for kind, value in _primary_properties(data):
        if kind == b"irot":
            image = np.ascontiguousarray(np.rot90(image, value & 3))
        elif kind == b"imir":
            image = np.ascontiguousarray(cv2.flip(image, value & 1))
    return image


def _primary_properties(data: bytes) -> List[Tuple[bytes, int]]:
    """Return the properties of the primary item in the order in which they apply: kind, and first byte of the content."""
    meta = next((body for kind, body in _boxes(data) if kind == b"meta"), b"")[4:]
    primary, properties, associations = -1, b"", b""
    for kind, body in _boxes(meta):
        if kind == b"pitm":
            primary = int.from_bytes(body[4:8] if body[0:1] == b"\1" else body[4:6], "big")
        elif kind == b"iprp":
            parts = dict(_boxes(body))
            properties, associations = parts.get(b"ipco", b""), parts.get(b"ipma", b"")
    known = [(kind, body[0] if body else 0) for kind, body in _boxes(properties)]
    return [known[index - 1] for index in _associated(associations, primary) if 0 < index <= len(known)]


def _associated(ipma: bytes, item: int) -> List[int]:
    """Return the numbers of the properties of an item (ISO/IEC 23008-12, 9.3.1)."""
    wide_items, wide_numbers = ipma[0:1] > b"\0", bool(ipma[3:4]) and bool(ipma[3] & 1)
    at = 8
    for _ in range(min(int.from_bytes(ipma[4:8], "big"), _MOST_BOXES)):
        size = 4 if wide_items else 2
        found = int.from_bytes(ipma[at : at + size], "big")
        count = ipma[at + size] if at + size < len(ipma) else 0
        at += size + 1
        wide = 2 if wide_numbers else 1
        numbers = [int.from_bytes(ipma[at + wide * i : at + wide * (i + 1)], "big") for i in range(count)]
        if found == item:
            return [number & (0x7FFF if wide_numbers else 0x7F) for number in numbers]
        at += wide * count
    return []


def _boxes(data: bytes) -> Iterator[Tuple[bytes, bytes]]:
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(data):
            return
        size = int.from_bytes(data[at : at + 4], "big")
        begin = at + 8
        if size == 1:
            size, begin = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = len(data) if size == 0 else at + size
        if end < begin:
            return
        yield data[at + 4 : at + 8], data[begin:end]
        at = end
