"""What FFmpeg's libraries write to the standard error, where alone a decoder tells of damage that it has painted over."""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress

_DAMAGE = re.compile(
    r"(?i)error while decoding|error at mb|damaged|corrupt|bad vlc|overread|error dc|partial file|invalid nal|truncated|"
    r"file ended prematurely"
)
"""Words of the decoders; what they say of missing references is said of whole recordings too, whose beginning was cut."""

_PIECE = 65536


class FfmpegLog:
    """Takes the place of descriptor 2, counts, and passes on.

    FFmpeg writes there by itself, from any of its threads, without the interpreter: a callback in Python could wait for a lock
    that the thread holds which waits for FFmpeg.

    Attributes
    ----------
    damaged : int
        Lines that tell of damage.
    last : str
        The last line.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self.last = ""
        self._real = os.dup(2)
        self._read, write = os.pipe()
        os.set_blocking(write, False)  # a flood is cut short, and holds up nothing
        os.dup2(write, 2)
        os.close(write)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Give descriptor 2 back, and wait until all that was written is counted."""
        os.dup2(self._real, 2)
        self._thread.join(5.0)  # milliseconds, unless the cores are busy
        if not self._thread.is_alive():
            os.close(self._read)
            os.close(self._real)

    def _run(self) -> None:
        rest = b""
        while True:
            piece = os.read(self._read, _PIECE)
            if not piece:
                return
            with suppress(OSError):
                os.write(self._real, piece)
            *lines, rest = (rest + piece).split(b"\n")
            rest = rest[-_PIECE:]
            for line in filter(None, lines):
                self.last = line.decode("utf-8", "replace")
                self.damaged += bool(_DAMAGE.search(self.last))
