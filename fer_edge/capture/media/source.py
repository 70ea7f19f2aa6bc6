"""Videos, pipes and streams, read by FFmpeg in a process of their own."""

from __future__ import annotations

import math
import time
from typing import Callable, Optional

import numpy as np

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.child import ChildPipe, PipeClosed
from fer_edge.capture.limits import fits
from fer_edge.capture.media.inputs import MediaInput
from fer_edge.capture.media.messages import (
    ENDED,
    FAILED,
    FRAME,
    HEADER,
    LONGEST_REPORT,
    OPENED,
    Report,
    Request,
)
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.stall import StallTimer
from fer_edge.errors import SourceError, SourceStalled, SourceUnreachable, SourceUnreadable
from fer_edge.system.masking import mask, printable
from fer_edge.system.python_child import python_child
from fer_edge.types import Image

_GRAB_WAIT = 0.5
_START_WAIT = 15.0  # s; for the process to load its libraries, on a slow board with a cold disk
_FOREVER = 1e9
_LONGEST_LINE = 300


class MediaSource(Source):
    """Gives the images of what FFmpeg reads.

    Of a file or a pipe every image comes, in order; of a live stream the newest.

    Parameters
    ----------
    media : MediaInput
        What to read.
    settings : CaptureSettings
        Time limits, and ``loop``.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, media: MediaInput, settings: CaptureSettings = DEFAULTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.live = media.live
        self._media = media
        self._settings = settings
        self._clock = clock
        waits = (settings.connect_timeout, media.open_timeout, media.first_timeout)
        self.opening_limit = 2 * _START_WAIT + sum(filter(None, waits))
        child = python_child("fer_edge.capture.media.reader")
        self._pipe = ChildPipe(child.command, child.changes)
        self._stall = StallTimer(
            media.name, media.stall_timeout or _FOREVER, "Check what sends it, and the way between.", clock
        )
        self._header = bytearray(HEADER.size)
        self._payload: Optional[memoryview] = None
        self._kind = b""
        self._image: Image = np.empty((0, 0, 3), np.uint8)
        self._coming: Image = self._image
        self._moment = math.nan
        self._has_first = self._has_ended = False
        self._delivered = 0
        self._media_time: Optional[float] = None

    def open(self) -> SourceInfo:
        """Start the process and wait for the first image, which `grab` then gives."""
        self._end()
        self._delivered = 0
        self._media_time = None
        media = self._media
        try:
            prepared = media.prepare(self._pipe.interrupted)
            stall = media.stall_timeout
            request = Request(
                prepared.place,
                prepared.options,
                media.open_timeout,
                # Longer than ours, so that a stalled stream is not taken for an ended one.
                None if stall is None or not media.live else 2 * stall + 10,
                media.live,
                media.paced,
                prepared.library,
                media.quick,
            )
            self._pipe.start(request.line(), prepared.descriptors)
            fps = self._await_first()
        except BaseException:
            self.close()
            raise
        self._has_first = True
        height, width = self._image.shape[:2]
        return SourceInfo(media.title, width, height, fps)

    def grab(self) -> Optional[bool]:
        """Wait for the next image, half a second at most.

        Raises
        ------
        SourceTruncated
            At the end of a file that is cut off or damaged; all that could be decoded was given.
        SourceStalled
            A live stream ended, or paused for too long.
        """
        if self._has_ended:
            return False
        if self._has_first:
            self._has_first = False
        else:
            self._stall.start()
            kind = self._next(_GRAB_WAIT)
            if not kind:
                self._stall.nothing()
                return None
            self._stall.frame()
            if kind == ENDED:
                return self._at_end(self._report())
            if kind != FRAME:
                raise self._nonsense()
        self._delivered += 1
        return True

    def retrieve(self) -> Image:
        """Return the image."""
        if not self.live:
            self._media_time = self._moment if math.isfinite(self._moment) else None
        return self._image

    @property
    def media_time(self) -> Optional[float]:
        """Seconds from the start to the image that was last retrieved; None where it is live, or nobody knows."""
        return self._media_time

    def close(self) -> None:
        """End the process."""
        self._end()
        self._media.release()

    def interrupt(self) -> None:
        """Make a waiting call return within a tenth of a second."""
        self._pipe.interrupted.set()

    def _end(self) -> None:
        self._has_first = self._has_ended = False
        self._payload = None
        self._kind = b""
        self._pipe.close()

    def _await_first(self) -> float:
        media = self._media
        opening = _START_WAIT + (_FOREVER if media.open_timeout is None else 2 * media.open_timeout)
        kind = self._next(opening)
        if kind == FAILED:
            raise media.unreadable(self._report())
        if not kind:
            raise self._silent(f"did not answer within {opening - _START_WAIT:g} s")
        if kind != OPENED:
            raise self._nonsense()
        fps = self._report().fps
        first = _FOREVER if media.first_timeout is None else media.first_timeout
        kind = self._next(first)
        if kind == ENDED:
            raise media.unreadable(self._report())
        if not kind:
            raise self._silent(f"was opened, but gave no frame within {first:g} s")
        return fps

    def _at_end(self, report: Report) -> Optional[bool]:
        media = self._media
        if self.live:
            said = f" ({media.words(report)})" if report.error else ""
            raise SourceStalled(
                f"{media.name} ended the stream after {self._delivered} frames{said}.",
                "Check what sends it; another viewer may have taken its place.",
            )
        if report.error or report.damaged or media.is_cut():
            raise media.truncated(self._delivered, report)
        if self._settings.loop and media.again:
            self.open()
            return self.grab()
        self._has_ended = True
        return False

    def _next(self, timeout: float) -> bytes:
        """Read one message and return its kind; nothing if it is not complete in time."""
        deadline = self._clock() + timeout
        try:
            if not self._kind:
                if not self._pipe.fill(memoryview(self._header), timeout):
                    return b""
                self._begin()
            if self._payload and not self._pipe.fill(self._payload, max(0.0, deadline - self._clock())):
                return b""
        except PipeClosed:
            raise self._died(self._pipe.finish()) from None
        kind, self._kind = self._kind, b""
        if kind == FRAME:
            self._image = self._coming
        return kind

    def _begin(self) -> None:
        """Make room for what the header announces."""
        kind, width, height, length, self._moment = HEADER.unpack(self._header)
        # FFmpeg reads what a stranger made: its process is not believed blindly.
        if kind == FRAME:
            if not fits(width, height) or length != width * height * 3:
                raise self._nonsense()
            self._coming = np.empty((height, width, 3), np.uint8)
            self._payload = self._coming.data.cast("B")
        else:
            if kind not in (OPENED, FAILED, ENDED) or length > LONGEST_REPORT:
                raise self._nonsense()
            self._payload = memoryview(bytearray(length)) if length else None
        self._kind = kind

    def _report(self) -> Report:
        try:
            return Report.read(bytes(self._payload or b""))
        except ValueError:
            raise self._nonsense() from None

    def _silent(self, what: str) -> SourceError:
        if self._pipe.interrupted.is_set():
            return SourceUnreachable(f"Opening {self._media.name} was interrupted.")
        kind = SourceUnreachable if self.live else SourceUnreadable
        return kind(f"{self._media.name} {what}.", "Check what sends it, or the disk that it lies on.")

    def _nonsense(self) -> SourceUnreadable:
        return SourceUnreadable(
            f"{self._media.name} made its reader say something that cannot be understood.", "Convert it with ffmpeg."
        )

    def _died(self, status: int) -> SourceUnreadable:
        lines = [line.strip() for line in self._pipe.errors.splitlines() if line.strip()]
        said = f": {printable(mask(lines[-1]), _LONGEST_LINE)}" if lines else ""
        return SourceUnreadable(
            f"The reader of {self._media.name} ended with status {status} after {self._delivered} frames{said}.",
            "Convert it with ffmpeg, or make it smaller.",
        )
