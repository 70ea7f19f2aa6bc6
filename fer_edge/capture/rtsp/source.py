"""RTSP cameras, read by FFmpeg in a process of their own."""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Callable, Optional

import numpy as np

from fer_edge.capture.address import CameraAddress, connect
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.child import ChildPipe, PipeClosed
from fer_edge.capture.file.complaints import tells_of_refusal
from fer_edge.capture.limits import LARGEST, MOST_PIXELS, fits
from fer_edge.capture.rtsp.options import RtspOptions
from fer_edge.capture.rtsp.outlet import (
    ANSWERED,
    ENDED,
    FAILED,
    FRAME,
    HEADER,
    LONGEST_FAILURE,
    OPENED,
    STARTED,
)
from fer_edge.capture.rtsp.refusal import refused
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.stall import STREAM_FROZEN_AFTER, StallTimer
from fer_edge.errors import SourceError, SourceStalled, SourceUnreachable, SourceUnreadable
from fer_edge.system.installation import pip_install
from fer_edge.system.masking import mask, printable
from fer_edge.system.python_child import python_child
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

_GRAB_WAIT = 0.5
_START_WAIT = 20.0  # s; for the process to load its libraries, on a slow board with a cold disk
_SPEAKING = 1.0  # s; for the process to say more than that nothing came
_CLOSING = 10.0  # s; of the limit of `open`, for what is not waiting
_PASSED_ON = ("connect_timeout", "first_image_timeout", "transport", "tls_ca", "tls_insecure")
_LONGEST_LINE = 500
_LONGEST_WORDS = 100  # too few for JSON that is nested too deeply


class RtspSource(Source):
    """Reads ``rtsp://`` and ``rtsps://`` addresses.

    A live stream has no end: when the server closes it, that is a `SourceStalled`. It begins with a key frame; nothing is
    given of what comes before. The certificate of an ``rtsps://`` camera must be trusted by this machine, or its file be named
    in the settings or in SSL_CERT_FILE; the log says where nobody checks. FFmpeg's options can be set in the environment
    variable OPENCV_FFMPEG_CAPTURE_OPTIONS, for instance ``rtsp_transport;udp``, and win over the settings.

    Parameters
    ----------
    url : str
        With ``user:password@`` before the host if the camera wants it; never shown in full, nor in the list of processes.
    settings : CaptureSettings
        Time limits, transport, and whom to trust.
    """

    live = True
    frozen_after = STREAM_FROZEN_AFTER

    def __init__(
        self, url: str, settings: CaptureSettings = DEFAULTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = CameraAddress.parse(url)
        self._settings = settings
        child = python_child("fer_edge.capture.rtsp.reader")
        self._pipe = ChildPipe(child.command, child.changes)
        self._stall = StallTimer(
            self._address.name,
            settings.stall_timeout,
            "Check the camera and the network between; a camera that gives pictures so seldom needs a longer --stall-timeout.",
            clock,
        )
        self.opening_limit = (
            2 * settings.connect_timeout + _START_WAIT + _SPEAKING + settings.first_image_timeout + _CLOSING
        )
        self._clock = clock
        self._header = bytearray(HEADER.size)
        self._payload: Optional[memoryview] = None
        self._kind = b""
        self._size = (0, 0)
        self._image: Image = np.empty((0, 0, 3), np.uint8)
        self._has_first = False
        self._delivered = 0

    def open(self) -> SourceInfo:
        """Connect and wait for the first image, which `grab` then gives."""
        self.close()
        self._delivered = 0
        asked = self._settings
        options = RtspOptions(self._address, asked=asked)
        options.check()
        if options.unsafe_because:
            logger.warning("%s: nobody checks who answers, as %s says", self._address.name, options.unsafe_because)
        try:
            # FFmpeg would say less about a host that is not there.
            connect(self._address, asked.connect_timeout, self._pipe.interrupted).close()
            request = {
                "url": self._address.url,
                "asked": {name: getattr(asked, name) for name in _PASSED_ON},
                # FFmpeg's own. Longer than all of ours, so that a stalled stream is not taken for an ended one.
                "limit": 10 + 2 * (asked.connect_timeout + asked.first_image_timeout + asked.stall_timeout),
            }
            self._pipe.start(json.dumps(request).encode() + b"\n")
            fps = self._await_first(options.transport)
        except BaseException:
            self.close()
            raise
        self._has_first = True
        return SourceInfo(self._address.name, *self._size, fps)

    def grab(self) -> Optional[bool]:
        """Wait for the next image, half a second at most."""
        if self._has_first:
            self._has_first = False
        else:
            self._stall.start()
            if not self._await(FRAME, _GRAB_WAIT):
                self._stall.nothing()
                return None
            self._stall.frame()
        self._delivered += 1
        return True

    def retrieve(self) -> Image:
        """Return the image."""
        return self._image

    def close(self) -> None:
        """End the process."""
        self._has_first = False
        self._payload = None
        self._kind = b""
        self._pipe.close()

    def interrupt(self) -> None:
        """Make a waiting call return within a tenth of a second."""
        self._pipe.interrupted.set()

    def _await_first(self, transport: str) -> float:
        """Wait for the first image, with a limit for each step on the way, and return the nominal rate."""
        connect_timeout, first_image_timeout = self._settings.connect_timeout, self._settings.first_image_timeout
        if not self._await(STARTED, _START_WAIT):
            raise SourceUnreachable(
                f"The process that is to read {self._address.name} did not start within {_START_WAIT:g} s.",
                "Look whether this machine is overloaded, or its disk fails.",
            )
        if not self._await(ANSWERED, connect_timeout + _SPEAKING):
            raise SourceUnreachable(
                f"{self._address.name} did not answer within {connect_timeout:g} s.",
                "Check the address, and that the camera serves RTSP there; one that is slow to answer needs a longer "
                "--connect-timeout.",
            )
        deadline = self._clock() + first_image_timeout
        if self._await(OPENED, first_image_timeout):
            fps = self._rate()
            if self._await(FRAME, max(0.0, deadline - self._clock())):
                return fps
        raise SourceStalled(
            f"{self._address.name} answered, but gave no picture for {first_image_timeout:g} s.",
            "A camera with a long key-frame interval (also called I-frame interval or GOP) needs a longer "
            "--first-image-timeout, or a shorter interval in its own settings."
            + (" Over UDP, a firewall may keep pictures back: try --transport tcp." if transport != "tcp" else ""),
        )

    def _rate(self) -> float:
        try:
            fps = float(json.loads(bytes(self._payload or b"{}"))["fps"])
        except (ValueError, TypeError, LookupError, OverflowError):
            raise self._nonsense() from None
        self._payload = None
        return fps if 0 < fps <= 1000 else 0.0

    def _await(self, wanted: bytes, timeout: float) -> bool:
        """Read one message; False if it is not complete in time."""
        deadline = self._clock() + timeout
        try:
            if not self._kind:
                if not self._pipe.fill(memoryview(self._header), deadline - self._clock()):
                    return False
                self._begin()
            if self._payload and not self._pipe.fill(self._payload, max(0.0, deadline - self._clock())):
                return False
        except PipeClosed:
            raise self._failure(self._pipe.finish()) from None
        kind, self._kind = self._kind, b""
        if kind == ENDED:
            raise SourceStalled(
                f"{self._address.name} ended the stream after {self._delivered} frames.",
                "Check the camera; another viewer may have taken its place.",
            )
        if kind == FAILED and self._payload:
            message, _, remedy = bytes(self._payload).decode("utf-8", "replace").partition("\n")
            message = printable(mask(message), len(message))
            if self._address.name not in message:
                message = f"{self._address.name}: {message}"
            raise SourceUnreachable(message, printable(mask(remedy), len(remedy)))
        if kind != wanted:
            raise self._failure(self._pipe.finish())
        if kind == FRAME and tells_of_refusal(self._pipe.errors):
            raise SourceUnreadable(
                f"{self._address.name} sends interlaced pictures, and the installed OpenCV gives something else for them.",
                f"Install PyAV, which reads them:  {pip_install('media')}  or an OpenCV that does:  "
                "pip install 'opencv-python<4.13'  Or choose progressive pictures in the camera.",
            )
        return True

    def _begin(self) -> None:
        """Make room for what the header announces."""
        kind, width, height, length = HEADER.unpack(self._header)
        # FFmpeg reads what a stranger sent: its process is not believed blindly.
        if kind == FRAME:
            if not fits(width, height) or length != width * height * 3:
                raise self._nonsense(f"a picture of {width} x {height} pixels in {length} bytes")
            self._size = (width, height)
            self._image = np.empty((height, width, 3), np.uint8)
            self._payload = self._image.data.cast("B")
        else:
            if length > (LONGEST_FAILURE if kind == FAILED else _LONGEST_WORDS):
                raise self._nonsense()
            self._payload = memoryview(bytearray(length)) if length else None
        self._kind = kind

    def _nonsense(self, what: str = "something that cannot be understood") -> SourceUnreadable:
        return SourceUnreadable(
            f"{self._address.name} gives {what}.",
            f"Pictures of up to {LARGEST} pixels a side and {MOST_PIXELS} in all can be read: choose a smaller stream.",
        )

    def _failure(self, status: int) -> SourceError:
        """Say in our words what FFmpeg said in its own."""
        lines = [printable(mask(line), _LONGEST_LINE) for line in self._pipe.errors.splitlines()]
        name = self._address.name
        answer = re.search(r"(?:failed: |returned )([45][0-9]{2})\b(.*)", "\n".join(lines))
        if answer is not None:
            return refused(self._address, int(answer.group(1)), answer.group(2))
        lines = [re.sub(r"^\[[^\]]*\] ", "", line) for line in lines if line.strip()]
        if not lines and status == 0:
            return SourceUnreadable(
                f"{name} gave no answer, or none that is RTSP.",
                "Check address and port, and that the camera speaks RTSP there.",
            )
        said = lines[-1].strip() if lines else f"its reader ended with status {status}"
        return SourceUnreadable(
            f"{name} gives no video that can be read: {said}",
            "Try the address in another player, such as ffplay or VLC.",
        )
