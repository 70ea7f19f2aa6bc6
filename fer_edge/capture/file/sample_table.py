"""How many images an MP4 or MOV file shows, out of its sample table and its edit list (ISO/IEC 14496-12, 8.6)."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO, Dict, Iterator, List, Optional, Tuple

from fer_edge.system.regular_file import open_regular

_LARGEST_INDEX = 1 << 26
"""Bytes of a ``moov`` box: days of video."""

_MOST_BOXES = 10_000
_Boxes = Dict[bytes, List[memoryview]]
_Windows = List[Tuple[int, int]]


def presented_samples(path: Path) -> Optional[int]:
    """Return the number of images of the video, those outside of its edit list left out; of several videos, of the shortest.

    None for any other kind of file, for one in fragments, and where the table makes no sense.
    """
    try:
        with open_regular(path) as file:
            index = _index(file)
        return None if index is None else _presented(_inside(index))
    except (OSError, struct.error, LookupError, ValueError):
        return None


def _index(file: BinaryIO) -> Optional[memoryview]:
    """Return the content of the ``moov`` box."""
    size = os.fstat(file.fileno()).st_size
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return None
        length, begins = int.from_bytes(header[:4], "big"), 8
        if length == 1:
            length, begins = int.from_bytes(header[8:16], "big"), 16
        if length == 0:
            length = size - at
        if length < begins:
            return None
        if header[4:8] == b"moov":
            file.seek(at + begins)
            return memoryview(file.read(length - begins)) if length <= _LARGEST_INDEX else None
        at += length
    return None


def _inside(content: memoryview) -> _Boxes:
    found: _Boxes = {}
    at = 0
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        if length < 8:  # a box of such a size, or of 64 bits, has no place here
            break
        found.setdefault(bytes(content[at + 4 : at + 8]), []).append(content[at + 8 : at + length])
        at += length
    return found


def _presented(movie: _Boxes) -> Optional[int]:
    if b"mvex" in movie:
        return None
    unit = _timescale(movie[b"mvhd"][0])
    counts = [count for track in movie.get(b"trak", []) for count in _of_track(_inside(track), unit)]
    return min(counts) if counts else None


def _of_track(track: _Boxes, movie_unit: int) -> Iterator[int]:
    """Give the number of images of a track, if it is a video."""
    media = _inside(track[b"mdia"][0])
    if bytes(media[b"hdlr"][0][8:12]) != b"vide":
        return
    table = _inside(_inside(media[b"minf"][0])[b"stbl"][0])
    runs = [(count, step) for count, step in struct.iter_unpack(">II", _entries(table[b"stts"][0], 8))]
    windows = _windows(track, _timescale(media[b"mdhd"][0]) / movie_unit)
    total = sum(count for count, _ in runs)
    yield total if windows is None else min(total, sum(_between(runs, *window) for window in windows))


def _windows(track: _Boxes, scale: float) -> Optional[_Windows]:
    """Return from when to when the video is shown, in its own unit; None for all of it."""
    if b"edts" not in track:
        return None
    edits = _inside(track[b"edts"][0])[b"elst"][0]
    layout = ">Iii" if edits[0] == 0 else ">Qqi"
    found: _Windows = []
    for duration, begin, _ in struct.iter_unpack(layout, _entries(edits, struct.calcsize(layout))):
        if begin >= 0:
            if duration == 0:  # to the end
                return None
            found.append((begin, begin + round(duration * scale)))
    return found or None


def _between(runs: List[Tuple[int, int]], begin: int, end: int) -> int:
    """Count the samples that are decoded between two times; they are shown a few images later at most."""
    at = count = 0
    for samples, step in runs:
        if step == 0:
            count += samples if begin <= at < end else 0
        else:
            first, last = (min(max(-(-(time - at) // step), 0), samples) for time in (begin, end))
            count += max(0, last - first)
        at += samples * step
    return count


def _timescale(header: memoryview) -> int:
    """Return the ticks a second that a ``mvhd`` or ``mdhd`` box gives."""
    at = 12 if header[0] == 0 else 20
    ticks = int.from_bytes(header[at : at + 4], "big")
    if ticks == 0:
        raise ValueError
    return ticks


def _entries(box: memoryview, width: int) -> memoryview:
    """Return the entries of a table that follow version, flags and their number; as many as are there."""
    count = min(int.from_bytes(box[4:8], "big"), (len(box) - 8) // width)
    return box[8 : 8 + count * width]
