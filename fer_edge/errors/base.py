"""The root of the tree of errors."""

from __future__ import annotations

from typing import ClassVar


class FerEdgeError(Exception):
    """Base of all errors that fer-edge raises on purpose.

    Parameters
    ----------
    message : str
        What failed and where, in one sentence.
    remedy : str, optional
        What the reader can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Return the message, and the remedy behind it when there is one."""
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message
