"""MJPEG over HTTP, as most network cameras and phone applications give it."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Callable, Deque, Optional

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.authentication import Authentication
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.http.mjpeg import JpegSplitter
from fer_edge.capture.http.stream import HttpStream
from fer_edge.capture.opencv import decode
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.stall import StallTimer
from fer_edge.errors import SourceError, SourceStalled, SourceUnreadable
from fer_edge.system.masking import printable
from fer_edge.types import Image

_GRAB_WAIT = 0.5
_POLLS_PER_SECOND = 10.0
_MOST_WITHOUT_IMAGE = 4 * 1024 * 1024


class HttpSource(Source):
    """Reads ``http://`` and ``https://`` addresses that give MJPEG, or a single JPEG that is fetched again and again.

    A live stream has no end: when the server closes it, that is a `SourceStalled`.

    Parameters
    ----------
    url : str
        With ``user:password@`` before the host if the camera wants it; never shown in full.
    settings : CaptureSettings
        Time limits; for a single JPEG also how often it is fetched (10 times a second unless ``fps`` says otherwise).
    """

    live = True

    def __init__(
        self, url: str, settings: CaptureSettings = DEFAULTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = CameraAddress.parse(url)
        self._authentication = Authentication(self._address)
        self._settings = settings
        self._clock = clock
        self._interrupted = threading.Event()
        self._stream: Optional[HttpStream] = None
        self._splitter = JpegSplitter()
        self._waiting: Deque[bytes] = deque()
        self._image = b""
        self._polled = False
        self._next_poll = 0.0
        self._delivered = 0
        self._stall = StallTimer(
            self._address.name, settings.stall_timeout, "Check the camera and the network between.", clock
        )

    def open(self) -> SourceInfo:
        """Connect and wait for the first image, which `grab` then gives."""
        self.close()
        self._delivered = 0
        self._authentication = Authentication(self._address)
        try:
            self._request()
            first = decode(self._first_image())
            if first is None:
                raise self._no_video()
        except BaseException:
            self.close()
            raise
        height, width = first.shape[:2]
        return SourceInfo(self._address.name, width, height, (self._settings.fps or 0.0) if self._polled else 0.0)

    def grab(self) -> Optional[bool]:
        """Wait for the next image, half a second at most."""
        self._stall.start()
        if not self._waiting and not self._receive(_GRAB_WAIT):
            self._stall.nothing()
            return None
        self._stall.frame()
        self._image = self._waiting.popleft()
        self._delivered += 1
        return True

    def retrieve(self) -> Image:
        """Decode the image."""
        image = decode(self._image)
        if image is None:
            raise SourceUnreadable(
                f"{self._address.name} sent a picture that cannot be decoded (number {self._delivered}).",
                "Open the address in a browser to see what it gives.",
            )
        return image

    def close(self) -> None:
        """Close the connection."""
        self._splitter = JpegSplitter()
        self._waiting.clear()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def interrupt(self) -> None:
        """Make a waiting call return within a tenth of a second."""
        self._interrupted.set()

    @property
    def _open_stream(self) -> HttpStream:
        if self._stream is None:
            raise ValueError("the source is closed")
        return self._stream

    def _request(self) -> None:
        self._next_poll = self._clock() + 1 / (self._settings.fps or _POLLS_PER_SECOND)
        self._stream = HttpStream(
            self._address, self._settings.connect_timeout, self._interrupted, self._authentication
        )
        self._stream.open()
        # Some cameras call their stream application/octet-stream, or nothing at all: only what cannot be one is refused.
        if self._stream.content_type.startswith(("text/", "application/json", "audio/")):
            raise self._no_video()
        self._polled = self.keeps_rate = self._stream.content_type == "image/jpeg"

    def _first_image(self) -> bytes:
        deadline = self._clock() + self._settings.connect_timeout
        received = 0
        while not self._waiting:
            piece = self._open_stream.read(max(0.0, deadline - self._clock()))
            if piece is None:
                if self._interrupted.is_set():
                    raise SourceStalled(f"Waiting for {self._address.name} was interrupted.")
                if received:
                    raise self._no_video()
                raise SourceStalled(
                    f"{self._address.name} answered, but sent no picture for {self._settings.connect_timeout:g} s.",
                    "Restart the camera's stream.",
                )
            received += len(piece)
            self._take(piece)
            if not self._waiting and (not piece or received > _MOST_WITHOUT_IMAGE):
                raise self._no_video()
        return self._waiting[0]

    def _receive(self, timeout: float) -> bool:
        """Read until an image is here, time ran out, or somebody interrupts."""
        deadline = self._clock() + timeout
        late = 0
        # A program that stood still finds many bytes and no time left: it looks at them before it takes its source for dead.
        while not self._waiting and late <= _MOST_WITHOUT_IMAGE:
            if self._polled and not self._poll(deadline):
                return False
            left = deadline - self._clock()
            piece = self._open_stream.read(max(0.0, left))
            if piece is None:
                return False
            if not piece:
                if self._polled:
                    raise self._no_video()
                raise SourceStalled(
                    f"{self._address.name} ended the stream after {self._delivered} frames.",
                    "Check the camera; another viewer may have taken its place.",
                )
            self._take(piece)
            late += len(piece) if left <= 0 else 0
        return bool(self._waiting)

    def _take(self, piece: bytes) -> None:
        self._waiting.extend(self._splitter.feed(piece))
        if self._waiting and self._polled and self._stream is not None:
            self._stream.close()
            self._stream = None

    def _poll(self, deadline: float) -> bool:
        """Ask for the single image again when its time has come; False if that is after `deadline`."""
        if self._stream is not None:
            return True
        wait = min(self._next_poll, deadline) - self._clock()
        if (wait > 0 and self._interrupted.wait(wait)) or self._clock() < self._next_poll:
            return False
        self._request()
        return True

    def _no_video(self) -> SourceError:
        kind = self._stream.content_type if self._stream is not None else ""
        return SourceUnreadable(
            f"{self._address.name} is no MJPEG stream" + (f": it sends {printable(kind)}." if kind else "."),
            "Look up the camera's MJPEG address (often /video, /mjpg/video.mjpg or ?action=stream), or use its rtsp:// one.",
        )
