"""What a recording, or another file, is: the sum of its content; and how a change of a recording is noticed meanwhile."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import Callable, List

from fer_edge.errors import FerEdgeError, SourceError, SourceNotFound, SourcePermission, SourceUnreadable
from fer_edge.recordings.jobs import Identity
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.system.masking import shown
from fer_edge.system.unix import CLOEXEC, NONBLOCK

_CHUNK = 1 << 20


def identity_of(recording: Recording, tick: Callable[[], None] = lambda: None) -> Identity:
    """Read all of a recording, and return what it is.

    Parameters
    ----------
    tick : callable
        Called once for each megabyte, and for each file.

    Raises
    ------
    SourceError
        It cannot be read, or is changed meanwhile.
    """
    before = stamp_of(recording)
    digest = hashlib.sha256()
    for path in _files(recording):
        try:
            if recording.kind == PICTURES:
                digest.update(os.fsencode(os.path.basename(path)) + b"\0")
            with open(path, "rb", opener=_at_once) as file:
                left = _regular(path, os.fstat(file.fileno())).st_size
                while left > 0:  # and no further: somebody may add to it for hours, which the stamp tells
                    chunk = file.read(min(left, _CHUNK))
                    if not chunk:
                        break
                    left -= len(chunk)
                    digest.update(chunk)
                    tick()
        except OSError as error:
            # One picture of several may be missing: it is told where it is read.
            if recording.kind != PICTURES or len(recording.files) == 1:
                raise _unreadable(path, error) from None
            digest.update(b"unreadable")
        tick()
    if stamp_of(recording) != before:
        raise changed(recording)
    return Identity(digest.hexdigest(), before)


def stamp_of(recording: Recording) -> str:
    """Return what differs once a file of the recording was written to, or is gone.

    Raises
    ------
    SourceError
        A video is not there, or is no file.
    """
    digest = hashlib.sha256()
    for path in _files(recording):
        try:
            found = _regular(path, os.stat(path))
            digest.update(f"{found.st_size}:{found.st_mtime_ns};".encode("ascii"))
        except OSError as error:
            if recording.kind != PICTURES or len(recording.files) == 1:
                raise _unreadable(path, error) from None
            digest.update(b"gone;")
    return digest.hexdigest()[:32]


def sum_of_file(path: str) -> str:
    """Return the sha256 of a file; empty where it cannot be read."""
    from fer_edge.inference.model_files import sha256_of

    try:
        return sha256_of(path)
    except (OSError, FerEdgeError):
        return ""


def refuse_changed(recording: Recording, identity: Identity) -> None:
    """Raise SourceError where a recording is not what it was when it was surveyed."""
    if stamp_of(recording) != identity.stamp:
        raise changed(recording)


def changed(recording: Recording) -> SourceError:
    """Return the error for a recording that somebody writes to."""
    return SourceUnreadable(
        f"{shown(recording.path)} was changed while it was analysed.",
        "Wait until it is complete, and run the command again.",
    )


def _files(recording: Recording) -> List[str]:
    if recording.kind == PICTURES:
        return [os.path.join(recording.path, name) for name in recording.files]
    return [recording.path]


def _regular(path: str, status: os.stat_result) -> os.stat_result:
    """Return the status of a file; raise OSError for a pipe or a device, which may have no end."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe, a device or a folder", path)
    return status


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | NONBLOCK | CLOEXEC)  # a pipe that nobody writes to is not waited for


def _unreadable(path: str, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceNotFound(f"{shown(path)} is not there any more.", "Look who removed or renamed it.")
    if isinstance(error, PermissionError):
        return SourcePermission(
            f"This user may not read {shown(path)}.", f"Allow it with:  chmod u+r '{shown(path)}'  or ask its owner."
        )
    return SourceUnreadable(f"{shown(path)} cannot be read: {error.strerror}.", "Check the disk.")
