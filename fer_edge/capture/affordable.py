"""What decoding a picture would cost, told from its head before memory and time are spent on it."""

from __future__ import annotations

from typing import Optional, Tuple

from fer_edge.capture.limits import fits

MOST_SCANS = 100
"""Of one JPEG. Encoders make about ten of a progressive picture; one that is made to cost has thousands in a few bytes each."""

MOST_WORK = 1 << 31
"""Scans times pixels: each scan goes over the whole picture, a third of a second for this many on a core of 2024."""

_MOST_SEGMENTS = 10_000
_PNG = b"\x89PNG\r\n\x1a\n"
_SOI, _TEM, _SOS = 0xD8, 0x01, 0xDA
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def is_affordable(data: bytes) -> bool:
    """Tell whether a picture file may be decoded: its size, and for a JPEG what its scans add up to.

    OpenCV looks at the size of each kind itself, within the limit that importing `fer_edge` sets, but only where nobody
    imported OpenCV before. 100 KB of PNG can claim a billion pixels, and would get eight gigabytes.
    """
    if data.startswith(_PNG):
        return fits(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    if not data.startswith(b"\xff\xd8"):
        return True
    size = _jpeg_size(data)
    if size is None or not fits(*size):
        return False
    # What stands within a comment or a profile is counted, too: rather too many than one too few.
    scans = data.count(b"\xff\xda")
    return scans <= MOST_SCANS and scans * size[0] * size[1] <= MOST_WORK


def _jpeg_size(data: bytes) -> Optional[Tuple[int, int]]:
    """Read width and height as a decoder does: from marker to marker, up to the first frame; None if there is none."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = data.find(b"\xff", at)
        if at < 0:
            return None
        while data[at : at + 1] == b"\xff":
            at += 1
        marker = data[at] if at < len(data) else _SOS
        if marker in _FRAMES:
            return int.from_bytes(data[at + 6 : at + 8], "big"), int.from_bytes(data[at + 4 : at + 6], "big")
        if marker in (0x00, _TEM) or 0xD0 <= marker < _SOI:
            at += 1
        elif _SOI <= marker <= _SOS:
            return None
        else:
            at += 1 + max(2, int.from_bytes(data[at + 1 : at + 3], "big"))
    return None
