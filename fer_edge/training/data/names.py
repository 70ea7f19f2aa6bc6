"""Names of files and folders in messages."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 8
"""So many names are shown of a folder that is not understood."""


def first_of(names: Sequence[str]) -> str:
    """Return the first names of a list, and whether there are more."""
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
