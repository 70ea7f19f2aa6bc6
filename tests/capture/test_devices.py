from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from fer_edge.capture.devices import (
    ENUM_FMT,
    ENUM_FRAMEINTERVALS,
    ENUM_FRAMESIZES,
    QUERYCAP,
    describe_devices,
    list_devices,
)

CAPTURE, METADATA = 0x1, 0x00800000
MODES: Dict[bytes, List[Tuple[int, int, List[Tuple[int, int]]]]] = {
    b"MJPG": [(1280, 720, [(1, 30)]), (640, 480, [(1, 15), (1, 30), (1001, 30000)])],
    b"YUYV": [(640, 480, [(1, 30)])],
}


class Kernel:
    """Fills the structures of videodev2.h as a driver does."""

    def __init__(self, capabilities: int = CAPTURE) -> None:
        self._capabilities = capabilities

    def __call__(self, descriptor: int, request: int, buffer: bytearray) -> int:
        os.fstat(descriptor)
        if request == QUERYCAP:
            assert len(buffer) == 104
            everything = 0x84A00001
            packed = struct.pack(
                "<16s32s32sIII", b"uvcvideo", b"HD Pro Webcam", b"usb-1", 6, everything, self._capabilities
            )
            buffer[: len(packed)] = packed
            return 0
        (index,) = struct.unpack_from("<I", buffer)
        try:
            if request == ENUM_FMT:
                assert len(buffer) == 64
                assert struct.unpack_from("<I", buffer, 4) == (1,)
                buffer[44:48] = list(MODES)[index]
            elif request == ENUM_FRAMESIZES:
                assert len(buffer) == 44
                width, height, _ = MODES[bytes(buffer[4:8])][index]
                struct.pack_into("<III", buffer, 8, 1, width, height)
            elif request == ENUM_FRAMEINTERVALS:
                assert len(buffer) == 52
                width, height = struct.unpack_from("<II", buffer, 8)
                intervals = next(mode[2] for mode in MODES[bytes(buffer[4:8])] if mode[:2] == (width, height))
                struct.pack_into("<III", buffer, 16, 1, *intervals[index])
            else:
                raise AssertionError(hex(request))
        except IndexError:
            raise OSError(errno.EINVAL, "no more") from None
        return 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (10, 2):
        (tmp_path / f"video{number}").touch()
    links = tmp_path / "v4l" / "by-id"
    links.mkdir(parents=True)
    (links / "usb-HD_Pro-index0").symlink_to("../../video2")
    return tmp_path


def test_the_request_numbers_are_those_of_the_kernel_header() -> None:
    assert (QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS) == (
        0x80685600,
        0xC0405602,
        0xC02C564A,
        0xC034564B,
    )


def test_cameras_are_listed_by_number_with_their_modes_and_stable_names(folder: Path) -> None:
    devices = list_devices(Kernel(), str(folder))
    assert [os.path.basename(device.path) for device in devices] == ["video2", "video10"]
    first = devices[0]
    assert first.name == "HD Pro Webcam"
    assert first.driver == "uvcvideo"
    assert first.stable_path.endswith("usb-HD_Pro-index0")
    assert [(mode.fourcc, mode.width, mode.height, mode.rates) for mode in first.modes] == [
        ("MJPG", 1280, 720, (30.0,)),
        ("MJPG", 640, 480, (30.0, 29.97, 15.0)),
        ("YUYV", 640, 480, (30.0,)),
    ]
    text = describe_devices(devices)
    assert "HD Pro Webcam (uvcvideo)" in text
    assert "MJPG   640 x 480   30, 29.97, 15 fps" in text


def test_nodes_that_give_no_pictures_are_left_out(folder: Path) -> None:
    assert list_devices(Kernel(METADATA), str(folder)) == ()


def test_a_file_that_is_no_device_is_left_out(folder: Path) -> None:
    assert list_devices(folder=str(folder)) == ()


def test_a_camera_that_cannot_be_opened_is_listed_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, flags: int) -> int:
        raise OSError(errno.EACCES if path.endswith("2") else errno.EBUSY, "no")

    monkeypatch.setattr(os, "open", refuse)
    text = describe_devices(list_devices(Kernel(), str(folder)))
    assert "usermod -aG" in text
    assert "another program holds it" in text


def test_without_a_camera_the_list_says_what_to_check_and_that_the_demo_works() -> None:
    text = describe_devices(())
    assert "no camera found" in text
    assert "--camera demo" in text
