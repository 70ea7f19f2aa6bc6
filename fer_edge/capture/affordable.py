"""What decoding an image would cost, told from its head before memory and time are spent on it."""

from __future__ import annotations

import re
from typing import Optional, Tuple

from fer_edge.capture.limits import MOST_PIXELS, fits

MOST_SCANS = 100
"""Of one JPEG. Encoders make about ten of a progressive image; one that is made to cost has thousands in a few bytes each."""

MOST_WORK = 16 * MOST_PIXELS
"""Pixels, counted once for each component of each scan.

Encoders make 14 of a pixel of a progressive colour image, and so the largest image passes. The dearest that passes
has refining scans that say nothing: they take 0.6 s of a core more than a plain image of the size, 44 KB of 21
megapixels 0.8 s in all (Xeon of 2023, libjpeg-turbo in OpenCV 4).
"""

_MOST_SEGMENTS = 10_000
_PNG = b"\x89PNG\r\n\x1a\n"
_SOI, _TEM, _SOS = 0xD8, 0x01, 0xDA
_SCAN = re.compile(b"\xff\xda")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive. No camera sends another; 600 bytes of arithmetic coding can cost half a minute."""

_MOST_COMPONENTS = 4
_MCU = 32  # pixels; the largest unit along a side, to which a decoder rounds up


REDUCTIONS = (1, 2, 4, 8)
"""By which a JPEG decoder can divide width and height while it decodes, so that it takes no memory for the whole."""


def is_affordable(data: bytes, reduction: int = 1) -> bool:
    """Return whether an image file may be decoded: its size, and for a JPEG what its scans add up to.

    The size is that of the image, which of a JPEG is reduced by one of `REDUCTIONS`.

    OpenCV looks at the size of each kind itself, within the limit that importing `fer_edge` sets, but only where nobody
    imported OpenCV before. 100 KB of PNG can claim a billion pixels, and would get eight gigabytes.
    """
    if data.startswith(_PNG):
        return fits(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    if not data.startswith(b"\xff\xd8"):
        return True
    frame = _jpeg_frame(data)
    if frame is None:
        return False
    marker, width, height = frame
    if marker not in _HUFFMAN or not fits(-(-width // reduction), -(-height // reduction)):
        return False
    # What stands within a comment or a profile is counted, too: rather too many than one too few.
    components = [_components(data, found.start()) for found in _SCAN.finditer(data)]
    pixels = -(-width // _MCU) * -(-height // _MCU) * _MCU * _MCU
    return len(components) <= MOST_SCANS and sum(components) * pixels <= MOST_WORK


def claimed_size(data: bytes) -> Optional[Tuple[int, int]]:
    """Return width and height that a PNG, JPEG, WebP or BMP file claims; None for any other."""
    if data.startswith(_PNG):
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(b"\xff\xd8"):
        frame = _jpeg_frame(data)
        return None if frame is None else frame[1:]
    if data[8:16] == b"WEBPVP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") >= 40:
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
        return width, abs(height)
    return None


def reduction_for(width: int, height: int) -> Optional[int]:
    """Return by which of `REDUCTIONS` a JPEG image must be divided so that it fits; None where none will do."""
    return next((by for by in REDUCTIONS if fits(-(-width // by), -(-height // by))), None)


def _components(data: bytes, at: int) -> int:
    """Return how many components a scan's head names; the most there can be if it is cut off or wrong."""
    named = data[at + 4] if at + 4 < len(data) else 0
    return named if 0 < named < _MOST_COMPONENTS else _MOST_COMPONENTS


def _jpeg_frame(data: bytes) -> Optional[Tuple[int, int, int]]:
    """Read kind, width and height as a decoder does: from marker to marker, up to the first frame; None if there is none."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = data.find(b"\xff", at)
        if at < 0:
            return None
        while data[at : at + 1] == b"\xff":
            at += 1
        marker = data[at] if at < len(data) else _SOS
        if marker in _FRAMES:
            return marker, int.from_bytes(data[at + 6 : at + 8], "big"), int.from_bytes(data[at + 4 : at + 6], "big")
        if marker in (0x00, _TEM) or 0xD0 <= marker < _SOI:
            at += 1
        elif _SOI <= marker <= _SOS:
            return None
        else:
            at += 1 + max(2, int.from_bytes(data[at + 1 : at + 3], "big"))
    return None
