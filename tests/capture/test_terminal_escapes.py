"""Nothing that a camera, a file or another program on this machine says of itself may control a terminal."""

from __future__ import annotations

import errno
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import List

import cv2
import numpy as np
import pytest
from http_server import server
from rtsp_camera import camera
from test_credentials import recorder
from test_file import write_video

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.gstreamer import GStreamerSource
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.v4l2 import kernel
from fer_edge.capture.v4l2.camera import CameraSource
from fer_edge.capture.v4l2.devices import describe_devices, holders, list_devices
from fer_edge.errors import FileUnreadable, SourceError

EVIL = "\x1b]0;you are owned\x07\x1b[2J\x9b1mX\u202e"
PATIENT = CaptureSettings(connect_timeout=20)


def check(text: str, where: str = "owned") -> None:
    """Say that a text holds what the stranger said, and nothing of it that controls anything."""
    assert where in text
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []


def failure(text: str) -> str:
    with pytest.raises(SourceError) as caught, open_source(text, PATIENT) as source:
        while source.grab():
            source.retrieve()
    return str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        f"HTTP/1.1 500 {EVIL}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html;{EVIL}\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Type: text/{EVIL}\r\n\r\n",
        f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/{EVIL}\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/owned\x7f\x9b\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://owned\x9b.invalid/\r\n\r\n",
        f"HTTP/1.1 302 Found\r\nLocation: gopher://{EVIL}\r\n\r\n",
    ],
)
def test_what_a_web_camera_answers(answer: str) -> None:
    with server(recorder([], answer.encode())) as place:
        text = failure(f"http://{place}/")
    check(text, "owned" if "Content-Type" not in answer else "it sends text/")


@pytest.mark.parametrize(
    "answer",
    [
        f"404 {EVIL}",
        "302 Found\r\nLocation: rtsp://127.0.0.1:1/owned\x7f\x9b",
        f"302 Found\r\nLocation: rtsp://{EVIL}",
    ],
)
def test_what_an_rtsp_camera_answers(answer: str) -> None:
    with camera([], lambda request: "200 OK" if request.startswith("OPTIONS") else answer) as place:
        check(failure(f"rtsp://{place}/x"))


def test_what_ffmpeg_says_of_an_rtsp_stream() -> None:
    sdp = f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns={EVIL}\r\n"
    sdp += f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 {EVIL}/90000\r\na=control:{EVIL}\r\n"

    def reply(request: str) -> str:
        if not request.startswith("DESCRIBE"):
            return "200 OK"
        return f"200 OK\r\nContent-Type: application/sdp\r\nContent-Length: {len(sdp.encode())}\r\n\r\n{sdp}"

    with camera([], reply) as place:
        check(failure(f"rtsp://{place}/x"), "127.0.0.1")


@pytest.mark.parametrize("line", ["ERROR: from element /x: {}", "WARNING: erroneous pipeline: {}"])
def test_what_a_gstreamer_pipeline_says(tmp_path: Path, line: str) -> None:
    program = tmp_path / "program"
    words = line.format(EVIL) + "\nAdditional debug info:\nx\n" + EVIL + "\n"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stderr.buffer.write({words.encode()!r})\nsys.exit(1)\n", encoding="utf-8"
    )
    program.chmod(0o755)
    with pytest.raises(SourceError) as caught:
        GStreamerSource(f"videotestsrc name=owned{EVIL}", program=str(program)).open()
    check(str(caught.value))


def evil_kernel(descriptor: int, request: int, buffer: bytearray) -> int:
    if request == kernel.QUERYCAP:
        name = EVIL.encode()[:31]
        struct.pack_into("<16s32s32sIII", buffer, 0, b"uvc\x1b[1m", name, name, 6, 0x84A00001, 1)
    elif request == kernel.REQBUFS:
        raise OSError(errno.EBUSY, "busy")
    elif request == kernel.ENUM_FMT:
        if struct.unpack_from("<I", buffer)[0]:
            raise OSError(errno.EINVAL, "no more")
        buffer[44:48] = b"\x1b[2J"
    elif request == kernel.ENUM_FRAMESIZES:
        if struct.unpack_from("<I", buffer)[0]:
            raise OSError(errno.EINVAL, "no more")
        struct.pack_into("<III", buffer, 8, 1, 64, 48)
    else:
        raise OSError(errno.EINVAL, "no more")
    return 0


def test_what_a_usb_camera_is_called(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    devices = list_devices(str(tmp_path), ioctl=evil_kernel)
    check(describe_devices(devices))
    with pytest.raises(SourceError) as caught:
        CameraSource(str(tmp_path / "video9"), list_cameras=lambda: devices).open()
    check(str(caught.value))


def test_what_the_program_is_called_that_holds_a_camera(tmp_path: Path) -> None:
    folder = tmp_path / "99999" / "fd"
    folder.mkdir(parents=True)
    node = tmp_path / "video0"
    node.touch()
    (folder / "3").symlink_to(node)
    (folder.parent / "comm").write_bytes(b"owned\x1b[2J\xff\xfe\n")
    (found,) = holders(str(node), proc=str(tmp_path))
    check(found)


@pytest.fixture
def evil_files(tmp_path: Path) -> List[str]:
    folder = tmp_path / f"owned{EVIL}"
    folder.mkdir()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("Dear reader, this is no video.\n" * 50, encoding="utf-8")
    data = write_video(tmp_path / "whole.avi").read_bytes()
    (folder / "cut.avi").write_bytes(data[: len(data) // 2])
    (folder / "bad.jpg").write_bytes(b"no picture")
    (folder / "pictures").mkdir()
    return [
        str(folder / name)
        for name in ("empty.mp4", "text.mp4", "cut.avi", "bad.jpg", "pictures", "none.mp4", "none*.jpg")
    ]


def test_what_a_file_is_called(evil_files: List[str], caplog: pytest.LogCaptureFixture) -> None:
    for place in evil_files:
        check(failure(place))
    for record in caplog.records:
        check(record.getMessage())


def test_what_a_file_is_called_that_can_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    video = write_video(tmp_path / "a.avi", frames=3)
    video = video.rename(tmp_path / f"owned{EVIL}.avi")
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / f"owned{EVIL}.png").write_bytes(b"no picture")
    for place in (str(video), f"{tmp_path}/b.png", f"{tmp_path}/*.png"):
        with open_source(place) as source:
            check(source.open().name, "")
            while source.grab():
                with suppress(FileUnreadable):
                    source.retrieve()
    assert caplog.records
    for record in caplog.records:
        check(record.getMessage())


def test_an_address_of_ones_own() -> None:
    check(CameraAddress.parse("http://h/owned\x9b\u202e").name)


def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    name = os.fsencode(str(tmp_path / "owned")) + b"\xff\x1b.mp4"
    text = failure(os.fsdecode(name))
    check(text)
    text.encode("utf-8")
