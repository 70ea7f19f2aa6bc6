"""The faces that a search knows of: where each is likely to be, and which of them was not looked at for longest."""

from __future__ import annotations

import sys
from typing import Iterable, List, Optional, Sequence, Tuple

from fer_edge.detect.parts import side_of
from fer_edge.types import Box, Face, Point

KEPT = 0.5
"""Seconds for which a face that was missed is looked for where it was last found."""

WAITING = 2.0
"""Seconds for which a face counts as found until its turn comes: at 15 frames a second 64 faces take 1.4."""

MOST_KNOWN = 64
"""As many as are followed; more is no crowd, but a detector that sees faces everywhere."""

NEAR = 0.75
"""Sides of a face within which it is found again: more than one moves in half a second at a side per second."""

SAME_HEAD = 0.5
"""Share of the smaller box in the other above which two looks found one head. Two heads, one before the other, share less."""

GROWTH = 2.0
"""Times by which a box may be larger or smaller than the one before and still be of the same face."""


class KnownFace:
    """One face.

    Attributes
    ----------
    face : Face
        As it was last found.
    seen, looked : float
        Seconds when it was last found, and looked for.
    """

    __slots__ = ("_velocity", "face", "looked", "seen")

    def __init__(self, face: Face, at: float) -> None:
        self.face = face
        self.seen = self.looked = at
        self._velocity = (0.0, 0.0)

    def expected(self, at: float) -> Face:
        """Return the face where it is likely to be."""
        return shifted(self.face, *((at - self.seen) * speed for speed in self._velocity))

    def find(self, face: Face, at: float) -> None:
        """Take the face as it was found."""
        passed = at - self.seen
        if passed > 0:
            (x, y), (before_x, before_y) = middle_of(face.box), middle_of(self.face.box)
            # Half of the old one: a box trembles by a few hundredths of its side.
            across, down = self._velocity
            self._velocity = (across + (x - before_x) / passed) / 2, (down + (y - before_y) / passed) / 2
        self.face, self.seen, self.looked = face, at, at

    @property
    def missed(self) -> bool:
        """Whether the last look at it did not find it."""
        return self.looked > self.seen


class KnownFaces:
    """The faces of one camera, at most `MOST_KNOWN`.

    Examples
    --------
    >>> known = KnownFaces()
    >>> known.begin(Face(Box(100, 100, 40, 40), 0.9, {}), at=1.0)
    >>> [one.face.box.x for one in known.by_turn(1.2)], [one.face.box.x for one in known.by_turn(3.1)]
    ([100], [])
    """

    def __init__(self) -> None:
        self._all: List[KnownFace] = []

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    def begin(self, face: Face, at: float) -> None:
        """Take a new face, if there is room, in place of what was missed there."""
        for one in self._all:
            if one.missed and on_one_head(face, (one.expected(at),)):
                one.find(face, at)
                return
        if len(self._all) < MOST_KNOWN:
            self._all.append(KnownFace(face, at))

    def by_turn(self, at: float) -> Sequence[KnownFace]:
        """Forget those that were not found for too long, and return the others; who was not looked for longest comes first."""
        self._all = [one for one in self._all if at - one.seen <= (KEPT if one.missed else WAITING)]
        return sorted(self._all, key=lambda one: one.looked)

    def clear(self) -> None:
        """Forget all."""
        self._all = []


def nearest(faces: Iterable[Face], wanted: Face) -> Optional[Face]:
    """Return the face that is nearest to one that is expected, if one is within `NEAR` and of a like size."""
    side, best = side_of(wanted.box), None
    least = NEAR * side
    for face in faces:
        away, size = distance(face.box, wanted.box), side_of(face.box)
        if away < least and side / GROWTH < size < side * GROWTH:
            least, best = away, face
    return best


def on_one_head(face: Face, others: Iterable[Face]) -> bool:
    """Return whether a face lies on the head of one of some others."""
    x, y, width, height = face.box
    for other in others:
        left, top, across, down = other.box
        # Most lie elsewhere, and in a crowd each is compared with each.
        apart = left > x + width or x > left + across or top > y + height or y > top + down
        if not apart and _share(face.box, other.box) > SAME_HEAD:
            return True
    return False


def one_of_each(faces: Iterable[Face], most: int = sys.maxsize) -> List[Face]:
    """Return the faces without those that lie on the head of a surer one, best score first and `most` at most."""
    kept: List[Face] = []
    for face in sorted(faces, key=lambda face: (-face.score, face.box)):
        if len(kept) == most:
            break
        if not on_one_head(face, kept):
            kept.append(face)
    return kept


def shifted(face: Face, across: float, down: float) -> Face:
    """Return a face moved by so many pixels."""
    box = face.box
    marks = {name: (x + across, y + down) for name, (x, y) in face.landmarks.items()}
    return Face(Box(box.x + across, box.y + down, box.width, box.height), face.score, marks)


def middle_of(box: Box) -> Point:
    """Return the middle of a box."""
    return box.x + box.width / 2, box.y + box.height / 2


def distance(one: Box, other: Box) -> float:
    """Return the pixels between the middles of two boxes."""
    (x, y), (other_x, other_y) = middle_of(one), middle_of(other)
    away: Tuple[float, float] = (x - other_x, y - other_y)
    return float((away[0] ** 2 + away[1] ** 2) ** 0.5)


def _share(one: Box, other: Box) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return across * down / smaller if across > 0 and down > 0 and smaller > 0 else 0.0
