"""Picture files of many kinds, made of a few colours."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from fer_edge.types import Image

Corners = Tuple[bool, ...]

WHERE_THE_BRIGHT_QUARTER_IS = {1: 0, 2: 1, 3: 3, 4: 2, 5: 0, 6: 1, 7: 3, 8: 2}
"""By EXIF orientation, after turning; quarters are counted row by row."""


def quartered(width: int = 64, height: int = 48) -> Image:
    """Return a dark image whose upper left quarter is bright."""
    image = np.full((height, width, 3), 20, np.uint8)
    image[: height // 2, : width // 2] = 220
    return image


def bright_quarter(image: Image) -> int:
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    quarters = [image[y : y + rows, x : x + columns].mean() for y in (0, rows) for x in (0, columns)]
    return int(np.argmax(quarters))


def encoded(kind: str, image: Image, *options: int) -> bytes:
    done, data = cv2.imencode(kind, image, list(options))
    assert done
    return data.tobytes()


def exif(orientation: int) -> bytes:
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def jpeg_turned(orientation: int, image: Image) -> bytes:
    body = b"Exif\0\0" + exif(orientation)
    data = encoded(".jpg", image)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_turned(orientation: int, image: Image) -> bytes:
    data = encoded(".png", image)
    return data[:33] + png_chunk(b"eXIf", exif(orientation)) + data[33:]


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def webp_file(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def u24(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def webp_turned(orientation: int, image: Image) -> bytes:
    picture = encoded(".webp", image, cv2.IMWRITE_WEBP_QUALITY, 101)[12:]
    if picture[:4] == b"VP8X":
        picture = picture[18:]
    head = webp_chunk(b"VP8X", bytes([8, 0, 0, 0]) + u24(image.shape[1] - 1) + u24(image.shape[0] - 1))
    return webp_file(head + picture + webp_chunk(b"EXIF", exif(orientation)))


def webp_animation(levels: Sequence[int], milliseconds: Sequence[int]) -> bytes:
    width, height = 32, 24
    chunks = webp_chunk(b"VP8X", bytes([2, 0, 0, 0]) + u24(width - 1) + u24(height - 1))
    chunks += webp_chunk(b"ANIM", bytes(6))
    for level, shown in zip(levels, milliseconds):
        still = encoded(".webp", np.full((height, width, 3), level, np.uint8), cv2.IMWRITE_WEBP_QUALITY, 101)[12:]
        if still[:4] == b"VP8X":
            still = still[18:]
        place = u24(0) + u24(0) + u24(width - 1) + u24(height - 1) + u24(shown) + b"\2"
        chunks += webp_chunk(b"ANMF", place + still)
    return webp_file(chunks)


def png_animation(levels: Sequence[int], milliseconds: Sequence[int], hidden: bool = False) -> bytes:
    """Make an APNG; with `hidden`, its plain picture is none of the animation."""
    width, height = 32, 24
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"acTL", struct.pack(">II", len(levels), 0))
    number = 0

    def pixels(level: int) -> bytes:
        return zlib.compress((b"\0" + bytes([level]) * width) * height)

    if hidden:
        data += png_chunk(b"IDAT", pixels(255))
    for index, (level, shown) in enumerate(zip(levels, milliseconds)):
        data += png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, shown, 1000, 0, 0))
        number += 1
        if index == 0 and not hidden:
            data += png_chunk(b"IDAT", pixels(level))
        else:
            data += png_chunk(b"fdAT", struct.pack(">I", number) + pixels(level))
            number += 1
    return data + png_chunk(b"IEND", b"")


def tiff_pages(path: Path, levels: Sequence[int], sixteen: bool = False) -> Path:
    images: List[object] = [
        np.full((20 + number, 30, 3), level * 257 if sixteen else level, np.uint16 if sixteen else np.uint8)
        for number, level in enumerate(levels)
    ]
    assert cv2.imwritemulti(str(path), images)  # type: ignore[call-overload]
    return path


def tiff_by_hand(pages: Sequence[Tuple[int, int]], big: bool = False) -> bytes:
    """Make an uncompressed gray TIFF or BigTIFF of 8 by 8 pixels a page, each with a subfile type and a level."""
    entry, count, wide = (">HHQQ", ">Q", ">Q") if big else (">HHII", ">H", ">I")
    data = b"MM\0+\0\x08\0\0" + struct.pack(">Q", 16) if big else b"MM\0*" + struct.pack(">I", 8)
    for number, (subfile, level) in enumerate(pages):
        tags = [
            (254, subfile),
            (256, 8),
            (257, 8),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, 0),
            (277, 1),
            (278, 8),
            (279, 64),
        ]
        size = struct.calcsize(count) + len(tags) * struct.calcsize(entry) + struct.calcsize(wide)
        pixels = len(data) + size
        body = struct.pack(count, len(tags))
        for tag, value in tags:
            body += struct.pack(entry, tag, 16 if big else 4, 1, pixels if tag == 273 else value)
        body += struct.pack(wide, pixels + 64 if number + 1 < len(pages) else 0)
        data += body + bytes([level]) * 64
    return data
