"""New files: what they are called beside others, and who may read them."""

from __future__ import annotations

import os

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
