"""What libraries write to descriptor 2 by themselves: it goes through the log, where a flood of it is cut short.

libjpeg writes a line for every damaged image, and FFmpeg several; a camera decides how many. Neither has a way to be silenced
through OpenCV. What a process says when it dies, nobody in it can read any more: that is for another one, which waits for it.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import re
import select
import subprocess
import threading
import time
from contextlib import suppress
from typing import Callable, Optional, Set

from fer_edge.system.standard_error import standard_error
from fer_edge.system.unix import HAS_FCNTL

logger = logging.getLogger("fer_edge")

PERIOD, MOST_KINDS = 10.0, 40
"""In so many seconds, so many lines are let through that differ by more than numbers; the others are counted."""

PAUSE = 0.1
"""Seconds that lines lie in the pipe before they are read."""

END_SECONDS = 5.0
"""So long the end waits for the pipe to be logged: milliseconds, unless nobody reads the log or the cores are busy."""

_LONGEST_LINE = 4096
_NUMBER = re.compile(r"(0x)?[0-9a-f]*[0-9][0-9a-f]*")


class Sieve:
    """Lets lines through, each kind once in a period.

    Parameters
    ----------
    clock : callable, optional
        Monotonic seconds.

    Attributes
    ----------
    left_out : int
        Lines that were not let through.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: Set[str] = set()
        self._until = float("-inf")
        self.left_out = 0
        self._told = 0

    def lets_through(self, line: str) -> bool:
        """Return whether this line is one of those that are let through."""
        if self._clock() >= self._until:
            self._until = self._clock() + PERIOD
            self._kinds.clear()
        kind = _NUMBER.sub("0", line) if len(self._kinds) < MOST_KINDS else ""
        if not kind or kind in self._kinds:
            self.left_out += 1
            return False
        self._kinds.add(kind)
        return True

    def untold(self, at_once: bool = False) -> int:
        """Return how many lines were left out in the period that is over, or in this one too; each is given once."""
        if not at_once and self._clock() < self._until:
            return 0
        lines, self._told = self.left_out - self._told, self.left_out
        return lines

    @property
    def wait(self) -> Optional[float]:
        """Seconds until there is something to tell; None while nothing was left out."""
        return max(self._until - self._clock(), 0.0) if self.left_out > self._told else None


class LibraryLines:
    """A pipe in the place of descriptor 2, for this process and its children, until `finish`.

    Raises
    ------
    OSError
        No descriptor is free.
    """

    def __init__(self) -> None:
        import fcntl

        self.out = fcntl.fcntl(2, fcntl.F_DUPFD_CLOEXEC, 3)
        """Where descriptor 2 went before."""
        try:
            self._source, self._in = os.pipe()
        except OSError:
            os.close(self.out)
            raise
        self.sieve = Sieve()
        self._over = threading.Event()
        # Rather is a line lost than a decoder held up. The pipe is our own, so nobody else is surprised.
        os.set_blocking(self._in, False)
        self._thread = threading.Thread(target=self._work, name="library-lines", daemon=True)
        self._thread.start()
        self._keeper = _keep_last_words(self._source, self.out)
        os.dup2(self._in, 2)
        if self._keeper is not None:
            faulthandler.enable(2)

    def finish(self) -> None:
        """Give descriptor 2 back, and log what is in the pipe."""
        self._over.set()
        with suppress(OSError):  # a full pipe wakes the thread as well
            os.dup2(self.out, 2)
            os.write(self._in, b"\n")
        self._thread.join(END_SECONDS)
        faulthandler.disable()  # it would wait for a reader now
        if self._keeper is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._keeper.communicate(b"\n", timeout=1.0)

    def _work(self) -> None:
        poller = select.poll()
        poller.register(self._source, select.POLLIN)
        rest = b""
        over = False
        while not over:
            wait = self.sieve.wait
            poller.poll(None if wait is None else wait * 1000 + 1)
            # Before it is read, so that of a process that dies now its last words are left.
            over = self._over.wait(PAUSE)
            data = os.read(self._source, 65536) if poller.poll(0) else b""
            rest = self._log(rest + data + (b"\n" if over else b""))
            self._tell(over)

    def _log(self, data: bytes) -> bytes:
        """Log whole lines; return what is behind them."""
        *lines, rest = data.split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines.append(rest)
            rest = b""
        for line in lines:
            text = line[:_LONGEST_LINE].decode("utf-8", "replace").strip()
            if text and self.sieve.lets_through(text):
                logger.warning("a library says: %s", text, extra={"event": "library"})
        return rest

    def _tell(self, at_once: bool) -> None:
        lines = self.sieve.untold(at_once)
        if lines:
            fields = {"event": "library_lines_left_out", "lines": lines}
            logger.warning("libraries wrote %d more lines of such kinds", lines, extra=fields)


_taken: Optional[LibraryLines] = None


def take_from_libraries() -> None:
    """Have what libraries write go through the log, in the program; elsewhere, descriptor 2 is not ours."""
    global _taken  # noqa: PLW0603 - there is one descriptor 2
    error = standard_error()
    if error is None or _taken is not None or not HAS_FCNTL:
        return
    with suppress(OSError, RuntimeError):  # without a descriptor or a thread it stays as it is
        _taken = LibraryLines()
        error.go_to(_taken.out)


def lines_left_out() -> int:
    """Return how many lines of libraries the log has left out."""
    return _taken.sieve.left_out if _taken is not None else 0


def finish() -> None:
    """Log what libraries have written until now; the rest goes past the log."""
    if _taken is not None:
        _taken.finish()


def _keep_last_words(source: int, out: int) -> Optional[subprocess.Popen[bytes]]:
    """Start a shell that waits, and when this process has died copies from descriptor `source` what nobody has read."""
    command = f"trap '' HUP INT ABRT TERM; read -r end || exec cat <&{source} >&{out}"
    try:
        return subprocess.Popen(  # noqa: S603  (nothing of a stranger's is in it)
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath},
            pass_fds=(source, out),
            start_new_session=True,
        )
    except OSError:
        return None
