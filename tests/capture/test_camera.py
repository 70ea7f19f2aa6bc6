from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import cv2
import numpy as np
import pytest

from fer_edge.capture.open import open_source
from fer_edge.capture.opencv import set_log_level
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.v4l2.camera import CameraSource
from fer_edge.capture.v4l2.devices import Device
from fer_edge.capture.v4l2.kernel import QUERYCAP, REQBUFS
from fer_edge.errors import SourceBusy, SourceNotFound, SourcePermission, SourceStalled, SourceUnreadable

CAPTURE, METADATA = 0x1, 0x00800000


class Kernel:
    """Answers for a camera as a driver does."""

    def __init__(self, capabilities: int = CAPTURE, busy: bool = False) -> None:
        self._capabilities = capabilities
        self._busy = busy

    def __call__(self, descriptor: int, request: int, buffer: bytearray) -> int:
        os.fstat(descriptor)
        if request == QUERYCAP:
            struct.pack_into("<16s32s32sIII", buffer, 0, b"uvc", b"Webcam", b"usb", 6, 0x84A00001, self._capabilities)
        elif request == REQBUFS and self._busy:
            raise OSError(errno.EBUSY, "busy")
        return 0


class FakeCapture:
    """What cv2.VideoCapture does, as far as a camera needs it."""

    def __init__(self, works: bool = True, frames: int = 3, picture: Any = None) -> None:
        self.calls: List[Any] = []
        self.released = 0
        self._works = works
        self._left = frames
        self._picture = np.full((480, 640, 3), 7, np.uint8) if picture is None else picture
        self._properties: Dict[int, float] = {}

    def isOpened(self) -> bool:
        return self._works

    def set(self, what: int, value: float) -> bool:
        self.calls.append(what)
        self._properties[what] = value
        return True

    def get(self, what: int) -> float:
        return self._properties.get(what, 0.0)

    def grab(self) -> bool:
        self._left -= 1
        return self._left >= 0

    def retrieve(self) -> Any:
        return self._picture is not False, (None if self._picture is False else self._picture.copy())

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "video7"
    path.touch()
    return path


def camera(node: Path, capture: FakeCapture, settings: CaptureSettings = DEFAULTS, **more: Any) -> CameraSource:
    more.setdefault("ioctl", Kernel())
    return CameraSource(str(node), settings, open_capture=lambda path: capture, **more)


def test_a_camera_is_asked_for_its_pixel_format_before_its_size(node: Path) -> None:
    capture = FakeCapture()
    with camera(node, capture, CaptureSettings(width=1280, height=720, fps=25, fourcc="YUYV")) as source:
        assert capture.calls.index(cv2.CAP_PROP_FOURCC) < capture.calls.index(cv2.CAP_PROP_FRAME_WIDTH)
        assert capture.calls.index(cv2.CAP_PROP_FRAME_HEIGHT) < capture.calls.index(cv2.CAP_PROP_FPS)
        assert capture.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*"YUYV")
        assert capture.get(cv2.CAP_PROP_BUFFERSIZE) == 1
        assert source.live
        assert source.grab() is True
        assert source.retrieve().shape == (480, 640, 3)
    source.close()
    assert capture.released == 1


def test_the_camera_tells_its_name_and_what_it_settled_on(node: Path) -> None:
    info = camera(node, FakeCapture(), CaptureSettings(width=800, height=600, fps=15)).open()
    assert info.name == f"{node} (Webcam)"
    assert (info.width, info.height, info.fps) == (800, 600, 15.0)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1), (48, 64, 4)])
def test_gray_and_four_channel_pictures_become_three_channels(node: Path, shape: Any) -> None:
    with camera(node, FakeCapture(picture=np.full(shape, 9, np.uint8))) as source:
        source.grab()
        assert source.retrieve().shape == (48, 64, 3)


def test_a_picture_that_cannot_be_decoded_is_an_error(node: Path) -> None:
    with camera(node, FakeCapture(picture=False)) as source:
        source.grab()
        with pytest.raises(SourceUnreadable, match="pixel-format"):
            source.retrieve()


def test_a_camera_that_gives_nothing_more_is_stalled_after_the_timeout(node: Path) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    source = camera(node, FakeCapture(frames=2), CaptureSettings(stall_timeout=1), clock=lambda: now[0], sleep=sleep)
    with source:
        assert [source.grab(), source.grab()] == [True, True]
        with pytest.raises(SourceStalled, match="no frame for 1 s"):
            for _ in range(100):
                assert source.grab() is None
    assert now[0] == pytest.approx(1.0, abs=0.06)


def test_a_camera_that_is_unplugged_is_noticed_at_once(node: Path) -> None:
    with camera(node, FakeCapture(frames=1)) as source:
        assert source.grab() is True
        node.unlink()
        with pytest.raises(SourceStalled, match="unplugged"):
            source.grab()


def test_opencv_has_no_word_of_its_own_on_a_camera_that_is_gone(node: Path) -> None:
    levels = []

    class Gone(FakeCapture):
        def release(self) -> None:
            levels.append(set_log_level(0))

    before = set_log_level(3)
    try:
        with camera(node, Gone()):
            pass
        assert levels == [0]
    finally:
        set_log_level(before)


def test_a_stable_name_is_followed_again_at_each_open(tmp_path: Path) -> None:
    opened: List[str] = []
    link = tmp_path / "usb-Webcam-index0"
    source = CameraSource(
        str(link), open_capture=lambda path: opened.append(Path(path).name) or FakeCapture(), ioctl=Kernel()
    )
    for name in ("video0", "video2"):
        (tmp_path / name).touch()
        link.symlink_to(name)
        with source:
            pass
        link.unlink()
    assert opened == ["video0", "video2"]


def test_a_camera_that_does_not_exist_is_answered_with_those_that_do() -> None:
    there = Device("/dev/video2", card="HD Pro")
    source = CameraSource("97", list_cameras=lambda: [there])
    with pytest.raises(SourceNotFound, match="There is no camera /dev/video97") as caught:
        source.open()
    assert "/dev/video2 (HD Pro)" in str(caught.value)
    assert "fer-edge cameras" in str(caught.value)


@pytest.mark.parametrize("text", ["97", "/dev/video97", "/dev/v4l/by-id/usb-None-index0"])
def test_without_any_camera_the_message_points_to_the_demo(text: str) -> None:
    with pytest.raises(SourceNotFound, match="--camera demo"):
        open_source(text).open()


def test_a_camera_in_use_is_reported_with_who_uses_it(node: Path) -> None:
    with node.open() as opened:
        holder = subprocess.Popen(["sleep", "60"], stdin=opened)
    try:
        with pytest.raises(SourceBusy, match=rf"in use by sleep \({holder.pid}\)"):
            camera(node, FakeCapture(), ioctl=Kernel(busy=True)).open()
        with pytest.raises(SourceBusy):
            camera(node, FakeCapture(works=False)).open()
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EBUSY, SourceBusy),
        (errno.ENODEV, SourceNotFound),
        (errno.ENXIO, SourceNotFound),
        (errno.EIO, SourceUnreadable),
    ],
)
def test_what_the_system_answers_becomes_the_error_that_fits(node: Path, number: int, error: Any) -> None:
    def refuse(path: str) -> int:
        raise OSError(number, os.strerror(number))

    with pytest.raises(error):
        camera(node, FakeCapture(), opener=refuse).open()


def test_a_node_of_another_users_group_is_refused_with_the_group_and_the_command(public_folder: Path) -> None:
    """Run as nobody, since root may open everything."""
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    node = public_folder / "video7"
    node.touch()
    os.chown(node, 0, 44)
    node.chmod(0o660)
    program = (
        "import os, sys\n"
        "from fer_edge.capture.v4l2.camera import CameraSource\n"
        "from fer_edge.errors import SourcePermission\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try:\n    CameraSource(sys.argv[1]).open()\n"
        "except SourcePermission as error:\n    print(error.exit_code, error)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(node)], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.stdout.startswith("12 This user may not open the camera"), answer.stderr
    assert "usermod -aG video" in answer.stdout


def test_a_refused_node_names_the_permission(node: Path) -> None:
    def refuse(path: str) -> int:
        raise PermissionError(errno.EACCES, "no")

    with pytest.raises(SourcePermission, match="may not open the camera"):
        camera(node, FakeCapture(), opener=refuse).open()


def test_a_plain_file_is_no_camera(node: Path) -> None:
    node.write_bytes(b"not a device")
    with pytest.raises(SourceUnreadable, match="is no camera"):
        CameraSource(str(node)).open()


def test_another_kind_of_device_is_no_camera() -> None:
    with pytest.raises(SourceUnreadable, match="/dev/null is no camera"):
        open_source("/dev/null").open()


def test_a_node_for_metadata_gives_no_pictures(node: Path) -> None:
    with pytest.raises(SourceUnreadable, match="gives no pictures"):
        camera(node, FakeCapture(), ioctl=Kernel(METADATA)).open()


def test_opencv_is_told_to_wait_a_second_for_a_camera_and_not_ten() -> None:
    program = "import os, fer_edge.capture.v4l2.camera; print(os.environ['OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT'])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == "1"


def twins(path: str) -> List[Device]:
    names = ("/dev/v4l/by-id/usb-Webcam-index0", "/dev/v4l/by-path/usb-0:2-index0")
    return [Device(path, names, "Webcam"), Device("/dev/video9", (), "Webcam")]


def test_a_camera_can_be_found_again_by_its_make_or_if_there_are_two_of_it_by_its_socket(node: Path) -> None:
    alone = camera(node, FakeCapture(), list_cameras=lambda: twins(str(node))[:1]).open()
    assert alone.names == ("/dev/v4l/by-id/usb-Webcam-index0",)
    with_a_twin = camera(node, FakeCapture(), list_cameras=lambda: twins(str(node))).open()
    assert with_a_twin.names == ("/dev/v4l/by-path/usb-0:2-index0",)
    without_a_make = Device(str(node), ("/dev/v4l/by-path/usb-0:2-index0",), "Webcam")
    assert camera(node, FakeCapture(), list_cameras=lambda: [without_a_make]).open().names == without_a_make.names
    unnamed = camera(node, FakeCapture(), list_cameras=lambda: [Device(str(node))]).open()
    assert unnamed.names == (str(node),)


def test_a_link_that_was_asked_for_stays_the_only_name(node: Path) -> None:
    link = node.parent / "front-door"
    link.symlink_to(node)
    info = camera(link, FakeCapture(), list_cameras=lambda: twins(str(node))[:1]).open()
    assert info.names == (str(link),)
