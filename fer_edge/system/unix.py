"""What only Unix has, and what takes its place elsewhere: nothing, as far as that is safe.

fer-edge is made for Linux. Elsewhere files, the library and the benchmark are to run, without cameras, service and locks.
"""

from __future__ import annotations

import os
import select
import signal
from typing import Tuple

try:
    import fcntl
except ImportError:  # pragma: no cover  (tests take it away in a process of its own)
    HAS_FCNTL = False
else:
    HAS_FCNTL = True

CLOEXEC: int = getattr(os, "O_CLOEXEC", getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0))
"""For `os.open`: children do not get the descriptor. Windows has to be told besides that bytes are bytes."""

NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)
NOCTTY: int = getattr(os, "O_NOCTTY", 0)

PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe takes in one piece; POSIX promises 512."""

STRAY_SIGNALS: Tuple[signal.Signals, ...] = tuple(
    found for found in (getattr(signal, name, None) for name in ("SIGHUP", "SIGUSR1", "SIGUSR2")) if found is not None
)
"""What scripts send to daemons, for them to read their settings again or to open their log anew; fer-edge does neither."""


def user_id() -> int:
    """Return the number of the user whom this process acts for; elsewhere 0, whom every file there seems to belong to."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def group_id() -> int:
    """Return the number of the group that this process acts for; elsewhere 0."""
    return os.getegid() if hasattr(os, "getegid") else 0


def lock(descriptor: int, shared: bool = False) -> None:
    """Take the lock of an open file without waiting; elsewhere there is none.

    Raises
    ------
    BlockingIOError
        Somebody else has it.
    OSError
        The file system knows no locks.
    """
    if HAS_FCNTL:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def is_open_for_writing(descriptor: int) -> bool:
    """Return whether a descriptor is open, and for more than reading; elsewhere only whether it is open."""
    try:
        if not HAS_FCNTL:
            os.fstat(descriptor)
            return True
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False


def can_be_written(descriptor: int, seconds: float) -> bool:
    """Return whether a few bytes can be written without waiting, or could be within so many seconds; or fail at once.

    Elsewhere nobody can tell, and it is taken for granted.
    """
    if not hasattr(select, "poll"):
        return True
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    return bool(poller.poll(seconds * 1000))
