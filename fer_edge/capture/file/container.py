"""Whether a video file was cut off, read from the structure of its container."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Set, Tuple

from fer_edge.system.regular_file import open_regular

_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx", b"uuid", b"pnot"}

_MOST_PIECES = 200_000
"""Of a file's top level, more than a day of pieces of half a second; whoever has more is not judged."""

_SEGMENT = b"\x18S\x80g"
_NEVER_FILLED_IN = (0, 0xFFFFFFFF)
"""Lengths that stand in a RIFF file while it is written."""

_FLV_TAGS = (8, 9, 18)
"""Sound, video and data."""

_OGG = b"OggS"

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_OBJECTS = {
    _ASF_HEADER,
    bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c"),  # the images and the sound
    bytes.fromhex("90080033b1e5cf1189f400a0c90349cb"),  # indices, of three kinds
    bytes.fromhex("d329e2d6da35d111903400a0c90349be"),
    bytes.fromhex("f803b1feadc2304a9fbd5a4b7f39d9a5"),
}


def is_cut(path: Path) -> bool:
    """Return whether the file ends before its own structure says it should.

    Knows MP4 and MOV (a box reaches beyond the end), AVI (a RIFF list or chunk does), Matroska, WebM (an element does), FLV (a
    tag does), Ogg (a page does), WMV (an object does) and GIF (the trailer is missing). False for everything else, and when in
    doubt.
    """
    size = path.stat().st_size
    with open_regular(path) as file:
        head = file.read(64)
        if head[4:8] in _BOXES:
            return _boxes(file, size)[1]
        if head[:4] == b"RIFF":
            return _riff_is_cut(file, size)
        if head[:4] == b"\x1aE\xdf\xa3":
            return _matroska_is_cut(file, size)
        if head[:4] == b"FLV\1":
            return _flv_is_cut(file, size)
        if head[:4] == _OGG:
            return _ogg_is_cut(file, size)
        if head[:16] == _ASF_HEADER:
            return _asf_is_cut(file, size)
        if head[:4] == b"GIF8":
            file.seek(max(0, size - 16))
            return b"\x3b" not in file.read()
    return False


def lacks_index(path: Path) -> bool:
    """Return whether this is an MP4 or MOV file whose ``moov`` box, without which nothing can be decoded, was never written."""
    with open_regular(path) as file:
        if file.read(8)[4:8] not in _BOXES:
            return False
        return b"moov" not in _boxes(file, path.stat().st_size)[0]


def is_text(path: Path) -> bool:
    """Return whether the file is plain text, which FFmpeg would draw as a film of a terminal. A playlist is not meant."""
    with open_regular(path) as file:
        head = file.read(1024)
    if head.startswith(b"#EXTM3U"):
        return False
    try:
        letters = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A letter may be cut in two at the end.
        return len(head) == 1024 and error.start > len(head) - 4
    return not any(letter < " " and letter not in "\t\r\n\f\x1b" for letter in letters)


def _boxes(file: BinaryIO, size: int) -> Tuple[Set[bytes], bool]:
    """Walk the top-level boxes (ISO/IEC 14496-12, 4.2): their types, and whether the last one is incomplete."""
    found: Set[bytes] = set()
    at = 0
    for _ in range(_MOST_PIECES):
        if at + 8 > size:
            return found, at > size
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:  # to the end of the file
            length = size - at
        if length < 8:  # not a box: padding or damage, which the decoder may judge
            return found, False
        found.add(header[4:8])
        at += length
    return found | {b"moov"}, False


def _riff_is_cut(file: BinaryIO, size: int) -> bool:
    """Walk the RIFF lists; a file above a gigabyte has several."""
    at = 0
    for _ in range(_MOST_PIECES):
        if at + 8 > size:
            return at > size + 1
        file.seek(at)
        header = file.read(8)
        if header[:4] != b"RIFF":
            return False
        length = int.from_bytes(header[4:], "little")
        if length in _NEVER_FILLED_IN:
            return _chunks_are_cut(file, at + 12, size)
        at += 8 + length + length % 2
    return False


def _chunks_are_cut(file: BinaryIO, at: int, size: int) -> bool:
    """Walk the chunks of a RIFF list of unknown length: it was written to a pipe, or the recording program was ended."""
    for _ in range(_MOST_PIECES):
        if at + 8 > size:
            return at != size and at != size + 1  # the last one may lack the byte that makes it even
        file.seek(at)
        header = file.read(12)
        if not all(32 <= letter < 127 for letter in header[:4]):
            return False
        length = int.from_bytes(header[4:8], "little")
        if header[:4] == b"LIST" and (length in _NEVER_FILLED_IN or header[8:12] == b"movi"):
            at += 12
        else:
            at += 8 + length + length % 2
    return False


def _matroska_is_cut(file: BinaryIO, size: int) -> bool:
    """Walk the elements (RFC 8794: an ID and a size of variable length); into those of unknown length, as a stream has."""
    at = 0
    for _ in range(_MOST_PIECES):
        if at >= size:
            return at > size
        file.seek(at)
        header = file.read(12)
        name = 9 - header[0].bit_length()
        if name > 4:  # no element: padding or damage, which the decoder may judge
            return False
        wide = 9 - header[name].bit_length() if len(header) > name else 1
        if wide > 8:
            return False
        if len(header) < name + wide:
            return True
        length = int.from_bytes(header[name : name + wide], "big") & ((1 << 7 * wide) - 1)
        at += name + wide
        if length != (1 << 7 * wide) - 1:
            at += length
            if header[:name] == _SEGMENT:  # what follows is none of it
                return at > size
    return False


def _flv_is_cut(file: BinaryIO, size: int) -> bool:
    """Walk the tags (Adobe's FLV specification 10.1, annex E): a head of 11 bytes, a body, and the length of both again."""
    at = 9 + 4
    for _ in range(_MOST_PIECES):
        file.seek(at)
        header = file.read(11)
        if not header or header[0] & 0x1F not in _FLV_TAGS:
            return False
        at += 11 + int.from_bytes(header[1:4], "big")
        if at > size or len(header) < 11:
            return True
        at += 4
    return False


def _ogg_is_cut(file: BinaryIO, size: int) -> bool:
    """Walk the pages (RFC 3533, 6): a head of 27 bytes, whose last is the number of lengths that follow, and the body."""
    at = 0
    for _ in range(_MOST_PIECES):
        file.seek(at)
        header = file.read(27 + 255)
        if not header or header[:4] != _OGG[: len(header)]:
            return False
        lengths = header[27 : 27 + header[26]] if len(header) >= 27 else b""
        if len(header) < 27 or len(lengths) < header[26]:
            return True
        at += 27 + len(lengths) + sum(lengths)
        if at > size:
            return True
    return False


def _asf_is_cut(file: BinaryIO, size: int) -> bool:
    """Walk the objects (Microsoft's ASF specification, 2.1): a name of 16 bytes, and a length that counts itself."""
    at = 0
    for _ in range(_MOST_PIECES):
        file.seek(at)
        header = file.read(24)
        length = int.from_bytes(header[16:], "little")
        if len(header) < 24 or header[:16] not in _ASF_OBJECTS or length < 24:
            return False
        at += length
        if at > size:
            return True
    return False
