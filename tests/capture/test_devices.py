from __future__ import annotations

import errno
import os
import struct
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from fer_edge.capture.v4l2.devices import describe_devices, holders, list_devices
from fer_edge.capture.v4l2.kernel import ENUM_FMT, ENUM_FRAMEINTERVALS, ENUM_FRAMESIZES, QUERYCAP, REQBUFS

CAPTURE, METADATA = 0x1, 0x00800000
MODES: Dict[bytes, List[Tuple[int, int, List[Tuple[int, int]]]]] = {
    b"MJPG": [(1280, 720, [(1, 30)]), (640, 480, [(1, 15), (1, 30), (1001, 30000)])],
    b"YUYV": [(640, 480, [(1, 30)])],
}


class Kernel:
    """Fills the structures of videodev2.h as a driver does."""

    def __init__(self, capabilities: int = CAPTURE, busy: bool = False) -> None:
        self._capabilities = capabilities
        self._busy = busy

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
        if request == REQBUFS:
            assert struct.unpack("<IIIII", buffer)[:3] == (0, 1, 1)
            if self._busy:
                raise OSError(errno.EBUSY, "busy")
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
    assert (QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS, REQBUFS) == (
        0x80685600,
        0xC0405602,
        0xC02C564A,
        0xC034564B,
        0xC0145608,
    )


def test_cameras_are_listed_by_number_with_their_modes_and_stable_names(folder: Path) -> None:
    devices = list_devices(str(folder), ioctl=Kernel())
    assert [os.path.basename(device.path) for device in devices] == ["video2", "video10"]
    first = devices[0]
    assert (first.card, first.driver, first.bus) == ("HD Pro Webcam", "uvcvideo", "usb-1")
    assert [os.path.basename(name) for name in first.names] == ["usb-HD_Pro-index0"]
    assert [(mode.fourcc, mode.width, mode.height, mode.fps) for mode in first.modes] == [
        ("MJPG", 1280, 720, (30.0,)),
        ("MJPG", 640, 480, (30.0, 29.97, 15.0)),
        ("YUYV", 640, 480, (30.0,)),
    ]
    text = describe_devices(devices)
    assert "HD Pro Webcam  [uvcvideo, usb-1]" in text
    assert "  MJPG     640x480  30, 29.97, 15" in text
    assert "  format      size  frames per second" in text
    assert "in use" not in text


def test_sizes_and_rates_that_come_as_a_range_are_listed_by_their_largest(folder: Path) -> None:
    def kernel(descriptor: int, request: int, buffer: bytearray) -> int:
        (index,) = struct.unpack_from("<I", buffer)
        if request in (ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS) and index:
            raise OSError(errno.EINVAL, "no more")
        if request == ENUM_FRAMESIZES:
            struct.pack_into("<7I", buffer, 8, 3, 32, 2592, 2, 16, 1944, 2)
            return 0
        if request == ENUM_FRAMEINTERVALS:
            assert struct.unpack_from("<II", buffer, 8) == (2592, 1944)
            struct.pack_into("<7I", buffer, 16, 3, 1, 90, 1, 1, 1, 1)
            return 0
        return Kernel()(descriptor, request, buffer)

    mode = list_devices(str(folder), ioctl=kernel)[0].modes[0]
    assert (mode.width, mode.height, mode.fps) == (2592, 1944, (90.0,))


def test_nodes_that_give_no_pictures_are_left_out(folder: Path) -> None:
    assert list_devices(str(folder), ioctl=Kernel(METADATA)) == []


def test_a_file_that_is_no_device_is_left_out(folder: Path) -> None:
    assert list_devices(str(folder)) == []


def test_a_camera_that_streams_elsewhere_is_listed_as_in_use(folder: Path) -> None:
    devices = list_devices(str(folder), ioctl=Kernel(busy=True))
    assert all(device.busy for device in devices)
    assert "in use by another program" in describe_devices(devices)


def test_a_camera_whose_driver_cannot_tell_is_not_called_in_use(folder: Path) -> None:
    def kernel(descriptor: int, request: int, buffer: bytearray) -> int:
        if request == REQBUFS:
            raise OSError(errno.ENOTTY, "no such request")
        return Kernel()(descriptor, request, buffer)

    assert not any(device.busy for device in list_devices(str(folder), ioctl=kernel))


def test_a_camera_that_cannot_be_opened_is_listed_with_the_reason(folder: Path) -> None:
    def refuse(path: str) -> int:
        raise OSError(errno.EACCES if path.endswith("2") else errno.EIO, "no")

    text = describe_devices(list_devices(str(folder), opener=refuse))
    assert "video2  unknown\n" in text
    assert "cannot be used: only root may open it" in text or "usermod -aG" in text
    assert "input/output error" in text


def test_listing_leaves_no_descriptor_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    list_devices(str(folder), ioctl=Kernel())
    list_devices(str(folder), ioctl=Kernel(METADATA))
    list_devices(str(folder))
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_program_that_holds_a_device_is_named(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    with node.open() as opened:
        holder = subprocess.Popen(["sleep", "60"], stdin=opened)
    try:
        assert holders(str(node)) == [f"sleep ({holder.pid})"]
    finally:
        holder.kill()
        holder.wait()
    assert holders(str(node)) == []


def test_what_this_program_holds_itself_is_not_held_by_another(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    with node.open():
        assert holders(str(node)) == []


def test_without_a_camera_the_list_says_what_to_check_and_that_the_demo_works() -> None:
    text = describe_devices(())
    assert "No camera was found" in text
    assert "--camera demo" in text
