"""When each part of a camera's frames is searched for new faces."""

from __future__ import annotations

import math
from typing import List, Optional, Sequence, Set

PERIOD = 0.4
"""Seconds in which every part is looked at where something moves, so that a new face is found within half a second."""

STILL_PERIOD = 2.0
"""Seconds between looks at a part where nothing moves: a face cannot come there unseen, but one may have been missed."""

RESTLESS = 1.0
"""Seconds for which a part counts as moving after it did: a face that comes to rest is looked for more than once."""

MOST_LOOKS = 2
"""Parts that are looked at in one frame. At 15 frames a second, the nine parts of full HD then take five frames."""

_TINY = 1e-6


class SearchPlan:
    """Chooses the parts that are looked at in a frame.

    Looks are spread over the frames: as many as keep the period, and more where a moving part is late. First come those that
    have waited for the most of their periods: that of a still part is longer, so it keeps no moving one waiting.

    Parameters
    ----------
    count : int
        Of the parts.

    Examples
    --------
    At 10 frames a second, four parts in which something moves:

    >>> plan = SearchPlan(4)
    >>> plan.looked_everywhere(0.0)
    >>> [plan.due(frame / 10, [True] * 4) for frame in range(1, 6)]
    [[0], [1], [2], [3], [0]]
    """

    def __init__(self, count: int) -> None:
        self._looked: List[float] = [-math.inf] * count
        self._moved: List[float] = [-math.inf] * count
        self._before = list(self._looked)
        self._unfinished: Set[int] = set()
        self._credit = 0.0
        self._at: Optional[float] = None

    def looked_everywhere(self, at: float) -> None:
        """Say that all parts were looked at."""
        count = len(self._looked)
        # As if one after the other: all at once they would all be late together, too.
        self._looked = [at - PERIOD * (count - 1 - part) / count for part in range(count)]
        self._before = list(self._looked)
        self._unfinished.clear()
        self._credit, self._at = 0.0, at

    def again(self, part: int, at: float, begun: bool) -> None:
        """Say that a look at a part was not finished.

        It comes before all parts that are not late. One of which something was looked at comes behind those that are, or a part
        that shows something new in each frame would keep the others waiting for ever.

        Parameters
        ----------
        part : int
            Its number.
        at : float
            Seconds, as of the frame.
        begun : bool
            Whether something that the part shows was looked at; else it keeps its place.
        """
        self._looked[part] = at - PERIOD if begun else min(self._before[part], at - PERIOD)
        self._unfinished.add(part)
        self._credit = max(self._credit, 1.0)

    def due(self, at: float, changed: Sequence[bool], most: int = MOST_LOOKS) -> List[int]:
        """Return the parts to look at in a frame, which then count as looked at.

        Parameters
        ----------
        at : float
            Seconds; no less than in the call before.
        changed : sequence of bool
            For each part whether it shows something else than when it was looked at.
        most : int
            Parts that may be looked at in this frame.

        Returns
        -------
        list of int
            No more than `most`.
        """
        for part, moves in enumerate(changed):
            if moves:
                self._moved[part] = at
        waiting = [
            part
            for part, looked in enumerate(self._looked)
            if at - looked >= STILL_PERIOD or at - self._moved[part] <= RESTLESS or part in self._unfinished
        ]
        passed = at - self._at if self._at is not None else math.inf
        self._at = at
        if not waiting:
            self._credit = 0.0
            return []
        self._credit = min(self._credit + len(waiting) * passed / PERIOD, float(most))
        late = sum(at - self._moved[part] <= RESTLESS and at - self._looked[part] >= PERIOD for part in waiting)
        count = min(max(late, int(self._credit + _TINY)), most)
        chosen = sorted(waiting, key=lambda part: self._overdue(part, at), reverse=True)[:count]
        self._credit = max(0.0, self._credit - len(chosen))
        self._before = list(self._looked)
        for part in chosen:
            self._looked[part] = at
        self._unfinished.difference_update(chosen)
        return chosen

    def _overdue(self, part: int, at: float) -> float:
        """Return for how many of its periods a part was not looked at."""
        hurries = part in self._unfinished or at - self._moved[part] <= RESTLESS
        return (at - self._looked[part]) / (PERIOD if hurries else STILL_PERIOD)
