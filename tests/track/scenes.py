"""Scenes with people who move, for the tests of what follows them: what a detector would find, and who that is."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

import numpy as np

from fer_edge.track.base import Tracker
from fer_edge.track.reading import Reading, Steady
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Observation, ObservedFace

HAPPY = Expression(np.eye(7, dtype=np.float32)[3], "happy", 1.0, False)
NEUTRAL = Expression(np.eye(7, dtype=np.float32)[LABELS.index("neutral")], "neutral", 1.0, False)
BLANK = np.zeros((480, 640, 3), np.uint8)

Place = Tuple[float, float, float]
"""x and y of the centre, and size, in pixels."""


def walk(
    x: float, y: float, size: float, across: float = 0.0, down: float = 0.0, zoom: float = 1.0
) -> Callable[[float], Place]:
    """Return the way of a face that moves evenly, in pixels per second, and grows by a factor each second."""
    return lambda t: (x + across * t, y + down * t, size * zoom**t)


def always(_: float) -> bool:
    return True


@dataclass(frozen=True)
class Person:
    """Somebody in a scene.

    Attributes
    ----------
    place : callable
        Where the face is at a moment.
    present : callable
        Whether the face can be found then.
    turn : float
        How far the head is turned aside, in sizes by which eyes and nose are off.
    """

    name: str
    place: Callable[[float], Place]
    present: Callable[[float], bool] = always
    turn: float = 0.0


def face_at(place: Place, turn: float = 0.0, score: float = 0.9, jitter: Callable[[], float] = lambda: 0.0) -> Face:
    """Return a square face; `jitter` gives by how many sizes each of its numbers is off."""
    x, y, size = place
    x, y, size = x + size * jitter(), y + size * jitter(), size * (1.0 + jitter())
    points = {"right_eye": (-0.2, -0.15), "left_eye": (0.2, -0.15), "nose": (0.0, 0.05), "mouth": (0.0, 0.25)}
    landmarks = {
        name: (x + size * (a + turn + jitter() / 2), y + size * (b + jitter() / 2)) for name, (a, b) in points.items()
    }
    return Face(Box(x - size / 2, y - size / 2, size, size), score, landmarks)


def observed(
    at: float, faces: Sequence[Face] = (), index: int = 0, media: bool = True, **fields: object
) -> Observation:
    """Return what was seen at a moment of a video, or by the clock."""
    frame = Frame(index, at, datetime.fromtimestamp(0, timezone.utc), BLANK, "door", at if media else None)
    return Observation(frame, tuple(ObservedFace(face, HAPPY) for face in faces)).richer(**fields)


@dataclass(frozen=True)
class Scene:
    """People, and a detector that is not quite exact.

    Attributes
    ----------
    jitter : float
        Standard deviation of its boxes, in sizes.
    every : int
        Each person is missed every so many frames, not all in the same one; 0 for never.
    dropped : float
        Share of the frames that are lost, at random.
    hides : float
        A face behind a larger one is not found within so many sizes of that; 0 for glass.
    """

    people: Sequence[Person]
    jitter: float = 0.02
    every: int = 0
    dropped: float = 0.0
    hides: float = 0.8
    seed: int = 0

    def frames(self, rate: float, seconds: float) -> Iterator[Tuple[Observation, List[str]]]:
        """Return the observations of a time, and who each of their faces is."""
        chance = random.Random(self.seed)
        for index in range(round(rate * seconds) + 1):
            at = index / rate
            if chance.random() < self.dropped:
                continue
            seen = []
            for number, person in enumerate(self.people):
                face = face_at(person.place(at), person.turn, 0.9, lambda: chance.gauss(0.0, self.jitter))
                missed = self.every and (index + number) % self.every == self.every - 1
                if person.present(at) and not missed and not self._is_behind(person, at):
                    seen.append((replace(face, score=chance.uniform(0.6, 1.0)), person.name))
            seen.sort(key=lambda one: -one[0].score)
            yield observed(at, [face for face, _ in seen], index), [name for _, name in seen]

    def _is_behind(self, person: Person, at: float) -> bool:
        x, y, size = person.place(at)
        for other in self.people:
            a, b, large = other.place(at)
            before = other is not person and other.present(at) and large > size
            if before and (a - x) ** 2 + (b - y) ** 2 < (self.hides * large) ** 2:
                return True
        return False


class FrameReading(Reading):
    """Takes what each frame shows for steady, so that a test sees what was read and when."""

    def __init__(self) -> None:
        super().__init__()
        self._shown, self._from = "", 0.0

    def update(self, seen: Expression, at: float) -> Steady:
        if seen.label != self._shown:
            self._shown, self._from = seen.label, at
        return Steady(seen, self._from)


def ids_of(tracker: Tracker, frames: Iterable[Tuple[Observation, List[str]]]) -> Dict[str, Set[int]]:
    """Follow the frames, and return the ids that each person had."""
    ids: Dict[str, Set[int]] = {}
    for observation, names in frames:
        for face, name in zip(tracker.follow(observation).faces, names):
            assert face.track is not None
            ids.setdefault(name, set()).add(face.track.id)
    return ids


def one_each(ids: Dict[str, Set[int]]) -> bool:
    """Return whether each person had one id, and nobody else's."""
    return all(len(own) == 1 for own in ids.values()) and len(set().union(*ids.values())) == len(ids)


def track_ids(observation: Observation) -> List[Optional[int]]:
    """Return the ids of the faces of an observation, in their order."""
    return [face.track.id if face.track is not None else None for face in observation.faces]
