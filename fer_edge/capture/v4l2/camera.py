"""USB and other V4L2 cameras, through OpenCV."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from typing import Any, Callable, List, Optional

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.opencv import cv2, quiet, to_bgr
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.stall import StallTimer
from fer_edge.capture.v4l2 import kernel
from fer_edge.capture.v4l2.devices import (
    Device,
    Opener,
    holders,
    lasting_names,
    list_devices,
    open_node,
    permission_advice,
)
from fer_edge.errors import SourceBusy, SourceError, SourceNotFound, SourcePermission, SourceStalled, SourceUnreadable
from fer_edge.types import Image

_PAUSE = 0.05  # s; a grab that fails at once must not keep a core busy


def _open_capture(node: str) -> Any:
    with quiet():
        return cv2.VideoCapture(node, cv2.CAP_V4L2)


class CameraSource(Source):
    """A camera that Linux shows as ``/dev/video*``.

    Parameters
    ----------
    camera : str
        A number (``0`` is ``/dev/video0``), or a device node or a link to one (``/dev/v4l/by-id/...``), which is followed
        again at each `open`, so that a camera may come back under another number.
    settings : CaptureSettings
        Size, rate and pixel format to ask for; the driver takes what is nearest.
    open_capture, opener, ioctl : callable
        How to open OpenCV's capture and the node itself, and how to ask the kernel; for tests.
    list_cameras : callable
        Gives the cameras that there are, for messages and for names that last.
    """

    live = True

    def __init__(
        self,
        camera: str,
        settings: CaptureSettings = DEFAULTS,
        open_capture: Callable[[str], Any] = _open_capture,
        opener: Opener = open_node,
        ioctl: kernel.Ioctl = fcntl.ioctl,
        list_cameras: Callable[[], List[Device]] = list_devices,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = f"/dev/video{int(camera)}" if camera.isdigit() else camera
        self._settings = settings
        self._open_capture = open_capture
        self._opener = opener
        self._ioctl = ioctl
        self._list_cameras = list_cameras
        self._clock = clock
        self._sleep = sleep
        self._capture: Any = None
        self._node = ""
        self._stall = StallTimer(
            f"The camera {self._path}",
            settings.stall_timeout,
            "Plug it in again, without a hub if possible; a smaller --size needs less of the USB bus.",
            clock,
        )

    def open(self) -> SourceInfo:
        """Check the device, open it, and ask for format, size and rate."""
        self.close()
        self._node = os.path.realpath(self._path)
        card = self._check()
        # Whoever names a link has chosen what the camera shall be found by.
        chosen = os.path.islink(self._path)
        names = (self._path,) if chosen else lasting_names(self._path, self._list_cameras())
        capture = self._open_capture(self._node)
        self._capture = capture
        if not capture.isOpened():
            self.close()
            raise self._refused()
        width, height = self._settings.size
        # The order matters: drivers choose size and rate among those of the current pixel format.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self._settings.fourcc))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, self._settings.rate)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return SourceInfo(
            f"{self._path} ({card})",
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            max(0.0, float(capture.get(cv2.CAP_PROP_FPS))),
            names,
        )

    def grab(self) -> Optional[bool]:
        """Wait for the next image; OpenCV gives up after a second."""
        self._stall.start()
        started = self._clock()
        with quiet():
            grabbed = self._capture.grab()
        if grabbed:
            self._stall.frame()
            return True
        if not os.path.exists(self._node):
            raise SourceStalled(f"The camera {self._path} was unplugged.", "Plug it in again.")
        if self._clock() - started < _PAUSE:
            self._sleep(_PAUSE)
        self._stall.nothing()
        return None

    def retrieve(self) -> Image:
        """Decode the image."""
        # OpenCV decodes a camera's JPEG unseen: the raw bytes that it could give instead come from a buffer that the driver
        # is already filling anew. What such an image costs is bounded by the size of the driver's buffers.
        with quiet():
            done, image = self._capture.retrieve()
        if not done or image is None:
            raise SourceUnreadable(
                f"The camera {self._path} gave a picture that cannot be decoded.",
                "Try another --pixel-format, such as YUYV.",
            )
        return to_bgr(image)

    def close(self) -> None:
        """Give the device back."""
        capture, self._capture = self._capture, None
        if capture is not None:
            # Of a camera that is gone OpenCV would say that it could not give back its buffers.
            with quiet():
                capture.release()

    def _check(self) -> str:
        """Open the node itself, which tells better than OpenCV what is wrong. Returns the camera's name."""
        if not os.path.exists(self._node):
            raise SourceNotFound(f"There is no camera {self._path}.", self._what_there_is())
        try:
            descriptor = self._opener(self._node)
        except PermissionError:
            raise SourcePermission(
                f"This user may not open the camera {self._path}.", f"On {self._node}: {permission_advice(self._node)}"
            ) from None
        except OSError as error:
            raise self._from_system(error) from None
        try:
            who = kernel.query(descriptor, self._ioctl)
            if not who.captures:
                raise SourceUnreadable(
                    f"{self._path} ({who.card}) is a video device, but gives no pictures.", self._what_there_is()
                )
            if kernel.is_busy(descriptor, who, self._ioctl):
                raise self._busy()
            return who.card
        except OSError:
            raise SourceUnreadable(f"{self._path} is no camera.", self._what_there_is()) from None
        finally:
            os.close(descriptor)

    def _from_system(self, error: OSError) -> SourceError:
        if error.errno == errno.EBUSY:
            return self._busy()
        if error.errno in (errno.ENODEV, errno.ENXIO, errno.ENOENT):
            return SourceNotFound(f"No camera answers at {self._path}.", self._what_there_is())
        return SourceUnreadable(f"{self._path} cannot be opened: {error.strerror}.", self._what_there_is())

    def _busy(self) -> SourceBusy:
        users = holders(self._node)
        who = ", ".join(users) if users else "a program that this user may not see"
        return SourceBusy(
            f"The camera {self._path} is in use by {who}.", "Close that program, or choose another camera."
        )

    def _refused(self) -> SourceError:
        """Explain why OpenCV could not start a node that was fine a moment ago."""
        if holders(self._node):
            return self._busy()
        return SourceUnreadable(
            f"The camera {self._path} can be opened, but gives no pictures to OpenCV.",
            "`fer-edge cameras` lists its formats; choose one with --pixel-format.",
        )

    def _what_there_is(self) -> str:
        cameras = self._list_cameras()
        there_are = "There are: " + ", ".join(f"{d.path} ({d.card or 'unknown'})" for d in cameras) + "."
        return (there_are if cameras else "No camera is connected.") + (
            " See `fer-edge cameras`, or try without one:  --camera demo"
        )
