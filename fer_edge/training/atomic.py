"""What training makes, in place of what an earlier run made and of nobody else's file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_edge.errors import DiskFull, OutputNotWritable
from fer_edge.system.atomic_file import Draft, replacing
from fer_edge.system.disk_full import is_disk_full
from fer_edge.system.new_file import make_folders
from fer_edge.system.regular_file import open_regular

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
    with writing(path):
        make_folders(path.parent)
        with replacing(path) as draft:
            draft.write(content)
            draft.finish()
            check_replaceable(path, ours)  # a large file takes a while


def check_writable(path: Path, ours: re.Pattern[bytes]) -> None:
    """Raise, before long work, what `write_atomically` would raise after it; parameters and errors as there.

    A file is made and removed again in the folder, or in the first one above it that is there: permissions do not tell
    everything.
    """
    check_replaceable(path, ours)
    folder = path.parent
    while not folder.exists() and not folder.is_symlink() and folder != folder.parent:
        folder = folder.parent
    with writing(path):
        Draft(folder / path.name).close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says while ``path`` is written into one of our errors, for people.

    Raises
    ------
    DiskFull, OutputNotWritable
        In place of the OSError.
    """
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
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
