"""The files of a system that lies in a folder, such as a mounted card: its links lead to where they lead when it runs."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import Deque, Iterator, List, NamedTuple, Optional, Tuple

from fer_edge.system.atomic_file import replacing

MOST_LINKS = 40
"""Links on one way; with more they lead in a circle, as the kernel has it."""

LARGEST_FILE = 4 << 20
"""Bytes that are read of a file."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Content(NamedTuple):
    """What a file holds, and to whom it and its folder belong."""

    data: bytes
    file: os.stat_result
    folder: os.stat_result


class Place(NamedTuple):
    """Where a name leads: an open folder, the way to it from the root, and the last part of the name."""

    descriptor: int
    way: Tuple[str, ...]
    last: str


class SystemRoot:
    """Reads and writes below one folder, and never beside it.

    Every part of a name is opened in the folder before it, and none through a link: a link is read, and followed as if the
    folder were ``/``. So nobody who changes the tree meanwhile can lead a step elsewhere.

    Parameters
    ----------
    path : Path
        ``/``, or where a system is mounted. Names are relative to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> Optional[Content]:
        """Return what a file holds, through links; None where there is none.

        Raises
        ------
        OSError
            It is no ordinary file, is too large, or cannot be read; a link to it leads nowhere, or in a circle.
        """
        final = self._behind_links(name)
        if final is None:
            return None
        with self._at(final) as place:
            return _read(place)

    def write(self, name: str, text: str, mode: int) -> None:
        """Write a file whole or not at all, in place of whatever has its name, and make its folders."""
        with self._at(name, make=True) as place:
            draft = f".{place.last}.new"
            with replacing(place.last, mode, place.descriptor, draft) as file:
                file.write(text.encode("utf-8", "surrogateescape"))

    def link(self, name: str, target: str) -> None:
        """Make a link, and its folders."""
        with self._at(name, make=True) as place:
            os.symlink(target, place.last, dir_fd=place.descriptor)

    def chmod(self, name: str, mode: int) -> None:
        """Set the mode of an ordinary file, through links."""
        with self._at(self._behind_links(name) or name) as place:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(place.last, flags, dir_fd=place.descriptor)
            try:
                os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, a link, or a folder with all that is in it."""
        with self._at(name) as place:
            if stat.S_ISDIR(os.lstat(place.last, dir_fd=place.descriptor).st_mode):
                # rmtree takes a descriptor from Python 3.11 on; what it finds in the folder it does not follow.
                shutil.rmtree(f"/proc/self/fd/{place.descriptor}/{place.last}")
            else:
                os.unlink(place.last, dir_fd=place.descriptor)

    def has(self, name: str) -> bool:
        """Return whether something has this name, be it a link to nowhere."""
        try:
            with self._at(name) as place:
                os.lstat(place.last, dir_fd=place.descriptor)
        except OSError:
            return False
        return True

    def names(self, folder: str) -> List[str]:
        """Return what lies in a folder, sorted; nothing where there is none."""
        try:
            with self._at(folder + "/.") as place:
                return sorted(os.listdir(place.descriptor))
        except OSError:
            return []

    def is_plain(self, name: str) -> bool:
        """Return whether a program that knows nothing of the root comes to the same place: no link leads out of the root."""
        try:
            for _ in range(MOST_LINKS):
                with self._at(name, plain=True) as place:
                    try:
                        target = os.readlink(place.last, dir_fd=place.descriptor)
                    except OSError:  # it is no link, or there is nothing
                        return True
                if target.startswith("/"):
                    return False
                name = "/".join((*place.way, target))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    def _behind_links(self, name: str) -> Optional[str]:
        """Return the name behind a link, or links; None where nothing has it. Raises OSError where a link leads nowhere."""
        linked = False
        for _ in range(MOST_LINKS):
            try:
                with self._at(name) as place:
                    if not stat.S_ISLNK(os.lstat(place.last, dir_fd=place.descriptor).st_mode):
                        return name
                    target = os.readlink(place.last, dir_fd=place.descriptor)
                    name = target if target.startswith("/") else "/".join((*place.way, target))
                    linked = True
            except FileNotFoundError:
                if linked:
                    raise
                return None
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    @contextmanager
    def _at(self, name: str, make: bool = False, plain: bool = False) -> Iterator[Place]:
        """Open the folder in which the last part of `name` lies."""
        folders, _, last = name.rstrip("/").rpartition("/")
        if last in ("", ".", ".."):
            folders, last = f"{folders}/{last}", "."
        ways = self._open_folders(folders.split("/"), make, plain)
        try:
            yield Place(ways[-1][0], tuple(part for _, part in ways[1:]), last)
        finally:
            for descriptor, _ in ways:
                os.close(descriptor)

    def _open_folders(self, parts: List[str], make: bool, plain: bool) -> List[Tuple[int, str]]:
        """Open one folder in the other; gives all of them, the root first. Where `plain`, no link may lead out of the root."""
        ways = [(os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), "")]
        # With each part, whether a link named it: what that lacks is a disk that is not mounted, and no folder to make.
        waiting: Deque[Tuple[str, bool]] = deque((part, False) for part in parts)
        links = 0
        try:
            while waiting:
                part, linked = waiting.popleft()
                if part == "..":
                    if len(ways) > 1:
                        os.close(ways.pop()[0])
                    elif plain:
                        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
                    continue
                if part in ("", "."):
                    continue
                folder = ways[-1][0]
                try:
                    ways.append((os.open(part, _FOLDER, dir_fd=folder), part))
                except FileNotFoundError as error:
                    if linked:
                        raise NotADirectoryError(errno.ENOTDIR, "a link on the way leads nowhere") from error
                    if not make:
                        raise
                    os.mkdir(part, 0o755, dir_fd=folder)
                    waiting.appendleft((part, False))
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    target = _target(part, folder, error)
                    links += 1
                    if links > MOST_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
                    if target.startswith("/"):
                        if plain:
                            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV)) from error
                        while len(ways) > 1:
                            os.close(ways.pop()[0])
                    waiting.extendleft((piece, True) for piece in reversed(target.split("/")))
        except BaseException:
            for descriptor, _ in ways:
                os.close(descriptor)
            raise
        return ways


def _target(part: str, folder: int, error: OSError) -> str:
    """Read a link; raises `error` where it is none, but a file among folders."""
    try:
        return os.readlink(part, dir_fd=folder)
    except OSError:
        raise error from None


def _read(place: Place) -> Content:
    mode = os.lstat(place.last, dir_fd=place.descriptor).st_mode
    # Before it is opened: to open a device may set it off.
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "a folder" if stat.S_ISDIR(mode) else "no ordinary file")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    descriptor = os.open(place.last, flags, dir_fd=place.descriptor)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return Content(content, os.fstat(descriptor), os.fstat(place.descriptor))
