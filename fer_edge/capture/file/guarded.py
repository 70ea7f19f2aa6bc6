"""Decodes a video file with OpenCV in a process of its own, where an image that FFmpeg refused is noticed."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Callable, Optional, Union

import numpy as np

from fer_edge.capture.child import ChildPipe, PipeClosed
from fer_edge.capture.file.decoder import VideoHeader
from fer_edge.capture.file.guarded_reader import ENDED, FRAME, HEADER, OPENED, REFUSED, UNREADABLE
from fer_edge.capture.file.interlaced_trial import remedy
from fer_edge.capture.limits import fits
from fer_edge.capture.opencv import cv2
from fer_edge.errors import SourceUnreadable
from fer_edge.system.masking import shown
from fer_edge.system.python_child import python_child
from fer_edge.types import Image

_OPEN_WAIT = (
    30.0  # s; the start of Python and of OpenCV on a small board, and the decoding of thirty images for the rate
)
_GRAB_WAIT = 0.5
_LONGEST_WORDS = 1000
_READER = "fer_edge.capture.file.guarded_reader"


class GuardedDecoder:
    """As `OpenCvDecoder`, for an OpenCV that gives foreign memory for interlaced video.

    Parameters
    ----------
    path : str or path
        The file.
    clock : callable
        Seconds, monotonic.

    Attributes
    ----------
    header : VideoHeader
        Of this file.
    position : float
        Seconds at which the image that was last grabbed is shown.

    Raises
    ------
    SourceUnreadable
        It holds no video that OpenCV can read.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self.position = 0.0
        self._path = os.fspath(path)
        self._clock = clock
        child = python_child(_READER)
        self._pipe = ChildPipe(child.command, child.changes)
        self._head = bytearray(HEADER.size)
        self._kind = b""
        self._payload: Optional[memoryview] = None
        self._image: Optional[Image] = None
        request = {"path": base64.b64encode(os.fsencode(os.path.abspath(self._path))).decode("ascii")}
        try:
            self._pipe.start(json.dumps(request).encode() + b"\n")
            if self._await(_OPEN_WAIT) != OPENED:
                raise SourceUnreadable(f"{shown(self._path)} cannot be opened within {_OPEN_WAIT:g} s.", "Try again.")
            self.header = VideoHeader(**json.loads(bytes(self._payload or b"")))
        except BaseException:
            self.close()
            raise

    def grab(self) -> Optional[bool]:
        """Wait for the next image, half a second at most; None if it takes longer, False when there is no more.

        Raises
        ------
        SourceUnreadable
            FFmpeg refused to convert it, or its process ended.
        """
        kind = self._await(_GRAB_WAIT)
        return None if not kind else kind == FRAME

    def retrieve(self) -> Optional[Image]:
        """Return the grabbed image, height x width x 3, as a player shows it; None if it cannot be decoded."""
        return self._image

    def interrupt(self) -> None:
        """Make a waiting call return within a tenth of a second."""
        self._pipe.interrupted.set()

    def close(self) -> None:
        """End the process. May be called twice."""
        self._pipe.close()

    def _await(self, timeout: float) -> bytes:
        """Read one message and return its kind; nothing if it is not complete in time."""
        deadline = self._clock() + timeout
        try:
            if not self._kind:
                if not self._pipe.fill(memoryview(self._head), timeout):
                    return b""
                self._begin()
            if self._payload and not self._pipe.fill(self._payload, max(0.0, deadline - self._clock())):
                return b""
        except PipeClosed:
            raise self._ended(self._pipe.finish()) from None
        kind, self._kind = self._kind, b""
        if kind == REFUSED:
            raise SourceUnreadable(
                f"{shown(self._path)} is interlaced: OpenCV {cv2.__version__} gives foreign memory in place of its images.",
                remedy(),
            )
        if kind == UNREADABLE:
            raise SourceUnreadable("OpenCV cannot read it.")
        return kind

    def _begin(self) -> None:
        """Make room for what the header announces."""
        kind, width, height, length, position = HEADER.unpack(self._head)
        # FFmpeg reads what a stranger made: its process is not believed blindly.
        self._payload = None
        if kind == FRAME:
            self.position, self._image = position, None
            if length:
                if not fits(width, height) or length != width * height * 3:
                    raise self._ended(0)
                self._image = np.empty((height, width, 3), np.uint8)
                self._payload = self._image.data.cast("B")
        elif kind in (OPENED, REFUSED, UNREADABLE, ENDED) and length <= _LONGEST_WORDS:
            self._payload = memoryview(bytearray(length)) if length else None
        else:
            raise self._ended(0)
        self._kind = kind

    def _ended(self, status: int) -> SourceUnreadable:
        return SourceUnreadable(
            f"The process that decodes {shown(self._path)} ended with status {status} in the middle.",
            "Convert the file with ffmpeg.",
        )
