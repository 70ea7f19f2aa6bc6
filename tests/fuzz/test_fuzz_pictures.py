"""Picture files and streams of pictures, of any bytes and of any size that they claim to have."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Iterator, List

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutation import examples, mutated
from victim import Victim

from fer_edge.capture.http.pictures import PictureSplitter
from fer_edge.capture.limits import LARGEST, MOST_PIXELS
from fer_edge.capture.opencv import decode

SMALL = np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8)


def encode(kind: str, *options: int) -> bytes:
    done, data = cv2.imencode(kind, SMALL, list(options))
    assert done
    return data.tobytes()


def png(width: int, height: int) -> bytes:
    """Write a PNG file of any size that holds a bomb of zeros."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    bomb = zlib.compress(bytes(1 << 22), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    data = bytearray(encode(".jpg"))
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp(width: int, height: int) -> bytes:
    data = bytearray(encode(".bmp"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def gif(width: int, height: int) -> bytes:
    size = struct.pack("<HH", width & 0xFFFF, height & 0xFFFF)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b",\0\0\0\0" + size + b"\0\x02\x02\x44\x01\0;"


FILES = [
    encode(".jpg"),
    encode(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encode(".png"),
    encode(".bmp"),
    encode(".webp"),
    encode(".tiff"),
    encode(".ppm"),
    gif(2, 2),
    png(32, 24),
]


@examples(250)
@given(st.one_of(mutated(*FILES), st.binary(max_size=100)), st.sampled_from(["jpg", "png", "bmp", "webp", "tiff"]))
def test_a_picture_file_of_any_bytes_is_taken_or_refused(
    tmp_path: Path, victim: Victim, content: bytes, suffix: str
) -> None:
    file = tmp_path / f"fuzzed.{suffix}"
    file.write_bytes(content)
    # An animation that is cut off has given what there was.
    assert victim.open("source", file) in ("taken", "SourceUnreadable", "SourceTruncated")


@pytest.fixture(scope="module")
def fresh_victim() -> Iterator[Victim]:
    with Victim() as started:
        yield started


@pytest.mark.parametrize("kind", [jpeg, png, bmp, gif])
@pytest.mark.parametrize(
    ("width", "height"), [(0, 0), (0, 5), (20000, 20000), (65000, 16000), (65535, 65535), (1 << 30, 1 << 30)]
)
def test_a_file_that_claims_an_absurd_size_takes_no_memory_for_it(
    tmp_path: Path, fresh_victim: Victim, kind: object, width: int, height: int
) -> None:
    if kind is jpeg and max(width, height) > 0xFFFF:
        pytest.skip("a JPEG file cannot say so")
    file = tmp_path / "absurd.png"
    file.write_bytes(kind(width, height))  # type: ignore[operator]
    assert not fresh_victim.open("source", file).startswith("fault")
    assert fresh_victim.peak < 1500


def test_a_picture_beyond_the_limits_is_none() -> None:
    assert decode(jpeg(40000, 1)) is None
    assert decode(jpeg(16000, 16000)) is None
    assert decode(FILES[0]) is not None
    assert MOST_PIXELS < LARGEST * LARGEST


JPEGS = [FILES[0], FILES[1]]


@examples(150)
@given(st.lists(st.one_of(mutated(*JPEGS, most=3), st.sampled_from(JPEGS), st.binary(max_size=30)), max_size=5))
def test_what_a_stream_of_damaged_pictures_holds_is_a_picture_or_none(pieces: List[bytes]) -> None:
    splitter = PictureSplitter(limit=20000)
    for piece in pieces:
        for found in splitter.feed(b"--frame\r\n\r\n" + piece):
            picture = decode(found)
            assert picture is None or picture.shape[2] == 3
        assert len(splitter._buffer) <= 20000 + len(piece) + 65540
    # Whatever came before, the stream recovers: no later than after the longest segment.
    recovered = [found for _ in range(120) for found in splitter.feed(JPEGS[0])]
    assert JPEGS[0] in recovered


UNITS = [
    b"\xff\xe0\x00\x08abcd\xff\xd8",
    b"\xff\xd8\xff\xe0\xff\xfd",
    b"\xff\xda\x00\x02\xff\xd8\xff",
    b"\xff\xd0",
    b"\xff",
    b"\xff\xd8",
    b"\xff\xe0\x00\x02",
]


@pytest.mark.parametrize("unit", UNITS)
def test_a_picture_without_end_takes_neither_memory_nor_the_square_of_its_length(unit: bytes) -> None:
    splitter = PictureSplitter(limit=1 << 19)
    splitter.feed(b"\xff\xd8")
    piece = unit * ((1 << 16) // len(unit))
    # It would go on for very long if each start inside of the picture were followed anew.
    for _ in range(20):
        assert splitter.feed(piece) == []
    assert len(splitter._buffer) <= len(piece) + (1 << 19) + 65540
