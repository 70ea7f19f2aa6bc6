"""Tells which file names mean the program's own standard output or standard error, which are never opened a second time."""

from __future__ import annotations

import os
import re
import sys
from typing import Optional

from fer_edge.errors import OutputNotWritable
from fer_edge.system.standard_error import standard_error

NAMES = {1: "standard output", 2: "standard error"}
"""By descriptor, for people."""

_MOST_LINKS = 40
"""As many as the kernel follows (path_resolution(7))."""


def standard_descriptor(path: str) -> Optional[int]:
    """Return 1 or 2 where `path` means the standard output or error, as ``-`` and ``/dev/stdout`` do, or None.

    So does a link to them, and another descriptor's name (``/dev/fd/5``) when it is the same file as the standard output. What
    has a name of its own, such as a pipe, counts by that name.
    """
    if path == "-":
        return 1
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(path)
        folder = os.path.realpath(folder or ".")
        path = os.path.join(folder, name)
        if _is_of_descriptors(folder):
            return _which(int(name)) if re.fullmatch("[0-9]{1,9}", name) else None
        try:
            path = os.path.join(folder, os.readlink(path))
        except (OSError, ValueError):
            return None
    return None


def true_descriptor(descriptor: int) -> int:
    """Return where the standard output or error really goes: in the place of the latter stands the libraries' pipe.

    Raises
    ------
    OutputNotWritable
        The standard error was closed when the program was started.
    """
    if descriptor != 2:
        return descriptor
    if sys.__stderr__ is None:
        raise OutputNotWritable("The standard error is closed.", "Start the program without '2>&-'.")
    error = standard_error()
    return 2 if error is None else error.fileno()


def _is_of_descriptors(folder: str) -> bool:
    process = os.path.realpath("/proc/self")
    return re.fullmatch(re.escape(process) + "(/task/[0-9]+)?/fd", folder) is not None


def _which(descriptor: int) -> Optional[int]:
    if descriptor in NAMES:
        return descriptor
    try:
        return 1 if os.path.samestat(os.fstat(descriptor), os.fstat(1)) else None
    except OSError:
        return None
