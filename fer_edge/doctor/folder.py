"""Whether a folder that need not exist yet can be written, and what fits in."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Optional


@dataclass(frozen=True)
class Folder:
    """A folder.

    Attributes
    ----------
    path : str
        Where it is, or will be.
    writable : bool
        Whether this user may write there, or make it.
    free : float, optional
        MiB that this user may still use.
    """

    path: str
    writable: bool
    free: Optional[float]


def look_at(path: Path) -> Folder:
    """Look at a folder, or at the nearest one above it that exists."""
    there = next((folder for folder in (path, *path.parents) if folder.exists()), Path("/"))
    # A read-only file system is seen only by its flag when one is root.
    try:
        read_only = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
        free: Optional[float] = shutil.disk_usage(there).free / (1 << 20)
    except OSError:
        read_only, free = False, None
    return Folder(str(path), there.is_dir() and os.access(there, os.W_OK | os.X_OK) and not read_only, free)
