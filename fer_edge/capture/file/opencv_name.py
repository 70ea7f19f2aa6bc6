"""A name under which OpenCV opens a file, whatever the file is called."""

from __future__ import annotations

import os
from typing import Optional, Union

from fer_edge.system.unix import CLOEXEC, DIRECTORY


class OpenCvName:
    """Holds the name, and the file open for as long as it is valid.

    OpenCV converts a path to UTF-8 and dies of one that is none; in a C locale it dies of everything that is not ASCII. FFmpeg
    takes what stands before a colon for a protocol. So a plain name is given with its folder, where a colon does no harm; one
    in a folder of another name by the folder's descriptor; any other as the descriptor of the open file. That has no ending,
    and FFmpeg needs none: it looks at what is in a file, and asks the ending only where that leaves a doubt. Only Linux has
    such names of descriptors; elsewhere the path must do.

    Parameters
    ----------
    path : str or path
        The file.

    Attributes
    ----------
    text : str
        What OpenCV is to be given; ASCII on Linux.

    Raises
    ------
    OSError
        The file cannot be opened.
    """

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        self._descriptor: Optional[int] = None
        # Not os.path.abspath, which raises where the working folder was removed; a relative name still leads to the file there.
        folder, name = os.path.split(os.fsencode(path))
        if name.isascii() and folder.isascii():
            self.text = os.path.join(folder or b".", name).decode("ascii")
            if os.path.isabs(self.text) or b":" not in folder:
                return
        if not os.path.isdir("/proc/self/fd"):
            self.text = os.fsdecode(path)
            return
        if name.isascii():
            self._descriptor = os.open(folder, os.O_PATH | DIRECTORY | CLOEXEC)
            self.text = f"/proc/self/fd/{self._descriptor}/{name.decode('ascii')}"
            return
        self._descriptor = os.open(path, os.O_RDONLY | CLOEXEC)
        self.text = f"/proc/self/fd/{self._descriptor}"

    def close(self) -> None:
        """Close the file; the name is not valid any more. May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
