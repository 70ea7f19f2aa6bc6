"""A file that holds whole pieces only, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from typing import Union

from fer_edge.errors import DiskFull, OutputError, OutputNotWritable

PathLike = Union[str, "os.PathLike[str]"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutputFile:
    """Appends pieces of bytes to a file; a piece that does not fit is taken back whole.

    Nothing is buffered in the process: what `append` took is in the hands of the operating system, and stays when the
    process is killed. (It is not forced onto the disk; a power cut can still take the last seconds.)

    Parameters
    ----------
    path : str or os.PathLike
        An existing file is kept as it is until `clear` or the first `append`.
    what : str
        What is written, as a noun for messages: ``recording``.

    Raises
    ------
    OutputNotWritable
        The path cannot be opened for writing, or another program writes to it; the message says why and what to do.
    """

    def __init__(self, path: PathLike, what: str) -> None:
        self.path = os.fspath(path)
        self._what = what
        self._created = not os.path.lexists(self.path)
        self.fd = open_for_writing(self.path, what)
        self.regular = stat.S_ISREG(os.fstat(self.fd).st_mode)
        if self.regular:
            self._lock()
        self.size = 0
        self._cleared = False

    def clear(self) -> None:
        """Throw the old content away."""
        self._cleared = True
        if self.regular:
            os.ftruncate(self.fd, 0)

    def go_on(self, after: int) -> None:
        """Keep the first `after` bytes of the old content, and append behind them. Raises as `append` does."""
        try:
            os.ftruncate(self.fd, after)
            os.lseek(self.fd, after, os.SEEK_SET)
        except OSError as error:
            raise write_error(error, self.path, self._what) from error
        self.size = after
        self._cleared = True

    def append(self, piece: bytes) -> None:
        """Add one piece, or nothing of it.

        Raises
        ------
        DiskFull
            No space, quota or permitted size is left. The file ends after the piece before.
        OutputNotWritable
            The operating system refused for another reason, or somebody removed, renamed or changed the file.
        """
        if self.regular:
            self._look_whether_it_is_still_ours()
        if not self._cleared:
            self.clear()
        view, done = memoryview(piece), 0
        try:
            while done < len(view):
                done += os.write(self.fd, view[done:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self.fd, self.size)
                os.lseek(self.fd, self.size, os.SEEK_SET)
            self._cleared = self.size > 0
            raise write_error(error, self.path, self._what) from error
        self.size += len(view)

    def patch(self, offset: int, piece: bytes) -> None:
        """Overwrite bytes that were appended earlier. Needs no new space on the disk. Raises as `append` does."""
        try:
            os.pwrite(self.fd, piece, offset)
        except OSError as error:
            raise write_error(error, self.path, self._what) from error

    def close(self) -> None:
        """Close; a file that was created here and holds nothing is removed. May be called twice."""
        if self.fd < 0:
            return
        os.close(self.fd)
        self.fd = -1
        if self._created and not self._cleared and self.regular:
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def _lock(self) -> None:
        """Claim the file; the claim ends when it is closed, or with the process."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self.fd)
            raise OutputNotWritable(
                f"Another program writes to the {self._what} '{self.path}'.",
                f"Give each a file of its own; `fuser -v '{self.path}'` shows who has this one.",
            ) from error
        except OSError:
            pass  # a network's file system may know no locks

    def _look_whether_it_is_still_ours(self) -> None:
        """Raise OutputNotWritable when what is written now would end up in a file that nobody can find any more."""
        ours = os.fstat(self.fd)
        try:
            same = os.path.samestat(ours, os.stat(self.path))
        except OSError:
            same = False
        if not same or (self._cleared and ours.st_size != self.size):
            raise OutputNotWritable(
                f"The {self._what} '{self.path}' was {'changed' if same else 'removed or renamed'} by somebody else.",
                "Let nobody but fer-edge write to it.",
            )


def unused_name(path: str) -> str:
    """Give `path`, or where it exists the first of ``name-2.mp4``, ``name-3.mp4``... that does not."""
    stem, ending = os.path.splitext(path)
    number = 1
    while os.path.lexists(path):
        number += 1
        path = f"{stem}-{number}{ending}"
    return path


def open_for_writing(path: str, what: str) -> int:
    """Open a path for writing without touching its content, and say clearly why it cannot be done.

    Returns
    -------
    int
        A file descriptor. Opening never waits, not even for the reader of a named pipe.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise _open_error(error, path, what) from error


def write_error(error: OSError, place: str, what: str) -> OutputError:
    """Turn what the operating system said while writing into one of our errors."""
    if error.errno in _FULL:
        return DiskFull(
            f"The {what} '{place}' cannot grow: {error.strerror}. What fitted before is kept.",
            "Free some space, or write to another disk.",
        )
    return OutputNotWritable(f"The {what} '{place}' cannot be written any more: {error.strerror}.", "Check the disk.")


def _open_error(error: OSError, path: str, what: str) -> OutputError:
    folder = os.path.dirname(os.path.abspath(path))
    if error.errno == errno.EISDIR or os.path.isdir(path):
        return OutputNotWritable(f"The {what} '{path}' is a directory.", "Give the name of a file in it.")
    if error.errno == errno.ENOENT:
        return OutputNotWritable(
            f"The {what} '{path}' cannot be created: there is no directory '{folder}'.",
            f"Create it with:  mkdir -p '{folder}'",
        )
    if error.errno == errno.ENOTDIR:
        return OutputNotWritable(
            f"The {what} '{path}' cannot be created: a part of its path is a file, not a directory.",
            "Choose another place.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return OutputNotWritable(
            f"The {what} '{path}' cannot be opened: this user may not write there.",
            f"Choose another place, or have its rights changed (ls -ld '{folder}' shows them).",
        )
    if error.errno == errno.EROFS:
        return OutputNotWritable(
            f"The {what} '{path}' lies on a file system that is read-only.", "Choose another place."
        )
    if error.errno == errno.ENXIO:
        return OutputNotWritable(f"Nobody reads the pipe '{path}'.", "Start its reader first.")
    if error.errno in _FULL:
        return DiskFull(f"There is no space for the {what} '{path}'.", "Free some, or write to another disk.")
    return OutputNotWritable(f"The {what} '{path}' cannot be opened: {error.strerror}.", "Choose another place.")
