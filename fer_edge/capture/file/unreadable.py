"""What is known of a picture file that cannot be read."""

from __future__ import annotations

from typing import Optional, Type

from fer_edge.capture.limits import why_not
from fer_edge.errors import FerEdgeError, MissingExtra, SourceUnreadable

COPY_AGAIN = "Copy it again if there is a whole one."


class Unreadable(Exception):
    """A picture file cannot be read.

    Parameters
    ----------
    reason : str
        As the rest of a sentence: ``it is empty``.
    remedy : str
        What the reader can do about it.
    error : type of FerEdgeError
        What is raised where the file is all that was asked for.
    whole : FerEdgeError, optional
        That error, where somebody else has found the words for it.
    """

    def __init__(
        self,
        reason: str,
        remedy: str = "",
        error: Type[FerEdgeError] = SourceUnreadable,
        whole: Optional[FerEdgeError] = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.error = error
        self.whole = whole

    def in_a_line(self) -> str:
        """Return the reason, with the remedy where there would be no use in looking at the file."""
        return f"{self.reason}. {self.remedy}" if self.error is MissingExtra else self.reason


def too_large(width: int, height: int) -> Unreadable:
    """Return what is known of a picture of a size that is not read."""
    return Unreadable(
        why_not(width, height), "Make it smaller, or store it as JPEG, which is read at a part of its size."
    )
