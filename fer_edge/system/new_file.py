"""New files: what they are called beside others, and who may read them."""

from __future__ import annotations

import os

PRIVATE = 0o640
"""Who may read a new file, but for what the umask takes: results and images are about people."""


def unused_name(path: str) -> str:
    """Return `path`, or where it exists the first of ``name-2.mp4``, ``name-3.mp4``... that does not."""
    stem, ending = os.path.splitext(path)
    number = 1
    while os.path.lexists(path):
        number += 1
        path = f"{stem}-{number}{ending}"
    return path
