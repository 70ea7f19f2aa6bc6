"""A few bytes that ask for gigabytes or for minutes are refused before anything is decoded."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import List

import cv2
import numpy as np
import pytest
from http_server import HEAD, jpeg, server
from hypothesis import given
from hypothesis import strategies as st
from test_credentials import recorder

from fer_edge.capture import opencv
from fer_edge.capture.affordable import MOST_SCANS, is_affordable
from fer_edge.capture.open import open_source
from fer_edge.errors import FileUnreadable, SourceError


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def progressive(width: int, height: int, scans: int, before: bytes = b"") -> bytes:
    """Make a gray progressive JPEG whose scans say nothing, in nine bytes each, and yet go over the whole picture."""
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    data = b"\xff\xd8" + before + segment(0xDB, b"\0" + bytes([1] * 64))
    data += segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    data += segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00")
    data += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")
    data += segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + bytes((blocks + 7) // 8)
    runs = (blocks + 32766) // 32767
    bits = ("0" + "1" * 14) * runs
    bits += "1" * (-len(bits) % 8)
    coded = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return data + (segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + coded) * (scans - 1) + b"\xff\xd9"


def scans_of(kind: int, components: int, scans: int, size: int = 4600) -> bytes:
    """Make a JPEG whose scans, each of so many components, hold a byte."""
    frame = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3, 4))
    data = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([1] * 64))
    data += segment(kind, struct.pack(">BHHB", 8, size, size, 4) + frame)
    data += segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00") + segment(
        0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0"
    )
    named = b"".join(bytes([number, 0]) for number in range(1, components + 1))
    end = b"\x00\x00\x00" if kind in (0xC2, 0xCA) else b"\x00\x3f\x00"
    return data + (segment(0xDA, bytes([components]) + named + end) + b"\0") * scans + b"\xff\xd9"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(((width + 7) // 8 + 1) * min(height, 100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("quality", [10, 95])
@pytest.mark.parametrize(
    "way", [cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_OPTIMIZE, cv2.IMWRITE_JPEG_RST_INTERVAL]
)
def test_what_encoders_make_is_decoded(quality: int, way: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    done, data = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, quality, way, 1])
    assert done
    picture = opencv.decode(data.tobytes())
    assert picture is not None
    assert picture.shape == (480, 640, 3)


def test_as_many_scans_as_an_encoder_may_want_are_decoded_and_one_more_is_not() -> None:
    assert opencv.decode(progressive(64, 48, MOST_SCANS)) is not None
    assert opencv.decode(progressive(64, 48, MOST_SCANS + 1)) is None


def test_a_picture_that_costs_too_much_reaches_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: List[int] = []

    def imdecode(*_: object) -> None:
        decoded.append(1)

    monkeypatch.setattr(opencv.cv2, "imdecode", imdecode)
    dear = [
        progressive(640, 480, 20_000),
        progressive(8000, 8000, 60),  # few enough scans, but each of 64 million pixels
        progressive(30_000, 30_000, 1),
        progressive(40_000, 10, 1),
        progressive(64, 48, 20_000, before=segment(0xE1, jpeg(1))),  # a thumbnail is not what is decoded
        progressive(30_000, 30_000, 1, before=b"\x00\x17\xff\xff\xff\xd0\xff\x01"),  # a decoder looks beyond such
        b"\xff\xd8" + segment(0xFE, b"") * 20_000 + progressive(64, 48, 2)[2:],
        png(30_000, 30_000),
        png(40_000, 10),
    ]
    for data in dear:
        assert opencv.decode(data) is None
    assert decoded == []
    opencv.decode(progressive(640, 480, 12))
    assert decoded == [1]


@pytest.mark.parametrize("kind", [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF])
def test_frames_that_no_camera_sends_are_refused(kind: int) -> None:
    # A few hundred bytes of arithmetic coding would take half a minute.
    assert not is_affordable(scans_of(kind, 4, 1, 64))
    assert is_affordable(scans_of(0xC2, 4, 1, 64))


def test_a_scan_costs_for_each_component_that_it_names() -> None:
    assert is_affordable(scans_of(0xC2, 1, 48))
    assert is_affordable(scans_of(0xC2, 4, 12))
    assert not is_affordable(scans_of(0xC2, 4, 48))
    assert not is_affordable(scans_of(0xC2, 3, 30))
    # A decoder may be kinder than we are to a head that is cut off.
    assert not is_affordable(scans_of(0xC2, 1, 13) + b"\xff\xda" * 13)


@pytest.mark.parametrize("kind", [0xC0, 0xC1])
def test_a_photo_of_the_largest_size_is_decoded(kind: int) -> None:
    for size in (3464, 8000, 8190):
        assert is_affordable(scans_of(kind, 3, 1, size))
    # What a progressive encoder makes: twice all three components, and eight scans of one.
    usual = scans_of(0xC2, 3, 2, 8190)[:-2]
    assert is_affordable(usual + (segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + b"\0") * 8 + b"\xff\xd9")


def test_a_camera_that_sends_such_pictures_is_refused() -> None:
    picture = progressive(1920, 1080, 20_000)
    with server(recorder([], HEAD + picture * 3)) as place, pytest.raises(SourceError, match="no MJPEG stream"):
        open_source(f"http://{place}/").open()


def test_a_folder_of_pictures_goes_on_behind_such_a_one(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(progressive(1920, 1080, 20_000))
    (tmp_path / "2.png").write_bytes(png(30_000, 30_000))
    (tmp_path / "3.jpg").write_bytes(jpeg(90))
    with open_source(str(tmp_path)) as source:
        for reason in ("take too long", "900 million pixels"):
            assert source.grab()
            with pytest.raises(FileUnreadable, match=reason):
                source.retrieve()
        assert source.grab()
        assert round(float(source.retrieve().mean())) == 90
        assert not source.grab()


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".tiff", ".ppm", ".jp2"])
def test_opencv_itself_refuses_what_other_kinds_claim(suffix: str, tmp_path: Path) -> None:
    # It reads its limits once, so another process it is, with lower ones that a small picture can pass.
    assert os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] == str(1 << 26)
    place = tmp_path / f"a{suffix}"
    assert cv2.imwrite(str(place), np.zeros((64, 64, 3), np.uint8))
    program = (
        "import sys\nfrom fer_edge.capture.opencv import decode\nprint(decode(open(sys.argv[1], 'rb').read()) is None)"
    )
    for most, refused in (("1000", "True"), ("10000", "False")):
        answer = subprocess.run(
            [sys.executable, "-c", program, str(place)],
            env={**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": most},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert answer.stdout.strip() == refused


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_judged(data: bytes, is_jpeg: bool) -> None:
    is_affordable((b"\xff\xd8" if is_jpeg else b"") + data)
