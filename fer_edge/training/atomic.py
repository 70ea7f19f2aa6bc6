"""Files that survive a power cut: written beside, flushed to the disk, then renamed over the old one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from pathlib import Path

from fer_edge.errors import DiskFull, OutputNotWritable
from fer_edge.system.regular_file import open_regular

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HEAD = 1 << 20  # the largest checkpoint has its table of contents in less


def write_atomically(path: Path, content: bytes, ours: re.Pattern[bytes]) -> None:
    """Replace ``path`` by ``content``, or leave it as it was.

    A reader, or the next run after a crash, sees the old file or the new one, never a part of one. Folders that are
    missing are made.

    Parameters
    ----------
    path
        The file.
    content
        What it holds then.
    ours
        What a file of this kind begins with when fer-edge wrote it; no other is replaced, but for an empty one.

    Raises
    ------
    DiskFull
        If no space, quota or permitted size is left.
    OutputNotWritable
        If the file cannot be written for another reason, or is there and not ours.
    """
    check_replaceable(path, ours)
    # O_EXCL with a name that nobody can know: a link that lies in wait there is not written through.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            check_replaceable(path, ours)  # a large file takes a while
            temporary.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
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


def check_replaceable(path: Path, ours: re.Pattern[bytes]) -> None:
    """Make sure that nobody else's file would be lost. Raises OutputNotWritable; parameters as of `write_atomically`."""
    try:
        with open_regular(path) as file:
            old = file.read(_HEAD)
    except (FileNotFoundError, NotADirectoryError):  # there is none, or the writing will tell
        return
    except OSError as error:
        if path.exists() and not path.is_file():
            raise OutputNotWritable(f"{path} is no ordinary file.", "Give the name of a file.") from error
        raise OutputNotWritable(
            f"{path} cannot be read to see whether fer-edge wrote it: {error.strerror}.",
            "Give another name, or see to its rights and its disk.",
        ) from error
    if old and not ours.match(old):
        raise OutputNotWritable(
            f"{path} exists already, and is none that fer-edge wrote.",
            "Give another name, or delete it yourself if nobody needs it.",
        )


def _flush_folder(folder: Path) -> None:
    """Make a rename last: it is on the disk only when the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
