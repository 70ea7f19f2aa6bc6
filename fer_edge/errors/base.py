"""The root of the tree of errors."""

from __future__ import annotations

import re
from typing import ClassVar

_ADDRESS = re.compile(r" (?:at|\x40) 0x[0-9A-Fa-f]{6,16}\b")
"""Of something in memory, as Python and FFmpeg write it into their words: it tells nobody anything, and differs each time."""


class FerEdgeError(Exception):
    """Base of all errors that fer-edge raises on purpose.

    Parameters
    ----------
    message : str
        What failed and where, in one sentence; addresses of memory, which words of a library may hold, are left out.
    remedy : str, optional
        What the reader can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        message = _ADDRESS.sub("", message)
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the message, and the remedy behind it when there is one."""
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message
