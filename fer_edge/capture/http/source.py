"""Pictures over HTTP, as most network cameras and phone applications give them: a stream of them, or one for each request."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Callable, Deque, Optional

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.authentication import Authentication
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.http.other_media import LOOKED_AT, PAGE, kind_of
from fer_edge.capture.http.pictures import MAX_IMAGE, PictureSplitter
from fer_edge.capture.http.snapshots import SnapshotMissed, SnapshotPoller
from fer_edge.capture.http.stream import HttpStream
from fer_edge.capture.opencv import decode
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.stall import StallTimer
from fer_edge.capture.tls import TlsSettings
from fer_edge.errors import OtherMedia, SourceError, SourceStalled, SourceUnreachable, SourceUnreadable
from fer_edge.system.masking import printable
from fer_edge.types import Image

logger = logging.getLogger("fer_edge")

_GRAB_WAIT = 0.5
POLLS_PER_SECOND = 10.0
_MOST_WITHOUT_IMAGE = 2 * MAX_IMAGE
_MOST_LATE = 4 * 1024 * 1024  # bytes; of what is no image, a slow board looks through as many in a second or two
_QUIET = 2.0  # s after one picture, when a server that names no end has sent it all
_MARGIN = 10.0  # s
_LOOK_UP = (
    "Look up the camera's MJPEG address (often /video, /mjpg/video.mjpg or ?action=stream), or use its rtsp:// one."
)


class HttpSource(Source):
    """Reads ``http://`` and ``https://`` addresses that give MJPEG, or a single picture that is fetched again and again.

    What it is tells what comes, not what the camera calls it: a body that ends after one picture is fetched again, one that
    goes on is a stream. Pictures are JPEG, PNG or WebP. A live stream has no end: when the server closes it, that is a
    `SourceStalled`. A request for a single picture that fails leaves out one frame; the camera is lost when there was none for
    ``stall_timeout``.

    Parameters
    ----------
    url : str
        With ``user:password@`` before the host if the camera wants it; never shown in full.
    settings : CaptureSettings
        Time limits, and whom to trust; for a single picture also how often it is fetched (10 times a second unless ``fps`` says
        otherwise).
    """

    live = True

    def __init__(
        self, url: str, settings: CaptureSettings = DEFAULTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = CameraAddress.parse(url)
        self._authentication = Authentication(self._address)
        self._settings = settings
        self._tls = TlsSettings.of(settings)
        self.opening_limit = settings.connect_timeout + settings.first_image_timeout + _MARGIN
        self._clock = clock
        self._interrupted = threading.Event()
        self._stream: Optional[HttpStream] = None
        self._poller: Optional[SnapshotPoller] = None
        self._splitter = PictureSplitter()
        self._waiting: Deque[bytes] = deque()
        self._image = b""
        self._found = 0
        self._quiet = 0.0
        self._asked_at = 0.0
        self._delivered = 0
        self._stall = StallTimer(
            self._address.name,
            settings.stall_timeout,
            "Check the camera and the network between; a camera that gives pictures so seldom needs a longer --stall-timeout.",
            clock,
        )

    def open(self) -> SourceInfo:
        """Connect and wait for the first image, which `grab` then gives.

        Raises
        ------
        OtherMedia
            The address gives a video, a playlist or the like; its ``kind`` says what.
        """
        self.close()
        self._delivered = self._found = 0
        self.keeps_rate = False
        self._quiet = 0.0
        self._authentication = Authentication(self._address)
        if self._address.scheme == "https" and self._settings.tls_insecure:
            logger.warning("%s: nobody checks who answers, as tls_insecure says", self._address.name)
        try:
            self._asked_at = time.monotonic()
            self._stream = self._new_stream(self._interrupted)
            self._stream.open()
            first = decode(self._first_image())
            if first is None:
                raise self._no_video()
        except BaseException:
            self.close()
            raise
        height, width = first.shape[:2]
        fps = self._settings.fps if self._is_one_picture else None
        return SourceInfo(self._address.name, width, height, fps or 0.0)

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
        self._splitter = PictureSplitter()
        self._waiting.clear()
        self._close_stream()
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.close()

    def interrupt(self) -> None:
        """Make a waiting call return within a tenth of a second."""
        self._interrupted.set()
        poller = self._poller
        if poller is not None:
            poller.stop()

    @property
    def _open_stream(self) -> HttpStream:
        if self._stream is None:
            raise ValueError("the source is closed")
        return self._stream

    @property
    def _is_one_picture(self) -> bool:
        """Whether the answer says itself that it is one picture."""
        stream = self._stream
        return stream is not None and stream.is_framed and stream.content_type.startswith("image/")

    def _new_stream(self, interrupted: threading.Event) -> HttpStream:
        return HttpStream(self._address, self._settings.connect_timeout, interrupted, self._authentication, self._tls)

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _first_image(self) -> bytes:
        limit = self._settings.first_image_timeout
        deadline = self._clock() + limit
        begin, received = b"", 0
        while not self._waiting:
            piece = self._open_stream.read(max(0.0, deadline - self._clock()))
            if piece is None:
                if self._interrupted.is_set():
                    raise SourceStalled(f"Waiting for {self._address.name} was interrupted.")
                if received:
                    raise self._no_video(begin)
                raise SourceStalled(
                    f"{self._address.name} answered, but sent no picture for {limit:g} s.",
                    "Restart the camera's stream; one that begins slowly needs a longer --first-image-timeout.",
                )
            if len(begin) < LOOKED_AT:
                begin += piece[:LOOKED_AT]
                self._refuse_what_plays(begin)
            received += len(piece)
            self._take(piece)
            if not self._waiting and (not piece or received > _MOST_WITHOUT_IMAGE):
                raise self._no_video(begin)
        return self._waiting[0]

    def _receive(self, timeout: float) -> bool:
        """Read until an image is here, time ran out, or somebody interrupts."""
        deadline = self._clock() + timeout
        late = 0
        # A program that stood still finds many bytes and no time left: it looks at them before it takes its source for dead.
        while not self._waiting and late <= _MOST_LATE:
            left = deadline - self._clock()
            if self._poller is not None:
                picture = self._poller.take(max(0.0, left))
                if picture is not None:
                    self._waiting.append(picture)
                return picture is not None
            piece = self._open_stream.read(max(0.0, left))
            if piece:
                self._quiet = 0.0
                self._take(piece)
                late += len(piece) if left <= 0 else 0
            elif piece is None and not self._is_silent_after_one(timeout):
                return False
            elif piece is None or self._found == 1 or self._open_stream.content_type.startswith("image/"):
                self._poll()
            else:
                raise SourceStalled(
                    f"{self._address.name} ended the stream after {self._delivered} frames.",
                    "Check the camera; another viewer may have taken its place.",
                )
        return bool(self._waiting)

    def _is_silent_after_one(self, waited: float) -> bool:
        """Return whether a server that leaves its connection open has sent one picture, and that is all."""
        self._quiet += waited
        is_stream = self._open_stream.content_type.startswith("multipart/")
        return self._found == 1 and not is_stream and self._quiet >= _QUIET and not self._interrupted.is_set()

    def _take(self, piece: bytes) -> None:
        images = self._splitter.feed(piece)
        if not piece and not self._found and self._open_stream.is_whole:
            images = list(filter(None, [self._splitter.unfinished()]))
        if self._is_one_picture:
            # Some have a smaller one, or that of a second lens, behind the first.
            images = images[: 1 - min(self._found, 1)]
        self._found += len(images)
        self._waiting.extend(images)

    def _poll(self) -> None:
        """Go on by asking for one picture after the other."""
        self._close_stream()
        period = 1 / (self._settings.fps or POLLS_PER_SECOND)
        self.keeps_rate = True
        self._poller = SnapshotPoller(self._fetch, period, self._asked_at + period, self._address.name)
        if self._interrupted.is_set():
            self._poller.stop()

    def _fetch(self, stopping: threading.Event) -> bytes:
        """Ask for one picture, in the thread of the poller."""
        stream, splitter = self._new_stream(stopping), PictureSplitter()
        try:
            try:
                stream.open()
            except SourceUnreachable as error:
                if stream.status in (401, 403):
                    raise  # to ask on and on with a wrong password has many cameras lock their user out
                raise SnapshotMissed(error.message) from None
            deadline = time.monotonic() + self._settings.stall_timeout
            received = 0
            while received <= _MOST_WITHOUT_IMAGE:
                piece = stream.read(max(0.0, deadline - time.monotonic()))
                images = splitter.feed(piece or b"")
                if not images and not piece and stream.is_whole:
                    images = list(filter(None, [splitter.unfinished()]))
                if images:
                    return images[0]
                if not piece:
                    break
                received += len(piece)
            what = f"{received} bytes, and no whole picture in them" if received else "nothing"
            raise SnapshotMissed(f"it answered, and sent {what}.")
        finally:
            stream.close()

    def _refuse_what_plays(self, begin: bytes) -> None:
        kind = kind_of(begin, self._open_stream.content_type)
        if kind == PAGE:
            raise self._no_video(begin)
        if kind:
            raise OtherMedia(
                f"{self._address.name} is no MJPEG stream: it sends {printable(kind)}, which plays and is no pictures.",
                _LOOK_UP,
                kind,
            )

    def _no_video(self, begin: bytes = b"") -> SourceError:
        kind = self._stream.content_type if self._stream is not None else ""
        words = printable(kind) and f": it sends {printable(kind)}"
        if PAGE in (kind, kind_of(begin, kind)):
            words = f": it sends {printable(kind) or 'HTML'}, a web page for people"
        return SourceUnreadable(f"{self._address.name} is no MJPEG stream{words}.", _LOOK_UP)
