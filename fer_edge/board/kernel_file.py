"""One fact from one small file of /proc, /sys or /etc."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Union

Root = Union[str, Path]
"""``/``, or the top of a made-up tree."""


def read_text(root: Root, path: str) -> Optional[str]:
    """Return a file's text without surrounding blanks and zero bytes; None where it is empty or cannot be read.

    Parameters
    ----------
    path : str
        Below `root`, without a leading slash.
    """
    try:
        # A driver may refuse a value with any error: a sensor that is switched off, a core that is offline.
        return (Path(root) / path).read_text(encoding="utf-8", errors="replace").strip("\0\n\r\t ") or None
    except (OSError, ValueError):
        return None


def read_number(root: Root, path: str) -> Optional[int]:
    """Return the whole number that is all that a file holds; None where there is none."""
    text = read_text(root, path)
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def numbered(root: Root, folder: str, prefix: str) -> List[str]:
    """Return the entries of `folder` that are `prefix` and a number, by number, as paths below `root`."""
    try:
        names = [entry.name for entry in (Path(root) / folder).iterdir()]
    except OSError:
        return []
    found = [name for name in names if name.startswith(prefix) and name[len(prefix) :].isdecimal()]
    return [f"{folder}/{name}" for name in sorted(found, key=lambda name: int(name[len(prefix) :]))]
