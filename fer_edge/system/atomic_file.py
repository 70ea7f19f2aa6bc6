"""Replaces a file so that a reader, or the next run after a power cut, sees the old one or the new one, never a part of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import Iterator, Optional, Union

from fer_edge.system.unix import CLOEXEC, DIRECTORY, NOFOLLOW

PathLike = Union[str, "os.PathLike[str]"]

OWNER_ONLY = 0o600
ALL_READ = 0o644


class Draft:
    """What is to become a file: written beside its place under another name, and put there when it is whole.

    Nothing that lies there under the draft's name is written to, and no link is followed.

    Parameters
    ----------
    path : str or path
        The file's place.
    mode : int, optional
        Who may use the file, whatever the umask says; by default what the umask leaves to a new one.
    folder : int, optional
        Descriptor of the folder that a relative `path` starts from; such a path has one part.
    name : str, optional
        Of the draft, for a folder in which nothing may be left behind: what a run that was cut off left under it is
        removed. By default one that nobody can guess.

    Raises
    ------
    OSError
        The folder is not there, or takes no new file.
    """

    def __init__(
        self, path: PathLike, mode: Optional[int] = None, folder: Optional[int] = None, name: str = ""
    ) -> None:
        self._place = os.fspath(path)
        self._mode = mode
        self._folder = folder
        own_name = name or f".fer-edge-{secrets.token_hex(8)}.tmp"
        self._draft = os.path.join(os.path.dirname(self._place), own_name)
        if name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._draft, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | CLOEXEC
        # Until it is whole, nobody else is to read a file that gets its own mode.
        descriptor = os.open(self._draft, flags, 0o666 if mode is None else OWNER_ONLY, dir_fd=folder)
        self._left = True
        self.file = open(descriptor, "wb")  # noqa: SIM115  (`close` closes it)

    def write(self, content: bytes) -> None:
        """Append to the draft. Raises OSError."""
        self.file.write(content)

    def finish(self) -> None:
        """Bring the content onto the disk, and close it. Raises OSError."""
        self.file.flush()
        if self._mode is not None and hasattr(os, "fchmod"):
            os.fchmod(self.file.fileno(), self._mode)
        os.fsync(self.file.fileno())
        self.file.close()

    def put(self, path: Optional[PathLike] = None) -> None:
        """Put what is finished in its place, or in another of the same folder. Raises OSError."""
        os.replace(self._draft, path or self._place, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._left = False
        self._flush_folder()

    def close(self) -> None:
        """Remove a draft that was not put anywhere. May be called twice."""
        with contextlib.suppress(OSError):  # the unwritten rest on a full disk: `write` or `finish` has raised for it
            self.file.close()
        if self._left:
            self._left = False
            with contextlib.suppress(OSError):
                os.unlink(self._draft, dir_fd=self._folder)

    def _flush_folder(self) -> None:
        """Make the rename last: it is on the disk only when the folder is."""
        if self._folder is not None:
            os.fsync(self._folder)
            return
        if not DIRECTORY:  # elsewhere a folder cannot be opened
            return
        with contextlib.suppress(PermissionError):  # a folder may be there to be written to, and not to be read
            handle = os.open(os.path.dirname(self._place) or ".", os.O_RDONLY | DIRECTORY | CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@contextlib.contextmanager
def replacing(
    path: PathLike, mode: Optional[int] = None, folder: Optional[int] = None, name: str = ""
) -> Iterator[Draft]:
    """Yield a `Draft` that takes the place of `path` at the end of the block, unless the block raises.

    Raises
    ------
    OSError
        Something cannot be written; what was there stays.
    """
    draft = Draft(path, mode, folder, name)
    try:
        yield draft
        if not draft.file.closed:
            draft.finish()
        draft.put()
    finally:
        draft.close()
