"""How many may do one thing at a time."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type

from fer_edge.web.refusal import Refusal


class Room:
    """A context that has room for so many at a time. Entered in the server's thread alone.

    Parameters
    ----------
    most : int
        How many.
    what : str
        What they do, as a verb for people: ``look``.
    remedy : str
        What to do where there is no room.

    Raises
    ------
    Refusal
        503 where there is no room, when it is entered.
    """

    def __init__(self, most: int, what: str, remedy: str) -> None:
        self._most = most
        self._what = what
        self._remedy = remedy
        self._within = 0

    def __enter__(self) -> None:
        """Take a place."""
        if self._within >= self._most:
            raise Refusal(503, f"As many {self._what} as may at a time.", self._remedy)
        self._within += 1

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Give it back."""
        self._within -= 1
