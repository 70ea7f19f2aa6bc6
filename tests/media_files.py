"""Small videos, made by PyAV."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, Iterable, List, Optional, Sequence, Union

import av
import numpy as np

from fer_edge.types import Image

QUARTERS = ((200, 40, 40), (40, 200, 40), (40, 40, 200), (220, 220, 220))
"""Colours, blue-green-red, of the top left, top right, bottom left and bottom right quarter of `quartered`."""


def quartered(width: int = 64, height: int = 48, marked: int = 0) -> Image:
    """Return an image of four colours, so that it shows how it is turned; `marked` changes the brightness of them all."""
    image = np.empty((height, width, 3), np.uint8)
    for index, colour in enumerate(QUARTERS):
        top, left = divmod(index, 2)
        rows = slice(top * height // 2, (top + 1) * height // 2)
        image[rows, left * width // 2 : (left + 1) * width // 2] = colour
    return np.clip(image.astype(int) - marked, 0, 255).astype(np.uint8)


def grays(count: int, width: int = 64, height: int = 48) -> List[Image]:
    """Return images of which each is one gray, brighter from one to the next."""
    return [np.full((height, width, 3), 20 + index * 200 // max(1, count - 1), np.uint8) for index in range(count)]


def write_video(
    path: Union[Path, Any],
    images: Iterable[Image],
    rate: Union[int, Fraction] = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    format: Optional[str] = None,
    aspect: Optional[Fraction] = None,
    stamps: Optional[Sequence[int]] = None,
    **options: str,
) -> None:
    """Encode images; `stamps` are in thousandths of a second, in place of the rate."""
    with av.open(str(path) if isinstance(path, Path) else path, "w", format=format) as out:
        stream = None
        for index, image in enumerate(images):
            if stream is None:
                chosen = {"crf": "8", "preset": "ultrafast"} if codec == "libx264" else {}
                stream = out.add_stream(codec, rate=rate, options={**chosen, **options})
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = pix_fmt
                if stamps is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = aspect
            frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pix_fmt)
            frame.pts = index if stamps is None else stamps[index]
            frame.time_base = 1 / Fraction(rate) if stamps is None else Fraction(1, 1000)
            out.mux(stream.encode(frame))
        if stream is not None:
            out.mux(stream.encode(None))


def turn_mp4(path: Path, matrix: Sequence[int]) -> None:
    """Put a, b, c and d of a display matrix into the first track of an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: 40 bytes stand before the matrix (ISO/IEC 14496-12, 8.3.2)
    a, b, c, d = (number << 16 for number in matrix)
    struct.pack_into(">9i", data, at, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box of ISO/IEC 14496-12."""
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def with_cover(mp4: bytes, png: bytes) -> bytes:
    """Put a cover picture into an MP4 whose index stands at its end, as iTunes does."""
    data = box(b"data", struct.pack(">II", 14, 0), png)
    handler = box(b"hdlr", bytes(8), b"mdirappl", bytes(9))
    tags = box(b"udta", box(b"meta", bytes(4), handler, box(b"ilst", box(b"covr", data))))
    at = mp4.index(b"moov") - 4
    moov = mp4[at + 8 :]
    old = moov.find(b"udta")
    return mp4[:at] + box(b"moov", moov[: old - 4] if old >= 0 else moov, tags)


def id3(png: bytes) -> bytes:
    """Return the head of an MP3 with a cover picture in it (ID3v2.3)."""
    picture = b"\0image/png\0\x03\0" + png
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + frame


SILENCE = b"\xff\xfb\x10\xc4" + bytes(100)
"""A frame of an MP3: 32 kbit/s, 44.1 kHz, one channel."""


def mean_colours(image: Image) -> List[List[int]]:
    """Return the mean colour of the middle of each quarter."""
    height, width = image.shape[:2]
    found = []
    for top in (0, height // 2):
        for left in (0, width // 2):
            part = image[top + height // 8 : top + 3 * height // 8, left + width // 8 : left + 3 * width // 8]
            found.append([round(float(value)) for value in part.mean(axis=(0, 1))])
    return found


def near(found: Sequence[Sequence[int]], wanted: Sequence[Sequence[int]], slack: int = 6) -> bool:
    """Return whether all colours are about those that are wanted."""
    return bool(np.abs(np.asarray(found) - np.asarray(wanted)).max() <= slack)
