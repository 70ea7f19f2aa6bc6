"""What FFmpeg says of its errors, looked at while it decodes; for child processes, whose standard streams are their own.

The libswscale of FFmpeg 8 refuses to turn an interlaced image into one for the screen. OpenCV 4.13, 4.14 and 5.0 do not look at
that and give the memory that the image was to be written to, with whatever was in it: nothing but FFmpeg's words tells.
"""

from __future__ import annotations

import ctypes
import os
import re
import tempfile

LEVEL = "16"
"""``OPENCV_FFMPEG_LOGLEVEL`` at which FFmpeg tells errors (AV_LOG_ERROR)."""

_STREAMS = (1, 2)

_REFUSED = re.compile(r"interlaced to progressive|fmt:\S+ .*->\s*fmt:")
"""Of libswscale's graph.c and utils.c, which name both formats with each conversion that they refuse."""


class Complaints:
    """Takes standard output and error of this process, and tells what came since it was last asked; a context manager."""

    def __init__(self) -> None:
        # Without a name, and gone with the process.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (closed in __exit__)
        self._before = [os.dup(stream) for stream in _STREAMS]
        # OpenCV up to 4.12 writes FFmpeg's words to the standard error, and newer ones to the standard output.
        for stream in _STREAMS:
            os.dup2(self._file.fileno(), stream)

    def take(self) -> str:
        """Return what was written, and forget it."""
        _flush()
        if self._file.seek(0, os.SEEK_END) == 0:
            return ""
        self._file.seek(0)
        text = self._file.read().decode("utf-8", "replace")
        self._file.seek(0)
        self._file.truncate()
        return text

    def __enter__(self) -> Complaints:
        """Do nothing more."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the streams back."""
        _flush()
        for stream, before in zip(_STREAMS, self._before):
            os.dup2(before, stream)
            os.close(before)
        self._file.close()


def tells_of_refusal(text: str) -> bool:
    """Return whether FFmpeg says that it did not write the image."""
    return _REFUSED.search(text) is not None


def _flush() -> None:
    """Let C's own buffers of the standard streams be written."""
    ctypes.CDLL(None).fflush(None)
