"""Follows the faces of one camera over real time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Tuple

from fer_edge.track.base import Tracker, moment_of
from fer_edge.track.reading import Reading, Steady
from fer_edge.types import Face, Observation, ObservedFace, Track


@dataclass
class _Followed:
    id: int
    began: float
    seen: float
    face: ObservedFace
    reading: Reading
    steady: Steady


class FaceTracker(Tracker):
    """Follows faces by where they are.

    Parameters
    ----------
    memory : float
        Seconds for which a face that is not found is waited for.
    make_reading : callable
        Makes what reads one face over time.
    """

    def __init__(self, memory: float = 1.5, make_reading: Callable[[], Reading] = Reading) -> None:
        self._memory = memory
        self._make_reading = make_reading
        self._followed: List[_Followed] = []
        self._number = 0
        self._lock = threading.Lock()

    def follow(self, observation: Observation) -> Observation:
        """As of `Tracker`."""
        at = moment_of(observation.frame)
        if at is None or observation.frame.problem:
            return observation
        with self._lock:
            self._followed = [one for one in self._followed if at - one.seen <= self._memory]
            free: Dict[int, _Followed] = {one.id: one for one in self._followed}
            faces = []
            for face in observation.faces:
                distances = {one.id: _distance(one.face.face, face.face) for one in free.values()}
                near = free[min(distances, key=distances.__getitem__)] if distances else None
                if near is None or _distance(near.face.face, face.face) > 1:
                    self._number += 1
                    reading = self._make_reading()
                    near = _Followed(self._number, at, at, face, reading, reading.update(face.expression, at))
                    self._followed.append(near)
                else:
                    del free[near.id]
                    near.seen, near.face, near.steady = at, face, near.reading.update(face.expression, at)
                faces.append(replace(face, track=self._track(near, at)))
            hidden = tuple(replace(one.face, track=self._track(one, at)) for one in free.values())
        return observation.richer(faces=tuple(faces), hidden=hidden)

    def expected(self, at: float) -> Tuple[Face, ...]:
        """As of `Tracker`."""
        with self._lock:
            return tuple(one.face.face for one in self._followed if at - one.seen <= self._memory)

    def _track(self, one: _Followed, at: float) -> Track:
        hidden = at - one.seen
        fade = min(1.0, hidden / self._memory)
        return Track(
            one.id, at - one.began, one.steady.expression, at - one.steady.since, hidden, fade, one.steady.rest
        )


def _distance(one: Face, other: Face) -> float:
    """Return the distance between two faces, in widths of the larger."""
    a, b = one.box, other.box
    across, down = a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2
    return float((across**2 + down**2) ** 0.5 / max(a.width, b.width, 1e-6))
