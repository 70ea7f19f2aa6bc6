"""New files and folders: what they are called beside others, who may read them, and what is in their way."""

from __future__ import annotations

import errno
import os
from typing import Union

PRIVATE = 0o640
"""Who may read a new file, but for what the umask takes: results and images are about people."""

CONTINUED = "+"
"""Before the number of a recording that goes on: no camera's name holds it, so that no other camera's file is called so."""


def unused_name(path: str, mark: str = "-") -> str:
    """Return `path`, or where it exists the first of ``name-2.mp4``, ``name-3.mp4``... that does not.

    Parameters
    ----------
    mark : str
        What precedes the number.
    """
    stem, ending = os.path.splitext(path)
    number = 1
    while os.path.lexists(path):
        number += 1
        path = f"{stem}{mark}{number}{ending}"
    return path


def make_folders(folder: Union[str, os.PathLike[str]], mode: int = 0o777) -> None:
    """Make a folder and those above it, where they are not there.

    Raises
    ------
    NotADirectoryError
        Something that is no folder is in the way. (Python says of this that "File exists", which tells nobody what is wrong.)
    OSError
        It cannot be made for another reason.
    """
    try:
        os.makedirs(folder, mode, exist_ok=True)
    except FileExistsError as error:
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), error.filename) from error
