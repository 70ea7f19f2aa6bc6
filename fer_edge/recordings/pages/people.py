"""What each person of a recording showed, out of the states."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_edge.recordings.pages.frame_sums import FrameSteps
from fer_edge.recordings.pages.reading import State
from fer_edge.types import LABELS

NOBODY = -1
_WHICH = {label: number for number, label in enumerate(LABELS)}


@dataclass(frozen=True)
class Person:
    """A face that was followed. Who leaves and comes back is another one.

    Attributes
    ----------
    track : int
        The number, which the tables have in the column of this name.
    first, last : float
        When the person was first and last seen, in seconds of the recording.
    seconds : mapping of str to float
        For how long each of `LABELS` was shown.
    states : int
        How many times the person began to show something.
    valence : float or None
        The mean.
    """

    track: int
    first: float
    last: float
    seconds: Mapping[str, float]
    states: int
    valence: Optional[float]

    @property
    def seen(self) -> float:
        """For how long, in seconds."""
        return sum(self.seconds.values())

    @property
    def shares(self) -> Dict[str, float]:
        """Of each expression, of that time."""
        seen = self.seen
        return {label: self.seconds[label] / seen if seen > 0 else 0.0 for label in LABELS}


def people_of(states: Sequence[State], valence_of: Mapping[int, float]) -> List[Person]:
    """Return everybody, in the order in which they came."""
    by_track: Dict[int, List[State]] = defaultdict(list)
    for state in states:
        by_track[state.track].append(state)
    people = []
    for track, own in by_track.items():
        seconds = dict.fromkeys(LABELS, 0.0)
        for state in own:
            seconds[state.label] += state.duration
        first, last = min(state.start for state in own), max(state.end for state in own)
        people.append(Person(track, first, last, seconds, len(own), valence_of.get(track)))
    return sorted(people, key=lambda person: (person.first, person.track))


def longest_seen(people: Sequence[Person], most: int) -> List[Person]:
    """Return those who were seen longest, in the order in which they came."""
    chosen = {person.track for person in sorted(people, key=lambda person: -person.seen)[:most]}
    return [person for person in people if person.track in chosen]


def along(people: Sequence[Person], states: Sequence[State], steps: FrameSteps) -> NDArray[np.int8]:
    """Return what each person showed longest in each step: people x steps, indices of `LABELS`, `NOBODY` where not in view."""
    rows = {person.track: number for number, person in enumerate(people)}
    seconds = np.zeros((len(people), steps.count, len(LABELS)), np.float32)
    for state in states:
        row = rows.get(state.track)
        if row is None:
            continue
        first = min(steps.count - 1, max(0, int(state.start / steps.width + 1e-6)))
        last = min(steps.count - 1, max(first, int(state.end / steps.width - 1e-6)))
        which = _WHICH[state.label]
        if first == last:
            seconds[row, first, which] += max(state.duration, 1e-6)
            continue
        seconds[row, first, which] += (first + 1) * steps.width - state.start
        seconds[row, last, which] += min(steps.width, state.end - last * steps.width)
        seconds[row, first + 1 : last, which] += steps.width
    shown: NDArray[np.int8] = np.argmax(seconds, axis=2).astype(np.int8)
    shown[~np.any(seconds > 0, axis=2)] = NOBODY
    return shown
