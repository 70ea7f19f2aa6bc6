"""Room on this machine for what a job fetches: a folder that is removed with it, also where the process was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import time
from typing import Iterator

from fer_edge.errors import DiskFull
from fer_edge.system.masking import shown
from fer_edge.system.unix import CLOEXEC, HAS_FCNTL, NOFOLLOW, lock

BEGINNING = "fer-edge-job-"
_HELD = ".held"
_SPARE = 64 << 20
_YOUNG = 60.0


@contextlib.contextmanager
def scratch(root: str = "") -> Iterator[str]:
    """Yield a new folder, and remove it at the end, with those that killed processes of this user left behind.

    Parameters
    ----------
    root : str
        Where; by default the folder for temporary files, which ``TMPDIR`` names.

    Raises
    ------
    OSError
        No folder can be made there.

    Examples
    --------
    >>> with scratch() as folder:
    ...     os.path.isdir(folder)
    True
    """
    root = root or tempfile.gettempdir()
    sweep(root)
    folder = tempfile.mkdtemp(prefix=BEGINNING, dir=root)
    # The lock ends with the process, however it ends.
    held = os.open(os.path.join(folder, _HELD), os.O_WRONLY | os.O_CREAT | NOFOLLOW | CLOEXEC, 0o600)
    try:
        with contextlib.suppress(OSError):  # a network's file system may know no locks: then nothing is swept there
            lock(held)
        inner = os.path.join(folder, "files")
        os.mkdir(inner)
        yield inner
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep(root: str) -> None:
    """Remove what processes that were killed left in a folder."""
    if not HAS_FCNTL:
        return
    with contextlib.suppress(OSError):
        for name in os.listdir(root):
            if name.startswith(BEGINNING):
                _remove_if_left(os.path.join(root, name))


def refuse_too_large(folder: str, size: int) -> None:
    """Raise DiskFull where so many bytes do not fit beside a little spare room."""
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        raise DiskFull(
            f"{size / 1e6:.0f} MB are to be fetched to {shown(folder)} on {socket.gethostname()}, where {free / 1e6:.0f} MB "
            "are free.",
            "Free some, or start Ray there with TMPDIR set to a folder on a larger disk.",
        )


def _remove_if_left(folder: str) -> None:
    try:
        held = os.open(os.path.join(folder, _HELD), os.O_WRONLY | NOFOLLOW | CLOEXEC)
    except OSError:  # another user's, or it is being made or removed
        return
    try:
        if time.time() - os.fstat(held).st_mtime > _YOUNG:  # one that is just being made has no lock yet
            lock(held)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # its process is at work
        return
    finally:
        os.close(held)
