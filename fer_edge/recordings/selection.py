"""Which frames of a recording are analysed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional

from fer_edge.errors import UsageError

_SLACK = 1e-6
"""Of a frame: what is due at the very moment of a frame is not to wait for the next, as sums of fractions are not exact."""


@dataclass
class Selection:
    """Decides of one frame after the other.

    A frame is due where the recording's clock has reached the next tick of `fps` since the frame before. So it depends on
    two frames alone, and a recording that is split gives the same frames.

    Attributes
    ----------
    every : int
        Of so many frames one is wanted, by their indices.
    fps : float
        At most so many a second are wanted; 0 for all.
    before : float
        Time of the frame before the first; below 0 where there is none.

    Examples
    --------
    >>> selection = Selection(fps=10)
    >>> [index for index in range(12) if selection(index, index / 25)]
    [0, 3, 5, 8, 10]
    """

    every: int = 1
    fps: float = 0.0
    before: float = -1.0

    @classmethod
    def of(cls, every: int, fps: float) -> Selection:
        """Return the selection that somebody asks for.

        Raises
        ------
        UsageError
            It makes no sense.
        """
        whole = isinstance(every, int) and not isinstance(every, bool) and every >= 1
        if not whole or not 0 <= fps < 1e6 or (every > 1 and fps > 0):
            raise UsageError(
                "every, fps: one of them may say which frames are analysed.", "Give every=2 or more, or fps above 0."
            )
        return cls(every, float(fps))

    def __call__(self, index: int, moment: Optional[float]) -> bool:
        """Return whether a frame is wanted; to be asked of each, in order."""
        before, self.before = self.before, self.before if moment is None else moment
        if index % self.every:
            return False
        return self.fps <= 0 or moment is None or before < 0 or self._tick(moment) != self._tick(before)

    def _tick(self, moment: float) -> int:
        return math.floor(moment * self.fps + _SLACK)
