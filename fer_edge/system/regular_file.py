"""Opens files that somebody else may have put there: a pipe does not block, a device is not read, a size has an end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, FrozenSet, List, Optional, Union

from fer_edge.system.unix import CLOEXEC, NOFOLLOW, NONBLOCK, group_id, user_id

_NOT_REGULAR = "it is not a regular file"
_CHUNK = 1 << 16


def open_regular(path: Union[str, os.PathLike[str]], folder: Optional[int] = None, follow: bool = True) -> BinaryIO:
    """Open a file for reading.

    Parameters
    ----------
    path : path
        The file.
    folder : int, optional
        Descriptor of the folder that a relative `path` starts from.
    follow : bool
        Whether a link at the end of `path` is followed.

    Raises
    ------
    OSError
        There is no such file, it may not be read, it is a folder, pipe, socket or device, or a link that is not to be
        followed.
    """
    # Without O_NONBLOCK, opening a pipe waits for whoever writes to it.
    flags = os.O_RDONLY | CLOEXEC | NONBLOCK | (0 if follow else NOFOLLOW)
    descriptor = os.open(path, flags, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, _NOT_REGULAR, os.fspath(path))
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def is_fifo(path: str) -> bool:
    """Return whether a path leads to a named pipe, whose bytes only one reader gets."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def read_at_most(file: BinaryIO, most: int) -> bytes:
    """Return the content of an open file.

    Raises
    ------
    OSError
        It has more than `most` bytes, of which no more are read, or cannot be read.
    """
    # The size tells what to reserve; but a file of /proc has none, and any may grow.
    size = os.fstat(file.fileno()).st_size
    parts: List[bytes] = []
    room = most
    while size <= most and room >= 0:
        # None is what a file gives that would make its reader wait, such as /proc/kmsg.
        part = file.read(min(max(size, _CHUNK), room) + 1)
        if not part:
            return b"".join(parts)
        parts.append(part)
        room -= len(part)
    raise OSError(errno.EFBIG, f"it has more than {most} bytes", str(file.name))


def read_regular(path: Union[str, os.PathLike[str]], most: int) -> bytes:
    """Return the content of a file of at most `most` bytes. Raises OSError as `open_regular` and `read_at_most` do."""
    with open_regular(path) as file:
        return read_at_most(file, most)


def own_groups() -> FrozenSet[int]:
    """Return the groups that count as this user and root, since many systems give each user one."""
    return frozenset([0, group_id()])


def others_may_change(status: os.stat_result) -> bool:
    """Return whether somebody else than this user and root owns what `status` is of, or may write to it.

    The user's own group counts as the user.
    """
    own_group = status.st_gid in own_groups()
    writable = status.st_mode & (stat.S_IWOTH if own_group else stat.S_IWOTH | stat.S_IWGRP)
    return status.st_uid not in (0, user_id()) or bool(writable)


def folder_that_others_change(folder: Path) -> Optional[Path]:
    """Return the first folder on the way to `folder` in which somebody else could put another in its place, or None."""
    for place in Path(os.path.realpath(folder)).parents:
        status = place.stat()
        # With the sticky bit, only who owns an entry can rename it.
        if others_may_change(status) and not (status.st_mode & stat.S_ISVTX and status.st_uid in (0, user_id())):
            return place
    return None
