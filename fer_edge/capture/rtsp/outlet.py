"""What the process that reads a stream tells the one that started it: messages, each a header and a payload, on a pipe."""

from __future__ import annotations

import os
import struct
import termios
import threading
import time
from fcntl import ioctl
from typing import BinaryIO, Optional, Union

from fer_edge.types import Image

HEADER = struct.Struct("<4sIII")
"""Kind, width, height, and the number of bytes that follow."""

STARTED, ANSWERED, OPENED, FRAME, FAILED, ENDED = b"STRT", b"ANSW", b"OPEN", b"FRAM", b"FAIL", b"DONE"
"""In this order: libraries are loaded; the camera described its stream; it can be decoded; images; and one of two ends."""

LONGEST_FAILURE = 2000
"""Bytes of what follows FAILED: message and remedy in a line each, or nothing where FFmpeg's own words must do."""


_POLL = 0.005
"""Seconds."""


class Outlet:
    """Writes messages; of images that come faster than they are taken, the newest.

    The stream is decoded on meanwhile, so that no packets pile up between the camera and here, and one image at a time is in
    the pipe, which has room for dozens of small ones.

    Parameters
    ----------
    output : binary file
        A pipe, not buffered.
    """

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._newest: Optional[Image] = None
        self._is_ending = False
        self._thread = threading.Thread(target=self._write_images, name="fer-edge-outlet", daemon=True)
        self._thread.start()

    def send(self, kind: bytes, width: int = 0, height: int = 0, payload: Union[bytes, memoryview] = b"") -> None:
        """Write one message. Raises BrokenPipeError if nobody reads any more."""
        with self._writing:
            self._output.write(HEADER.pack(kind, width, height, len(payload)))
            view = memoryview(payload)
            while view:
                view = view[self._output.write(view) :]

    def show(self, image: Image) -> None:
        """Have an image (height x width x 3, uint8) written as soon as the one before is, unless a newer one comes."""
        with self._changed:
            self._newest = image
            self._changed.notify()

    def finish(self) -> None:
        """Wait until the last image is written; no more may be shown."""
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        self._thread.join()

    def _write_images(self) -> None:
        while self._has_image():
            while self._is_unread():
                time.sleep(_POLL)
            with self._changed:
                image, self._newest = self._newest, None
            if image is None:
                continue
            height, width = image.shape[:2]
            try:
                self.send(FRAME, width, height, image.data.cast("B"))
            except BrokenPipeError:
                os._exit(1)  # the parent is gone, and so is what the decoder would be for

    def _has_image(self) -> bool:
        """Wait for one; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._is_ending)
            return self._newest is not None

    def _is_unread(self) -> bool:
        waiting = ioctl(self._output, termios.FIONREAD, b"\0" * 4)
        return int.from_bytes(waiting, "little") > 0
