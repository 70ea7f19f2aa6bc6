"""What is told of a recording that cannot be read: why, in words, without what only a program can use."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path
from typing import Dict

from recording_files import analyse, rows_of, write_picture

import fer_edge.recordings.failures as failures
from fer_edge.errors import FerEdgeError

_RANDOM = random.Random(5)
NOISE = bytes(_RANDOM.getrandbits(8) for _ in range(500))
HEADS: Dict[str, bytes] = {
    "noise.gif": b"",
    "head.gif": b"GIF89a\x04C`G",
    "noise.mp4": b"",
    "head.mp4": b"\0\0\0\x18ftypisom\0\0\2\0",
    "head.mkv": b"\x1a\x45\xdf\xa3",
    "head.avi": b"RIFF\xff\0\0\0AVI LIST",
    "head.ts": b"G@\0\x10",
    "photos/head.webp": b"RIFF\xff\1\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x0a\0\0\x0a\0\0ANMF\x20\0\0\0" + bytes(32),
    "apng/head.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\2"
    + bytes(10)
    + b"\x08acTL\0\0\0\1"
    + bytes(8),
    "heic/head.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "tiff/head.tif": b"II*\0\x08\0\0\0",
    "jpeg/head.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "it's/\"named\": 'so'.mp4": b"",
}


def test_a_reason_names_the_path_once_and_nothing_in_memory(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name, head in HEADS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(head + NOISE)
    write_picture(folder / "good" / "picture.png")
    analyse(folder, tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "failures.csv")
    assert {row["name"] for row in rows} == {
        name if name.endswith((".gif", ".mp4", ".mkv", ".avi", ".ts")) else os.path.dirname(name) for name in HEADS
    }
    for row in rows:
        told = f"{row['reason']} {row['hint']}"
        assert not re.search(r"0x[0-9a-f]{6}", told), told
        assert "Errno" not in told, told
        assert "file:" not in told, told
        assert row["reason"].count(row["path"]) <= 1, told
        assert row["error"] != "StageFailed", told  # what is damaged is no fault of the program


def test_no_error_tells_where_something_lay_in_memory() -> None:
    error = FerEdgeError(f"a.gif: cannot identify image file {object()!r} [gif @ 0x55d0c0ffee00]; 0x1f8b is no length.")
    assert error.message == "a.gif: cannot identify image file <object object> [gif]; 0x1f8b is no length."
    assert str(error) == error.message
    assert failures.error_named("SourceUnreadable", f"{object()!r}", "").message == "<object object>"
