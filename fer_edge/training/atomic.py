"""Files that survive a power cut: written beside, flushed to the disk, then renamed over the old one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from fer_edge.errors import DiskFull, OutputNotWritable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content``, or leave it as it was.

    A reader, or the next run after a crash, sees the old file or the new one, never a part of one. Folders that are
    missing are made.

    Raises
    ------
    DiskFull
        If no space, quota or permitted size is left.
    OutputNotWritable
        If the file cannot be written for another reason.
    """
    if path.exists() and not path.is_file():
        raise OutputNotWritable(f"{path} is no ordinary file.", "Give the name of a file.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"The disk is full: {path} was not written ({error.strerror}).",
                "Free some space; what was there stays.",
            ) from error
        raise OutputNotWritable(
            f"{path} cannot be written: {error.strerror}.", "Check the path and the folder's permissions."
        ) from error


def _flush_folder(folder: Path) -> None:
    """Make a rename last: it is on the disk only when the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
