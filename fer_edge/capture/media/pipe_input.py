"""The standard input, named pipes and ``<(...)`` of a shell."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import threading
import time
from typing import Optional

from fer_edge.capture.media.inputs import MediaInput, Prepared
from fer_edge.capture.media.messages import Report
from fer_edge.capture.media.names import has_av, is_descriptor, is_standard_input
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, SourceNotFound, SourcePermission, SourceUnreachable, SourceUnreadable
from fer_edge.system.masking import shown

_SLICE_MS = 100


class PipeInput(MediaInput):
    """What somebody else writes; it is read once, in order, and ends when the writer does.

    Parameters
    ----------
    text : str
        ``-``, or the path of a descriptor or of a named pipe.
    settings : CaptureSettings
        How long the first byte is waited for. From then on the writer may take its time.
    """

    def __init__(self, text: str, settings: CaptureSettings) -> None:
        self._settings = settings
        self._is_standard = is_standard_input(text)
        self._path = os.path.expanduser(text)
        self.name = self.title = "standard input" if self._is_standard else shown(self._path)
        self._descriptor: Optional[int] = None
        self.open_timeout = self.first_timeout = settings.first_image_timeout

    def prepare(self, interrupted: threading.Event) -> Prepared:
        """Open it, and wait until something is written."""
        if self._descriptor is None:
            self._descriptor = self._open()
        descriptor = self._descriptor
        if os.isatty(descriptor):
            raise SourceUnreadable(
                f"{self.name} is a terminal.",
                "Pipe a video into it:  ffmpeg -i ... -f nut -c:v mjpeg - | fer-edge --camera -",
            )
        status = os.fstat(descriptor)
        is_file = stat.S_ISREG(status.st_mode)
        if (is_file and status.st_size == 0) or status.st_rdev == os.stat(os.devnull).st_rdev:
            raise self._empty("nothing was given")
        if not is_file:
            named = not self._is_standard and not is_descriptor(self._path)
            self._await_writer(
                descriptor, self._settings.connect_timeout if named else self._settings.first_image_timeout, interrupted
            )
            os.set_blocking(descriptor, True)
        if not has_av():
            # By its path it can be sought in, too; without, an MP4 with its index at the end could not be read.
            place = f"/proc/self/fd/{descriptor}" if is_file else f"pipe:{descriptor}"
            return Prepared(place, {}, (descriptor,), "cv2")
        if is_file:  # which can be sought in: an MP4 has its index at the end
            return Prepared("fd:", {"fd": str(descriptor)}, (descriptor,))
        return Prepared(f"pipe:{descriptor}", {}, (descriptor,))

    def unreadable(self, report: Report) -> SourceError:
        """Say which formats can be piped."""
        common = self.common(report)
        if common is not None:
            return common
        said = f": {self.words(report)}" if report.words else ""
        return SourceUnreadable(
            f"{self.name} carries no video that can be read{said}.",
            "Pipe a format that needs no seeking, such as ffmpeg ... -f nut -c:v mjpeg - , -f mpegts or -f matroska; of an MP4 "
            "the index must stand at its beginning (-movflags +faststart).",
        )

    def release(self) -> None:
        """Close our copy of the descriptor."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            if self._is_standard:
                if sys.stdin is None:  # closed when the program began; something else has its number since
                    raise OSError(errno.EBADF, os.strerror(errno.EBADF))
                return os.dup(0)
            # Without waiting for a writer, for that could not be left.
            return os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            raise SourcePermission(
                f"This user may not read {self.name}.", f"Allow it with:  chmod u+r '{self.name}'  or ask its owner."
            ) from None
        except OSError as error:
            raise SourceNotFound(
                f"{self.name} cannot be opened: {error.strerror}.",
                "Write  ffmpeg ... - | fer-edge --camera -  and see that it is not closed (<&-).",
            ) from None

    def _empty(self, why: str) -> SourceUnreadable:
        return SourceUnreadable(f"{self.name} is empty: {why}.", "See what the program says that writes.")

    def _await_writer(self, descriptor: int, timeout: float, interrupted: threading.Event) -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not interrupted.is_set():
            for _, events in poll.poll(_SLICE_MS):
                if events & select.POLLIN:
                    return
                raise self._empty("its writer ended without a byte")
        if interrupted.is_set():
            raise SourceUnreachable(f"Waiting for {self.name} was interrupted.")
        raise SourceUnreachable(
            f"Nobody wrote to {self.name} for {timeout:g} s.",
            "Start the program that writes to it, or give it more time with --connect-timeout and --first-image-timeout.",
        )
