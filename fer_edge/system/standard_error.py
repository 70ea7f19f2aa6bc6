"""The program's standard error: what is written there comes out in order, and never holds up who writes it.

A pipe that nobody reads, a stopped terminal or a disk that hangs stop one thread, which has nothing else to do.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Deque, Optional, TextIO

from fer_edge.system.unix import PIPE_BUF, can_be_written

logger = logging.getLogger("fer_edge")

MOST_WAITING = 256 * 1024
"""Bytes that wait for a reader; further lines are lost, and counted."""

PATIENCE = 0.1
"""Seconds that a writer waits for its line to be out, as the process may die of what it does next. Not while nobody reads."""

LONGEST_STALL, LONGEST_END = 1.0, 3.0
"""Seconds that the program's end waits for a reader that takes nothing, and for one that is slow."""

_SLICE = 0.2


class StandardError(io.BufferedIOBase):
    """Takes lines at once, and has a thread of its own write them whenever the descriptor takes them.

    Parameters
    ----------
    descriptor : int
        Where the lines go. How it waits is left as it is, since other programs may share it.

    Attributes
    ----------
    lost : int
        Lines that nobody will read.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._out = descriptor
        self._process = os.getpid()
        # With a lock that may be taken twice: the garbage collector may report something in the middle of `write`.
        self._changed = threading.Condition()
        self._waiting: Deque[bytes] = deque()
        self._given = self._gone = 0  # bytes
        self._full = self._slow = self._ending = False
        self._thread: Optional[threading.Thread] = None
        self.lost = 0
        self._untold = 0

    def writable(self) -> bool:
        """Return True: it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor that the lines go to in the end."""
        return self._out

    def isatty(self) -> bool:
        """Return whether a terminal shows it."""
        return os.isatty(self._out)

    def go_to(self, descriptor: int) -> None:
        """Write to another descriptor from now on."""
        with self._changed:
            self._out = descriptor

    def write(self, data: Any) -> int:
        """Take lines; they are lost when too many wait already."""
        piece = bytes(data)
        if os.getpid() != self._process:  # a fork, which does not have the thread
            write_if_taken(2, piece)
            return len(piece)
        with self._changed:
            if self._ending or not self._has_thread():
                write_if_taken(self._out, piece)
            elif self._full or self._given - self._gone + len(piece) > MOST_WAITING:
                self._full = True
                self._lose(piece)
            elif piece:
                self._take(piece)
        return len(piece)

    def finish(self) -> None:
        """Wait until all is written, or nobody takes it, and end the thread."""
        with self._changed:
            if self._thread is None or self._ending:
                return
            end = time.monotonic() + LONGEST_END
            while self._waiting and time.monotonic() < end:
                if not self._wait_until_gone(self._gone + 1, LONGEST_STALL):
                    break
            self._ending = True
            for piece in self._waiting:
                self._lose(piece)
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(2 * _SLICE)

    def _has_thread(self) -> bool:
        """Return whether there is a thread to write; the first who asks starts it."""
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads are to be had
                return False
            self._thread = thread
        return True

    def _take(self, piece: bytes) -> None:
        self._waiting.append(piece)
        self._given += len(piece)
        self._changed.notify_all()
        if not self._slow and threading.current_thread() is not self._thread:
            self._slow = not self._wait_until_gone(self._given, PATIENCE)

    def _wait_until_gone(self, count: int, seconds: float) -> bool:
        return self._changed.wait_for(lambda: self._gone >= count, seconds)

    def _lose(self, piece: bytes) -> None:
        lines = max(piece.count(b"\n"), 1)
        self.lost += lines
        self._untold += lines

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ending)
                if self._ending:
                    return
                out, data = self._out, self._next()
            if can_be_written(out, _SLICE):
                lines = self._put_out(out, data)
                if lines:
                    logger.error("%d lines of the log were lost", lines, extra={"event": "log_lost", "lines": lines})

    def _next(self) -> bytes:
        """Return what a pipe that has room takes at once: lines that are whole, or a part of one that is longer."""
        data = bytearray()
        for piece in self._waiting:
            if data and len(data) + len(piece) > PIPE_BUF:
                break
            data += piece
        return bytes(data[:PIPE_BUF])

    def _put_out(self, out: int, data: bytes) -> int:
        """Write; return the number of lost lines that can be told of now."""
        try:
            written = os.write(out, data)
        except BlockingIOError:  # somebody who shares it has made it so
            time.sleep(_SLICE / 10)
            return 0
        except OSError:  # a full disk, or a reader that is gone
            written = 0
        with self._changed:
            if self._ending:  # all the same, it took longer than `finish` waits
                return 0
            if not written:
                self._lose(data)
            self._remove(written or len(data))
            lines = 0
            if not self._waiting:
                self._full = self._slow = False
                if written:
                    lines, self._untold = self._untold, 0
            self._changed.notify_all()
        return lines

    def _remove(self, count: int) -> None:
        self._gone += count
        while count:
            piece = self._waiting.popleft()
            if len(piece) > count:
                self._waiting.appendleft(piece[count:])
            count -= min(count, len(piece))


def take_over_standard_error() -> None:
    """Put a `StandardError` in the place of ``sys.stderr``, unless somebody else has put something there."""
    if sys.stderr is sys.__stderr__:
        encoding = sys.stderr.encoding if sys.stderr is not None else "utf-8"
        sys.stderr = io.TextIOWrapper(StandardError(), encoding, "backslashreplace", line_buffering=True)


def standard_error() -> Optional[StandardError]:
    """Return what stands in the place of ``sys.stderr``; None when the program has not taken that over."""
    taken = getattr(sys.stderr, "buffer", None)
    return taken if isinstance(taken, StandardError) else None


def takes_a_line(stream: Optional[TextIO]) -> bool:
    """Return whether a stream takes a line, or does within `LONGEST_STALL`: the program's end is not to wait for more."""
    try:
        return stream is not None and can_be_written(stream.fileno(), LONGEST_STALL)
    except (OSError, ValueError):  # it stands for no file
        return True


def write_if_taken(descriptor: int, data: bytes) -> None:
    """Write as much as is taken without waiting."""
    with suppress(OSError):
        for begin in range(0, len(data), PIPE_BUF):
            if not can_be_written(descriptor, 0.0):
                return
            os.write(descriptor, data[begin : begin + PIPE_BUF])
