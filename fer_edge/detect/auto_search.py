"""Searches the frames of one camera one after the other: known faces in each, new ones in turn."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import List, Optional, Tuple

from fer_edge.detect.base import FaceSearch
from fer_edge.detect.change import ChangeFinder
from fer_edge.detect.known_faces import KnownFaces, nearest, on_one_head, one_of_each
from fer_edge.detect.letterbox import check_image
from fer_edge.detect.looks import ASIDE, Looks
from fer_edge.detect.parts import Part, in_phase, parts_for, side_of, small_from
from fer_edge.detect.refusals import Refusals
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.detect.search_plan import MOST_LOOKS, SearchPlan
from fer_edge.types import Face, Image

MOST_REGIONS = 3
"""Known faces that are looked at in one frame by themselves; the others wait for their turn. More than these are a crowd."""

FRAMES_APART = 8
"""Frames in which each known face is looked at once, at the least: in a large crowd more than `MOST_REGIONS` in a frame are.
To read a face takes twice as long as to look at it, and one that is read where it was half a second ago is read wrongly."""

MOST_NEW = 2
"""Candidates that are looked at in one frame; with others in view their part is looked at again when it has its turn."""

SURE_ENOUGH = 0.75
"""Share of the size from which on the whole frame surely shows a face; from there on what is found needs no second look."""

HELD = 0.2
"""Seconds for which a face that is missed is told where nobody follows faces: three frames of 15 a second."""


class AutoSearch(FaceSearch):
    """Finds faces with one look at the whole frame, a few at known faces, and a few at parts in which new ones may be.

    Parameters
    ----------
    looks : Looks
        The networks; other cameras may use them as well, in the same thread.
    wanted : Search
        Which faces are looked for; others may be told as well.
    hold : bool
        Whether a face that a look misses is told for `HELD` more.
    """

    def __init__(self, looks: Looks, wanted: Search = EVERYTHING, hold: bool = False) -> None:
        self._looks, self._wanted, self._hold = looks, wanted, hold
        self._looked_at_whole = False
        self._known = KnownFaces()
        self._refusals = Refusals()
        self._size = (0, 0)
        self._parts: Tuple[Part, ...] = ()
        self._phases: List[int] = []
        self._plan = SearchPlan(0)
        self._changes = ChangeFinder(1, 1, ())
        self._at = -math.inf

    def look(self, image: Image, at: float, anew: bool = False) -> Tuple[Face, ...]:
        """As of `FaceSearch`."""
        check_image(image)
        size = (image.shape[1], image.shape[0])
        if anew or size != self._size or not at >= self._at:
            self._at = at
            return self._start(image, size, at)
        self._at = at
        crowd = self._crowd(at)
        self._looked_at_whole = not (crowd and self._looked_at_whole)
        near = (
            [face for face in self._looks.whole(image) if self._wanted.may_want(face)] if self._looked_at_whole else []
        )
        searching = not (crowd and self._looked_at_whole)
        # In a crowd a look at a part takes the place of one at a known face.
        found = self._follow(image, near, at, self._regions() - (crowd and searching))
        room = MOST_NEW
        for face in near:
            if room and self._new(face, found, image, at) and not self._awaited(face, at):
                room -= 1
                if self._looks.stands(image, face):
                    found.append(self._begun(face, at))
                else:
                    self._refusals.add([face], image, at)
        if searching:
            self._search(image, found, at, room, 1 if crowd else MOST_LOOKS)
        if self._hold:
            found.extend(self._held(found, at))
        return tuple(one_of_each(found))

    def _start(self, image: Image, size: Tuple[int, int], at: float) -> Tuple[Face, ...]:
        """Search everywhere."""
        if size != self._size:
            self._size, self._parts = size, parts_for(*size, self._wanted)
            self._phases = [0] * len(self._parts)
            self._changes = ChangeFinder(*size, self._parts)
        # Moments of a clock that went back, or of another scene, are no part of it.
        self._plan = SearchPlan(len(self._parts))
        self._known.clear()
        self._refusals.clear()
        self._changes.changed(image)
        for part in range(len(self._parts)):
            self._changes.looked(part)
        searched = self._looks.searched(image, self._wanted)
        if searched.whole:
            self._plan.looked_everywhere(at)
        self._refusals.add(searched.refused, image, at)
        return tuple(self._begun(face, at) for face in searched.found)

    def _begun(self, face: Face, at: float) -> Face:
        self._known.begin(face, at)
        return face

    def _regions(self) -> int:
        """Return how many known faces are looked at in a frame."""
        return max(MOST_REGIONS, math.ceil(len(self._known) / FRAMES_APART))

    def _crowd(self, at: float) -> bool:
        """Return whether more faces are known than are looked at in a frame, none of which the whole frame surely shows."""
        sides = [side_of(one.face.box) for one in self._known.by_turn(at)]
        return len(sides) > MOST_REGIONS and max(sides) < SURE_ENOUGH * small_from(*self._size)

    def _follow(self, image: Image, near: List[Face], at: float, room: int) -> List[Face]:
        """Return the known faces: those that are found, and those whose turn it is not where they are likely to be."""
        small = small_from(*self._size)
        found: List[Face] = []
        waiting: List[Face] = []
        for one in self._known.by_turn(at):
            expected = one.expected(at)
            if not self._wanted.may_want(expected):
                continue  # Forgotten after a while.
            face: Optional[Face] = nearest(near, expected)
            if face is None or side_of(face.box) < SURE_ENOUGH * small:
                if room:
                    room -= 1
                    # A second look is more exact; where it finds nothing the first one is good enough.
                    face = self._looks.again(image, expected) or face
                    if face is None and room and not one.missed:
                        room -= 1
                        face = self._looks.again(image, expected, -ASIDE)
                elif face is None:
                    if not one.missed:
                        waiting.append(replace(expected, predicted=True))
                    continue
            one.looked = at
            if face is not None and not on_one_head(face, found):
                one.find(face, at)
                found.append(face)
        found.extend(face for face in waiting if not on_one_head(face, found))
        return found

    def _held(self, found: List[Face], at: float) -> List[Face]:
        """Return those that were missed a moment ago, where they are likely to be."""
        missed = [
            one.expected(at)
            for one in self._known.by_turn(at)
            if one.missed and at - one.seen <= HELD and self._wanted.may_want(one.face)
        ]
        return [replace(face, predicted=True) for face in missed if not on_one_head(face, found)]

    def _new(self, face: Face, found: List[Face], image: Image, at: float) -> bool:
        """Return whether a face is none of those that were found, and does not lie where a look was in vain."""
        return not on_one_head(face, found) and not self._refusals.hold(face, image, at)

    def _awaited(self, face: Face, at: float) -> bool:
        """Return whether a face may be a known one that was missed."""
        return any(on_one_head(face, (one.expected(at),)) for one in self._known.by_turn(at))

    def _search(self, image: Image, found: List[Face], at: float, room: int, most: int) -> None:
        """Look for new faces in the parts whose turn it is, and add them to what was found."""
        changed = self._changes.changed(image, [face.box for face in found])
        for number in self._plan.due(at, changed, most):
            self._changes.looked(number)
            self._phases[number] += 1
            part = in_phase(self._parts[number], self._phases[number], *self._size)
            room_before = room
            for candidate in self._looks.candidates(image, part):
                if not self._wanted.may_want(candidate) or not self._new(candidate, found, image, at):
                    continue
                if not room:
                    self._plan.again(number, at, begun=room < room_before)
                    self._phases[number] -= 1
                    break
                room -= 1
                face = self._looks.confirmed(image, candidate)
                if face is None:
                    self._refusals.add([candidate], image, at)
                elif not on_one_head(face, found):
                    found.append(self._begun(face, at))
