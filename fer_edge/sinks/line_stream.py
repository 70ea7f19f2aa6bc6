"""Lines for whoever reads a pipe, a terminal or the standard output, and may stop reading at any moment."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Callable, Optional

from fer_edge.errors import OutputClosed, OutputNotWritable, ResultUnwritable
from fer_edge.sinks.files import write_error
from fer_edge.system.unix import PIPE_BUF, can_be_written, is_open_for_writing

_SLICE = 0.2
"""Seconds between two looks at `stop` while a reader does not read."""

_WHOLE = min(PIPE_BUF, 4096)
"""Bytes that a pipe which is ready takes at once, without blocking (POSIX, pipe(7))."""


class LineStream:
    """Writes lines to a file descriptor that may belong to a pipe, a terminal or a file, and never waits for ever.

    Parameters
    ----------
    fd : int
        Open for writing.
    name : str
        For messages.
    stop : callable, optional
        As for `LineFile`, as is `head`.
    close : callable, optional
        Closes it; without one it stays open.
    named : bool
        Whether another reader can come.

    Raises
    ------
    OutputNotWritable
        It is closed.
    """

    def __init__(
        self,
        fd: int,
        name: str,
        stop: Optional[Callable[[], bool]],
        close: Optional[Callable[[], None]] = None,
        named: bool = False,
        head: bytes = b"",
    ) -> None:
        self._fd = fd
        self._name = name
        self._stop = stop
        self._close = close
        self._named = named
        self._head = head
        self._given_up = False
        if not is_open_for_writing(fd):
            raise OutputNotWritable(
                f"The {name} is closed.", "Start the program without '>&-', or give the name of a file."
            )
        self._regular = stat.S_ISREG(os.fstat(fd).st_mode)

    def append(self, line: bytes) -> None:
        """Write one line. Raises as `LineFile.append` does."""
        if self._given_up:
            raise self._unread()
        whole = self._head + line
        rest = memoryview(whole)
        try:
            while len(rest) > 0:
                if not self._ready():
                    self._given_up = True
                    raise self._unread()
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(self._fd, rest if self._regular else rest[:_WHOLE]) :]
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.ECONNRESET) and self._named:
                raise OutputNotWritable(
                    f"The reader of the pipe '{self._name}' went away.", "Start it again."
                ) from error
            if error.errno in (errno.EPIPE, errno.ECONNRESET):
                raise OutputClosed(f"The reader of the {self._name} went away.") from error
            if self._regular:
                self._take_back(len(whole) - len(rest))
            raise write_error(error, self._name, "results stream") from error
        self._head = b""

    def close(self) -> None:
        """Close it, if that is asked for."""
        if self._close is not None:
            self._close()

    def _unread(self) -> ResultUnwritable:
        return ResultUnwritable(
            f"Nobody reads the {self._name} any more, and the run is to end.", "Keep its reader reading."
        )

    def _ready(self) -> bool:
        while not can_be_written(self._fd, _SLICE):
            if self._stop is not None and self._stop():
                return False
        return True

    def _take_back(self, count: int) -> None:
        with contextlib.suppress(OSError):
            end = os.lseek(self._fd, -count, os.SEEK_CUR)
            os.ftruncate(self._fd, end)
