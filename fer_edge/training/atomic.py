"""Files that survive a power cut: written beside, flushed to the disk, then renamed over the old one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from fer_edge.errors import DiskFull, OutputNotWritable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_atomically(path: Path, content: bytes, alike: int = 8) -> None:
    """Replace ``path`` by ``content``, or leave it as it was.

    A reader, or the next run after a crash, sees the old file or the new one, never a part of one. Folders that are
    missing are made. An old file is replaced by its like only: its first ``alike`` bytes must be those of the new one, as they
    are for checkpoints, networks, pictures and tables of ours.

    Raises
    ------
    DiskFull
        If no space, quota or permitted size is left.
    OutputNotWritable
        If the file cannot be written for another reason, or is of another kind.
    """
    if path.exists() and not path.is_file():
        raise OutputNotWritable(f"{path} is no ordinary file.", "Give the name of a file.")
    _refuse_another_kind(path, content[:alike])
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


def _refuse_another_kind(path: Path, beginning: bytes) -> None:
    try:
        with path.open("rb") as file:
            old = file.read(len(beginning))
    except OSError:  # there is none, or the writing will tell
        return
    if not beginning.startswith(old):
        raise OutputNotWritable(
            f"{path} exists already, and is a file of another kind.",
            "Give another name, or delete it yourself if nobody needs it.",
        )


def _flush_folder(folder: Path) -> None:
    """Make a rename last: it is on the disk only when the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
