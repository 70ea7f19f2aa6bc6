"""Is a file that is already there one of ours? Only such a file is replaced or gone on with."""

from __future__ import annotations

import json
import os
from typing import AbstractSet, BinaryIO, Callable

LONGEST_LINE = 16 << 20
"""Bytes of one line of results; a face takes some 400."""

MP4_HEAD = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso5iso2mp41"
"""How our MP4 files begin: brands that tell players what is in them, in an order that is ours."""

_AVI_COUNT = 48
"""Where an AVI has its number of images: ours counts each, and what FFmpeg writes to a pipe has none."""

_PIECE = 65536
_BEGINNING = b'{"frame":'
_KEYS = {"frame", "timestamp", "faces"}
_MORE_KEYS = {"camera", "media_time_s", "file", "error", "predicted", "fps", "latency_ms"}
"""Some of which older releases did not write, or which not every line has."""


class NotOurs(Exception):
    """A file is not ours; the message says why, in words that can follow a colon."""


def results_to_keep(file: BinaryIO) -> int:
    """Make sure that a file holds results of ours; as `lines_to_keep`."""
    return lines_to_keep(file, "result", _is_result, _begins_like_ours)


def lines_to_keep(
    file: BinaryIO,
    noun: str,
    is_ours: Callable[[bytes], bool],
    begins_like_ours: Callable[[bytes], bool],
    head: bytes = b"",
) -> int:
    """Make sure that a file holds lines of ours.

    Parameters
    ----------
    file : binary file
        Not empty, and open for reading.
    noun : str
        What a line is, for messages.
    is_ours : callable
        Tells a whole line.
    begins_like_ours : callable
        Tells what may be the beginning of one.
    head : bytes
        What stands above the lines, if anything does.

    Returns
    -------
    int
        The bytes of its whole lines: all but a last line that was half written when the power went, of which nothing but
        zeros may have reached the disk.

    Raises
    ------
    NotOurs
        The first or the last line is none of ours, or what follows the last line is no beginning of one.
    """
    size = file.seek(0, os.SEEK_END)
    end = _behind_the_last_line_feed(file, size)
    rest = _read(file, end, size)
    if end == 0 and head:
        begins_like_ours = _is_beginning_of(head)
    if rest.strip(b"\0") and not begins_like_ours(rest):
        raise NotOurs(f"what stands behind its last whole line is no {noun}")
    if end:
        file.seek(0)
        first = file.readline(LONGEST_LINE)
        if head and first != head:
            raise NotOurs("its first line does not name the columns as ours do")
        if not head and not is_ours(first):
            raise NotOurs(f"its first line is no {noun}")
        last = _behind_the_last_line_feed(file, end - 1)
        if not (head and last == 0) and not is_ours(_read(file, last, end)):
            raise NotOurs(f"its last line is no {noun}")
    return end


def check_recording(file: BinaryIO) -> int:
    """Make sure that a file is a recording as we make them; give 0, as nothing of it is to be kept. Raises `NotOurs`."""
    file.seek(0)
    head = file.read(512)
    ours = head.startswith(MP4_HEAD) or (
        head.startswith(b"RIFF")
        and head[8:12] == b"AVI "
        and b"vidsMJPG" in head
        and b"Lavf" in head
        and head[_AVI_COUNT : _AVI_COUNT + 4] != bytes(4)
    )
    if not ours:
        raise NotOurs("it does not begin as one")
    return 0


def _behind_the_last_line_feed(file: BinaryIO, before: int) -> int:
    """Return the place behind the last end of a line that lies before a place; 0 without one."""
    at = before
    while at > 0:
        if before - at > LONGEST_LINE:
            raise NotOurs("it has a line that is too long for a result")
        start = max(0, at - _PIECE)
        found = _read(file, start, at).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _is_beginning_of(whole: bytes) -> Callable[[bytes], bool]:
    return lambda line: whole.startswith(line.rstrip(b"\0"))


def _begins_like_ours(line: bytes) -> bool:
    return line.startswith(_BEGINNING) or _is_beginning_of(_BEGINNING)(line)


def _is_result(line: bytes) -> bool:
    return has_keys(line, _KEYS, _MORE_KEYS)


def has_keys(line: bytes, keys: AbstractSet[str], more: AbstractSet[str] = frozenset()) -> bool:
    """Return whether a line is a JSON object with all of `keys`, perhaps some of `more`, and no other."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    # Whoever added a field of his own wants to keep it.
    return isinstance(record, dict) and keys <= record.keys() <= keys | more
