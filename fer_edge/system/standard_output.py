"""The standard output, which may be closed, a full disk, or a pipe whose reader is gone."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from contextlib import suppress
from typing import Any

from fer_edge.errors import DiskFull, OutputError, OutputNotWritable
from fer_edge.system.disk_full import is_disk_full


class _Raw(io.FileIO):
    """Turns what the operating system says into one of our errors."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError as error:
            if isinstance(error, BrokenPipeError) or (error.errno == errno.EIO and is_hung_up(self)):
                raise
            kind = DiskFull if is_disk_full(error) else OutputNotWritable
            raise kind(
                f"The standard output takes nothing more: {error.strerror}.", "Send it to another file or disk."
            ) from error


class _Closed(io.TextIOBase):
    """Stands for a standard output that the caller closed (``>&-``)."""

    encoding = "utf-8"

    def writable(self) -> bool:
        return False

    def fileno(self) -> int:
        return 1

    def write(self, _text: str) -> int:
        raise OutputNotWritable("The standard output is closed.", "Start the program without '>&-'.")


def guard_standard_output() -> None:
    """Let a write that fails raise an `OutputError`, and take letters that the terminal's encoding lacks.

    Whoever wrote must call `flush_standard_output`, so that the error comes while somebody can handle it.
    """
    given: Any = sys.stdout
    original: Any = sys.__stdout__
    if given is None:
        # Else the next file would get its number, and with it what libraries print.
        _put_in_its_place(os.O_RDONLY)
        closed: Any = _Closed()
        sys.stdout = closed
    elif given is original:
        with suppress(OSError):
            given.flush()
        buffered = io.BufferedWriter(_Raw(1, "w", closefd=False))
        by_line = given.line_buffering
        sys.stdout = io.TextIOWrapper(buffered, given.encoding, "backslashreplace", line_buffering=by_line)


def flush_standard_output() -> None:
    """Hand on what was written. Raises an `OutputError` or BrokenPipeError."""
    if sys.stdout is not None and sys.stdout.writable():
        sys.stdout.flush()


def settle_standard_output() -> None:
    """Hand on what was written as far as possible; for when another error is to be told."""
    try:
        flush_standard_output()
    except (OutputError, BrokenPipeError):
        forget_standard_output()


def forget_standard_output() -> None:
    """Keep the interpreter from complaining at its end of what could not be written."""
    _put_in_its_place(os.O_WRONLY)


def is_hung_up(stream: Any) -> bool:
    """Return whether a stream is a terminal that was closed: a device that is one no more."""
    try:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode) and not stream.isatty()
    except (AttributeError, OSError, ValueError):
        return False


def _put_in_its_place(mode: int) -> None:
    opened = os.open(os.devnull, mode)
    if opened != 1:
        os.dup2(opened, 1)
        os.close(opened)
