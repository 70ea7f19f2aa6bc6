"""H.264 as encoders give it, with start codes, and as MP4 files have it, with lengths (ISO/IEC 14496-15)."""

from __future__ import annotations

import re
import struct
from typing import List, Sequence, Tuple

from fer_edge.sinks.video.boxes import Parts, box
from fer_edge.sinks.video.colour import MATRIX, PRIMARIES, TRANSFER

_START_CODE = re.compile(rb"\x00\x00\x01")

_KEY, _SPS, _PPS, _DELIMITER, _END_OF_SEQUENCE, _END_OF_STREAM, _FILLER = 5, 7, 8, 9, 10, 11, 12
"""Kinds of units (ITU-T H.264, table 7-1)."""

_LEFT_OUT = (_DELIMITER, _END_OF_SEQUENCE, _END_OF_STREAM, _FILLER)
_HIGH = (100, 110, 122, 144)
"""Profiles whose configuration tells of chroma and depth."""


class H264Track:
    """What an MP4 file says of H.264, and how it has the images; the first image describes the stream."""

    def __init__(self) -> None:
        self._sets: List[bytes] = []

    def sample(self, image: bytes) -> Tuple[bytes, bool]:
        """Return an image as a file has it, and whether it stands for itself."""
        units = nal_units(image)
        if not self._sets:
            self._sets = _of_kinds(units, _SPS, _PPS)
        kept = [unit for unit in units if unit[0] & 31 not in _LEFT_OUT and unit not in self._sets]
        key = any(unit[0] & 31 == _KEY for unit in units)
        return b"".join(part for unit in kept for part in (struct.pack(">I", len(unit)), unit)), key

    def description(self, size: Tuple[int, int]) -> Parts:
        """Return the sample entry of the stream."""
        width, height = size
        sps, pps = _of_kinds(self._sets, _SPS), _of_kinds(self._sets, _PPS)
        config = [
            b"\x01",
            sps[0][1:4],
            b"\xff",
            bytes([0xE0 | len(sps)]),
            *_counted(sps),
            bytes([len(pps)]),
            *_counted(pps),
        ]
        if sps[0][1] in _HIGH:
            config.append(b"\xfd\xf8\xf8\x00")  # chroma at half of both sides (1), eight bits, no extension
        return box(
            b"avc1",
            struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1),
            box(b"avcC", *config),
            box(b"colr", b"nclx", struct.pack(">HHHB", PRIMARIES, TRANSFER, MATRIX, 0)),
        )


def nal_units(stream: bytes) -> List[bytes]:
    """Cut bytes with start codes into their units, without the codes, and without zeros behind a unit."""
    starts = [match.end() for match in _START_CODE.finditer(stream)]
    ends = [start - 3 for start in starts[1:]] + [len(stream)]
    units = (stream[start:end].rstrip(b"\0") for start, end in zip(starts, ends))
    return [unit for unit in units if unit]


def parameter_sets(stream: bytes) -> List[bytes]:
    """Return the first units that describe a stream: at least one of the sequence and one of the images, or nothing."""
    units = nal_units(stream)
    sps, pps = _of_kinds(units, _SPS), _of_kinds(units, _PPS)
    return [*sps, *pps] if sps and pps and len(sps[0]) > 3 else []


def _of_kinds(units: Sequence[bytes], *kinds: int) -> List[bytes]:
    return [unit for unit in dict.fromkeys(units) if unit[0] & 31 in kinds]


def _counted(units: Sequence[bytes]) -> List[bytes]:
    return [part for unit in units for part in (struct.pack(">H", len(unit)), unit)]
