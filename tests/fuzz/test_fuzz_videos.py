"""Video files that are damaged or malicious, through FFmpeg and our own look at their structure."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import List

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutation import examples, mutated
from victim import Victim

from fer_edge.capture.file.container import is_cut, is_text, lacks_index


def film(folder: Path, name: str, fourcc: str) -> bytes:
    path = folder / name
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 10.0, (32, 24))
    for level in range(6):
        writer.write(np.full((24, 32, 3), 40 * level, np.uint8))
    writer.release()
    return path.read_bytes()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> List[bytes]:
    folder = tmp_path_factory.mktemp("films")
    return [film(folder, "a.mp4", "mp4v"), film(folder, "b.avi", "MJPG"), film(folder, "c.mkv", "mp4v")]


@examples(60)
@given(st.data())
def test_a_damaged_video_is_taken_or_refused(
    tmp_path: Path, victim: Victim, films: List[bytes], data: st.DataObject
) -> None:
    file = tmp_path / "fuzzed.mp4"
    file.write_bytes(data.draw(mutated(*films)))
    assert victim.open("source", file) in ("taken", "SourceUnreadable", "SourceTruncated")


def test_a_video_that_claims_an_absurd_size_is_refused(tmp_path: Path, victim: Victim, films: List[bytes]) -> None:
    file = tmp_path / "absurd.avi"
    for width, height in ((60000, 2), (20000, 20000), (0, 0), (2**31 - 1, 2**31 - 1)):
        content = bytearray(films[1])
        at = content.find(b"strf") + 12
        content[at : at + 8] = struct.pack("<ii", width & 0x7FFFFFFF, height & 0x7FFFFFFF)
        content[64:72] = content[at : at + 8]
        file.write_bytes(content)
        assert not victim.open("source", file).startswith("fault")


HEADS = [
    b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 3 + b"\0\0\0\x01moov\0\0\0\0\0\0\0\x10",
    b"RIFF\x10\0\0\0AVI " + bytes(12),
    b"\x1aE\xdf\xa3\x84abcd\x18S\x80g\x01\0\0\0\0\0\0\x05hello",
    b"GIF89a" + bytes(20) + b"\x3b",
    "plain text, \u00fcml\u00e4ut".encode(),
]


@examples(250)
@given(st.one_of(mutated(*HEADS), st.binary(max_size=100)))
@example(b"\x1aE\xdf\xa3\x00" + b"\xff" * 20)
@example(b"\x1aE\xdf\xa3\x01\x7f\xff\xff\xff\xff\xff\xff\xfe" + bytes(10))
def test_the_structure_of_any_bytes_can_be_looked_at(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "fuzzed"
    file.write_bytes(content)
    assert {is_cut(file), lacks_index(file), is_text(file)} <= {True, False}


def test_a_file_of_nothing_but_tiny_boxes_is_not_walked_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "boxes.mp4"
    file.write_bytes(b"\0\0\0\x08free" * 400_000)
    assert not is_cut(file)
    assert not lacks_index(file)
