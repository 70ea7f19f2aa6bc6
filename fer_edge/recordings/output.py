"""Where results go: folders, drafts, and what the operating system says when it refuses."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import Iterator

from fer_edge.sinks.files import in_use, open_error, write_error
from fer_edge.system.disk_full import is_disk_full
from fer_edge.system.new_file import PRIVATE, make_folders
from fer_edge.system.unix import CLOEXEC, NOFOLLOW, lock

WHAT = "folder of results"
PARTS = ".parts"
"""In the folder of a recording: what its parts gave, until they are joined."""

LOCK = ".fer-edge.lock"

_DRAFT = (".fer-edge-", ".tmp")


@contextlib.contextmanager
def writing(path: str, what: str = "result") -> Iterator[None]:
    """Turn what the operating system says of a file, while it is written, into one of our errors.

    Raises
    ------
    DiskFull, OutputNotWritable
        In place of the OSError.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None and not is_disk_full(error):
            raise open_error(error, path, what) from error
        raise write_error(error, path, what) from error


def made_folder(folder: str) -> str:
    """Make a folder, with those above it, if it is not there. Raises OutputError."""
    try:
        make_folders(folder)
    except OSError as error:
        raise open_error(error, folder, WHAT) from error
    return folder


def folder_of(out: str, name: str) -> str:
    """Return the folder of a recording's results in that of all."""
    return os.path.join(out, *name.split("/"))


def clear_leftovers(folder: str) -> None:
    """Remove what a run that was cut off left in the folder of a recording: parts and drafts, and nothing else."""
    parts = os.path.join(folder, PARTS)
    if os.path.islink(parts):
        with contextlib.suppress(OSError):
            os.unlink(parts)
    shutil.rmtree(parts, ignore_errors=True)
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(_DRAFT[0]) and name.endswith(_DRAFT[1]):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))
        os.rmdir(folder)  # where nothing else was in it


@contextlib.contextmanager
def claimed(folder: str) -> Iterator[None]:
    """Make the folder of the results and keep other runs out of it, until the block ends or the process does.

    Raises
    ------
    OutputError
        It cannot be made or written to, or another run writes there.
    """
    made_folder(folder)
    path = os.path.join(folder, LOCK)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | NOFOLLOW | CLOEXEC, PRIVATE)
    except OSError as error:
        raise open_error(error, path, WHAT) from error
    try:
        try:
            lock(descriptor)
        except BlockingIOError as error:
            raise in_use(folder, WHAT) from error
        except OSError:
            pass  # a network's file system may know no locks
        yield
    finally:
        os.close(descriptor)
