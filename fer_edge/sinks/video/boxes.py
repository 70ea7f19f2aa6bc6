"""The boxes of MP4 files (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from typing import Tuple, Union

Parts = Tuple[bytes, ...]
"""Bytes in pieces: joined once, at the end, as each box in a box would be copied once more else."""


def u32(value: int) -> bytes:
    """Return a number in four bytes."""
    return struct.pack(">I", value)


def box(kind: bytes, *content: Union[bytes, Parts]) -> Parts:
    """Make a box of what it contains."""
    parts = tuple(part for piece in content for part in (piece if isinstance(piece, tuple) else (piece,)))
    return u32(sum(map(len, parts)) + 8) + kind, *parts


def full_box(kind: bytes, version: int, flags: int, *content: Union[bytes, Parts]) -> Parts:
    """Make a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def descriptor(tag: int, *content: bytes) -> bytes:
    """Make a descriptor of MPEG-4 systems (ISO/IEC 14496-1), which some boxes hold."""
    body = b"".join(content)
    size = len(body)
    return bytes([tag, 0x80 | size >> 21 & 0x7F, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F]) + body
