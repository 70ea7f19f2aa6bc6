"""What is known of a picture file that cannot be read."""

from __future__ import annotations

from typing import Optional, Type

from fer_edge.errors import FerEdgeError, SourceUnreadable


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
