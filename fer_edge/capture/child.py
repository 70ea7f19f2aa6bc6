"""A program of our own that writes to a pipe, and can be ended at any moment."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from contextlib import suppress
from fcntl import F_GETFL, F_SETFL, fcntl
from io import FileIO
from typing import Dict, Optional, Sequence, Tuple, cast

_F_SETPIPE_SZ = 1031  # linux/fcntl.h; the fcntl module has it from Python 3.10 on
_PIPE_SIZE = 1024 * 1024
_KEPT_ERRORS = 8192
_SLICE = 0.1


class PipeClosed(Exception):
    """The program closed its end; its exit status and messages tell why."""


class ChildPipe:
    """Starts a program and reads its standard output in pieces of known size, never waiting longer than told.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments; no shell is involved.
    environment : dict, optional
        Variables to add to those of this process.

    Attributes
    ----------
    interrupted : Event
        Once it is set, every `fill` returns within a tenth of a second.
    """

    def __init__(self, command: Sequence[str], environment: Optional[Dict[str, str]] = None) -> None:
        self._command = list(command)
        self._environment = {**os.environ, **(environment or {})}
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._filled = 0
        self._in: FileIO
        self._out: FileIO
        self._err: FileIO
        self._errors = b""
        self.interrupted = threading.Event()

    def start(self, message: bytes = b"", descriptors: Tuple[int, ...] = ()) -> None:
        """Start the program and write `message` (at most 65536 bytes) to its standard input.

        Parameters
        ----------
        message : bytes
            What a pipe holds before anybody reads.
        descriptors : tuple of int
            Those of ours that it gets, under the same numbers.

        Raises
        ------
        FileNotFoundError
            There is no program of that name.
        """
        # A session of its own: Ctrl-C in a terminal is for us, and we end the program in our own time. Its standard input
        # is a pipe that closes when we end, however we end.
        process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
            bufsize=0,
            pass_fds=descriptors,
        )
        self._process = process
        self._filled = 0
        self._errors = b""
        self._in, self._out, self._err = (cast(FileIO, s) for s in (process.stdin, process.stdout, process.stderr))
        with suppress(BrokenPipeError):  # it died at once; reading tells why
            self._in.write(message)
        for stream in (self._out, self._err):
            fcntl(stream, F_SETFL, fcntl(stream, F_GETFL) | os.O_NONBLOCK)
        with suppress(OSError):  # an unprivileged user may have used up the pages that pipes get
            fcntl(self._out, _F_SETPIPE_SZ, _PIPE_SIZE)

    def fill(self, buffer: memoryview, timeout: float) -> bool:
        """Read on until `buffer` is full.

        Parameters
        ----------
        buffer : memoryview
            Bytes; the same one again after an answer of False, since what was read so far stays in it.
        timeout : float
            Seconds.

        Returns
        -------
        bool
            True when it is full; False when time ran out, or `interrupted` was set, before that.

        Raises
        ------
        PipeClosed
            The program wrote no more.
        """
        if self._process is None:
            raise PipeClosed
        deadline = time.monotonic() + timeout
        while self._filled < len(buffer):
            left = deadline - time.monotonic()
            if left < 0 or self.interrupted.is_set():
                return False
            streams = [self._out] if self._err.closed else [self._out, self._err]
            ready, _, _ = select.select(streams, [], [], min(left, _SLICE))
            if self._err in ready:
                self._keep_errors()
            if self._out in ready:
                count = self._out.readinto(buffer[self._filled :])
                if count == 0:
                    raise PipeClosed
                self._filled += count or 0
        self._filled = 0
        return True

    def finish(self, timeout: float = 1.0) -> int:
        """Wait for the program that closed its pipe, end it if need be, and give its exit status."""
        if self._process is None:
            return 0
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._keep_errors()
        return status

    @property
    def errors(self) -> str:
        """The end of what the program has written to its standard error by now."""
        if self._process is not None:
            self._keep_errors()
        return self._errors.decode("utf-8", "replace")

    @property
    def pid(self) -> Optional[int]:
        """The number of the running process; None when there is none."""
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """End the program, gently if it listens and by force after a third of a second, and give everything back."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(0.3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (self._in, self._out, self._err):
            stream.close()

    def _keep_errors(self) -> None:
        while not self._err.closed:
            chunk = self._err.read(_KEPT_ERRORS)
            if chunk is None:
                return
            if not chunk:
                self._err.close()
            self._errors = (self._errors + chunk)[-_KEPT_ERRORS:]
