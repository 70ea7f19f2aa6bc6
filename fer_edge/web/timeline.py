"""What the faces of one camera showed in the last minutes: states, and how pleasant they looked, second by second."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any, Deque, Dict, List, Optional, Tuple

from fer_edge.sinks.lines import iso, number
from fer_edge.types import Observation, StateChange

MOST_MINUTES = 60
"""That are kept."""

MOST_STATES = 2000
"""Of a camera that are kept; a crowd changes more than one a second."""


class Timeline:
    """Keeps the last hour of one camera; to be guarded by whoever shares it."""

    def __init__(self) -> None:
        self._open: Dict[Tuple[int, str], StateChange] = {}
        self._over: Deque[StateChange] = deque(maxlen=MOST_STATES)
        self._seconds: Deque[Tuple[int, float, int]] = deque(maxlen=60 * MOST_MINUTES)
        """Of each second with results: the epoch's, the sum of valences, and of how many faces."""

    def take(self, observation: Observation) -> None:
        """Take a result: the valence of its faces goes into the mean of its second."""
        second = int(observation.frame.timestamp.timestamp())
        valences = [face.steady.valence for face in observation.faces]
        total, count = float(sum(valences)), len(valences)
        if self._seconds and self._seconds[-1][0] == second:
            _, before, faces = self._seconds.pop()
            total, count = total + before, count + faces
        self._seconds.append((second, total, count))

    def change(self, change: StateChange) -> None:
        """Take a state that begins or ends."""
        key = change.track, iso(change.start)
        if change.is_over:
            self._open.pop(key, None)
            self._over.append(change)
        else:
            self._open[key] = change

    def told(self, now: datetime, minutes: float) -> Dict[str, Any]:
        """Return the last minutes as the API tells them: states that are not over last, and at most one valence a second.

        What was seen before the clock was set back lies ahead, and is left out.
        """
        begin = now - timedelta(minutes=minutes)
        over = [change for change in self._over if (change.end is None or change.end >= begin) and change.start <= now]
        first, last = begin.timestamp(), now.timestamp()
        return {
            "from": iso(begin),
            "to": iso(now),
            "states": [_state(change) for change in (*over, *self._open.values())],
            "valence": [_point(*of_second) for of_second in self._seconds if first <= of_second[0] <= last],
        }


def _state(change: StateChange) -> Dict[str, Any]:
    return {
        "id": change.track,
        "label": change.label,
        "start": iso(change.start),
        "end": None if change.end is None else iso(change.end),
        "valence": number(change.valence, 4),
    }


def _point(second: int, total: float, count: int) -> List[Optional[float]]:
    return [second, number(total / count, 4) if count else None]
