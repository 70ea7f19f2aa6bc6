"""A file that holds whole pieces only, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import BinaryIO, Callable, Union

from fer_edge.errors import DiskFull, OutputError, OutputNotWritable
from fer_edge.sinks.recognise import NotOurs
from fer_edge.system.disk_full import is_disk_full
from fer_edge.system.new_file import PRIVATE
from fer_edge.system.standard_streams import NAMES, standard_descriptor
from fer_edge.system.unix import CLOEXEC, NONBLOCK, lock

PathLike = Union[str, "os.PathLike[str]"]


class OutputFile:
    """Appends pieces of bytes to a file; a piece that does not fit is taken back whole.

    Nothing is buffered in the process: what `append` took is in the hands of the operating system, and stays when the
    process is killed. (It is not forced onto the disk; a power cut can still take the last seconds.)

    Parameters
    ----------
    path : str or os.PathLike
        An existing file is kept as it is until the first `append`.
    what : str
        What is written, as a noun for messages: ``recording``.
    recognise : callable
        Gets an existing file that is not empty, open for reading, and gives how many of its bytes are worth keeping, or raises
        `NotOurs`.
    go_on : bool
        Keep these bytes, and append behind them. Without it the file is replaced.
    head : bytes
        What a file begins with that has nothing yet: written with the first piece.

    Raises
    ------
    OutputNotWritable
        The path cannot be opened for writing, another program writes to it, or it is not ours; the message says why and
        what to do.
    """

    def __init__(
        self,
        path: PathLike,
        what: str,
        recognise: Callable[[BinaryIO], int],
        go_on: bool = False,
        head: bytes = b"",
    ) -> None:
        self.path = os.fspath(path)
        self._what = what
        self._recognise = recognise
        self._go_on = go_on
        self._head = head
        self.size = 0
        self._begun = False
        self._created = not os.path.lexists(self.path)
        self.fd = open_for_writing(self.path, what)
        self.regular = stat.S_ISREG(os.fstat(self.fd).st_mode)
        if self.regular:
            try:
                self._lock()
                self._kept()
            except BaseException:
                self.close()  # or its lock would refuse the next attempt
                raise

    def append(self, piece: bytes) -> None:
        """Add one piece, or nothing of it; also to a file that was renamed, where it belongs to what it has.

        Raises
        ------
        DiskFull
            No space, quota or permitted size is left. The file ends after the piece before.
        OutputNotWritable
            The operating system refused for another reason, or somebody changed the file.
        """
        if self._begun and self.regular and os.fstat(self.fd).st_size != self.size:
            raise self._meddled("changed")
        if not self._begun:
            self._begin()
        # With it, so that no kill leaves the one without the other.
        view, done = memoryview(piece if self.size else self._head + piece), 0
        try:
            while done < len(view):
                done += os.write(self.fd, view[done:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self.fd, self.size)
                os.lseek(self.fd, self.size, os.SEEK_SET)
            self._begun = self.size > 0
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
        if self._created and not self._begun and self.regular and self._is_in_place():
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        os.close(self.fd)
        self.fd = -1

    def _begin(self) -> None:
        """Take away what is not to be kept, now that there is something to write."""
        if self.regular:
            kept = self._kept()
            try:
                os.ftruncate(self.fd, kept)
                os.lseek(self.fd, kept, os.SEEK_SET)
            except OSError as error:
                raise write_error(error, self.path, self._what) from error
            self.size = kept
        self._begun = True

    def _kept(self) -> int:
        """Return how many bytes of the old content are kept. Raises OutputNotWritable when it is none of ours."""
        kept = kept_bytes(self.path, self._what, self._recognise, os.fstat(self.fd))
        return kept if self._go_on else 0

    def _lock(self) -> None:
        """Claim the file; the claim ends when it is closed, or with the process."""
        try:
            lock(self.fd)
        except BlockingIOError as error:
            raise in_use(self.path, self._what) from error
        except OSError:
            pass  # a network's file system may know no locks

    def unchanged(self) -> bool:
        """Return whether the file is still found under its name, and as long as it was left here."""
        return self.fd >= 0 and self._is_in_place() and not (self._begun and os.fstat(self.fd).st_size != self.size)

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.fd), os.stat(self.path))
        except OSError:
            return False

    def refuse_out_of_sight(self) -> None:
        """Raise OutputNotWritable when what is written from now on would end up in a file that nobody finds under its name."""
        if not self._is_in_place():
            raise self._meddled("removed or renamed")

    def _meddled(self, how: str) -> OutputNotWritable:
        return OutputNotWritable(
            f"The {self._what} '{self.path}' was {how} by somebody else.", "Let nobody but fer-edge write to it."
        )


def open_for_writing(path: str, what: str) -> int:
    """Open a path for writing without touching its content, and say clearly why it cannot be done.

    Returns
    -------
    int
        A file descriptor. Opening never waits, not even for the reader of a named pipe.
    """
    refuse_standard_streams(path, what)
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | CLOEXEC | NONBLOCK, PRIVATE)
    except OSError as error:
        raise open_error(error, path, what) from error


def refuse_standard_streams(path: str, what: str) -> None:
    """Raise OutputNotWritable for a name of the program's own output, which is no place for a file."""
    descriptor = standard_descriptor(path)
    if descriptor is not None:
        raise OutputNotWritable(
            f"The {what} '{path}' is the program's own {NAMES[descriptor]}.", "Give the name of a file."
        )


def kept_bytes(path: str, what: str, recognise: Callable[[BinaryIO], int], expected: os.stat_result) -> int:
    """Return how many bytes of a file are worth keeping.

    Parameters
    ----------
    path, what, recognise
        As for `OutputFile`.
    expected : os.stat_result
        Of the file that should lie there.

    Raises
    ------
    OutputNotWritable
        It is none of ours, or cannot be read.
    """
    if not expected.st_size:
        return 0
    try:
        # Beside the one that may only write: a pipe would lack its reader else, and not be told from it.
        with open(os.open(path, os.O_RDONLY | NONBLOCK | CLOEXEC), "rb") as file:
            if not os.path.samestat(expected, os.fstat(file.fileno())):
                raise NotOurs("it is another file by now")
            return recognise(file)
    except NotOurs as error:
        raise OutputNotWritable(
            f"The {what} '{path}' exists already, and is none that fer-edge wrote: {error}.",
            "Give another name, or delete it yourself if nobody needs it.",
        ) from error
    except OSError as error:
        raise OutputNotWritable(
            f"The {what} '{path}' exists already, and cannot be read to see what it is: {error.strerror}.",
            "Give another name, or see to its rights and its disk.",
        ) from error


def in_use(path: str, what: str) -> OutputNotWritable:
    """Return the error for a file that somebody else writes to."""
    return OutputNotWritable(
        f"Another program writes to the {what} '{path}'.",
        f"Give each a file of its own; `fuser -v '{path}'` shows who has this one.",
    )


def write_error(error: OSError, place: str, what: str) -> OutputError:
    """Turn what the operating system said while writing into one of our errors."""
    if is_disk_full(error):
        return DiskFull(
            f"The {what} '{place}' cannot grow: {error.strerror}. What fitted before is kept.",
            "Free some space, or write to another disk.",
        )
    return OutputNotWritable(f"The {what} '{place}' cannot be written any more: {error.strerror}.", "Check the disk.")


def open_error(error: OSError, path: str, what: str) -> OutputError:
    """Turn what the operating system said when a file was to be opened into one of our errors."""
    folder = os.path.dirname(os.path.abspath(path))
    if error.errno == errno.EISDIR or os.path.isdir(path):
        return OutputNotWritable(f"The {what} '{path}' is a directory.", "Give the name of a file in it.")
    if error.errno == errno.ENOENT:
        return _missing_error(path, what)
    if error.errno == errno.ENOTDIR and os.path.lexists(path):
        return OutputNotWritable(
            f"The {what} '{path}' is a file, not a directory.",
            "Give the name of a directory; it is made if it is not there.",
        )
    if error.errno == errno.ENOTDIR:
        return OutputNotWritable(
            f"The {what} '{path}' cannot be created: a part of its path is a file, not a directory.",
            "Choose another place.",
        )
    if error.errno in (errno.EACCES, errno.EPERM) and os.path.exists(path):
        return OutputNotWritable(
            f"The {what} '{path}' cannot be opened: it exists already, and this user may not write to it.",
            f"Give another name, or have its rights changed (ls -l '{path}' shows them).",
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
    if is_disk_full(error):
        return DiskFull(f"There is no space for the {what} '{path}'.", "Free some, or write to another disk.")
    return OutputNotWritable(f"The {what} '{path}' cannot be opened: {error.strerror}.", "Choose another place.")


def _missing_error(path: str, what: str) -> OutputNotWritable:
    folder = os.path.dirname(path) or "."
    if os.path.isdir(folder):
        if os.path.islink(path):
            return OutputNotWritable(
                f"The {what} '{path}' is a link to '{os.readlink(path)}', and there is no directory for that.",
                "Remove the link, or create the directory that it leads to.",
            )
        return OutputNotWritable(
            f"The {what} '{path}' cannot be created: the file system there takes no new files.", "Choose another place."
        )
    # From the left, as after one that is missing '..' leads nowhere.
    ends = [number for number, letter in enumerate(folder + "/") if letter == "/" and number]
    missing = next((folder[:end] for end in ends if not os.path.isdir(folder[:end])), folder)
    wanted = missing if ".." in folder.split("/") else folder
    return OutputNotWritable(
        f"The {what} '{path}' cannot be created: there is no directory '{missing}'.",
        f"Create it with:  mkdir -p '{wanted}'",
    )
