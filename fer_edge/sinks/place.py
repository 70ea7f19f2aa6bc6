"""Can a file be written there? Found out without opening it for writing, long before there is something to write."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO, Callable

from fer_edge.sinks.files import in_use, kept_bytes, open_error, refuse_standard_streams
from fer_edge.system.unix import CLOEXEC, NONBLOCK, lock


def check_place(path: str, what: str, recognise: Callable[[BinaryIO], int]) -> None:
    """Raise what opening a file would, as far as it can be told; nothing is created, and nothing changed.

    Parameters
    ----------
    path : str
        Of a file that is there or not.
    what : str
        What is to be written, as a noun for messages: ``recording``.
    recognise : callable
        As for `OutputFile`.

    Raises
    ------
    OutputNotWritable
        The path cannot be opened for writing, another program writes to it, or it is not ours.
    """
    refuse_standard_streams(path, what)
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        _check_folder(path, what, error)
        return
    except OSError as error:
        raise open_error(error, path, what) from error
    if stat.S_ISDIR(status.st_mode):
        raise open_error(OSError(errno.EISDIR, "is a directory"), path, what)
    if not os.access(path, os.W_OK):
        raise open_error(_refused(os.path.dirname(os.path.realpath(path))), path, what)
    if stat.S_ISREG(status.st_mode):
        if _is_locked(path):
            raise in_use(path, what)
        kept_bytes(path, what, recognise, status)


def _check_folder(path: str, what: str, missing: OSError) -> None:
    folder = os.path.dirname(os.path.realpath(path))
    # As opening does, which finds no way through a folder that is missing, whatever follows it.
    if not os.path.isdir(os.path.dirname(path) or ".") or not os.path.isdir(folder):
        raise open_error(missing, path, what) from missing
    if not os.access(folder, os.W_OK | os.X_OK):
        raise open_error(_refused(folder), path, what)


def _refused(folder: str) -> OSError:
    """Return why a file there cannot be written: `access` does not tell."""
    try:
        read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except (AttributeError, OSError):
        read_only = False
    number = errno.EROFS if read_only else errno.EACCES
    return OSError(number, os.strerror(number))


def _is_locked(path: str) -> bool:
    """Return whether somebody has the lock of a file that writes to it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | NONBLOCK | CLOEXEC)
    except OSError:
        return False
    try:
        lock(descriptor, shared=True)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a network's file system may know no locks
    finally:
        os.close(descriptor)
    return False
