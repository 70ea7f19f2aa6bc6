"""The ways in which both BlazeFace networks look at an image together.

The full-range network looks for candidates in parts of the image. A candidate is a face if the short-range network finds one in
the region around it, where a face of any size is as large as one in front of the camera: so both networks agree on each small
face, all scores are of one network, and the landmarks are as exact as those of a large face. A known face is followed by the
same look.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List, NamedTuple, Optional

from fer_edge.detect.base import FaceDetector
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.known_faces import nearest, on_one_head, one_of_each, shifted
from fer_edge.detect.parts import REGION, Part, in_phase, parts_for, region_around, side_of
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.types import Face, Image

CANDIDATE = 0.15
"""Score from which on the full-range network's find is looked at again. Of 60 heads of the demo's portrait each, at
10.5 pixels of its input, it finds 98 % on a plain and 57 % on a busy ground then, and 53 and 20 % at the usual 0.5."""

BEGIN = 0.42
"""Share of the way from the least score to 1 that the mean score of two such looks, and `FAR` of the full-range network's,
must reach: 0.71 where the least score is 0.5. Of what was taken for a face in 439 images without any (textures, pieces of the
portrait, clips) two did, and of the faces of two clips of people far away 97 and 100 %; without `FAR` 56 and 88 %."""

FAR = 0.2
"""What the full-range network's score counts against that of the short-range one."""

NO_OPINION = 0.3
"""Score that counts for that of the full-range network where it was not asked."""

ASIDE = 0.3
"""Sides of a face by which the region of the last look is shifted. In 120 images without faces, of what passed the look before
four passed another one that was not shifted, and none this one. Of 108 faces it lost none."""

MOST_CANDIDATES = 64
"""Candidates of a single image that are looked at, the surest ones."""

MOST_NEAR = 64
"""Faces of the whole image that are heeded, best ones first: more than are apart in the short-range network's input."""

EDGE = 0.01
"""Share of a part's side: a box that comes so near to an edge within the image is cut, and another part shows it whole."""


class Searched(NamedTuple):
    """What a search of a whole image gave.

    Attributes
    ----------
    found : list of Face
        Best score first.
    refused : list of Face
        What was taken for a face until a second look.
    whole : bool
        Whether there was a second look at all that were candidates.
    """

    found: List[Face]
    refused: List[Face]
    whole: bool


class Looks:
    """Both networks. Used in one thread.

    Parameters
    ----------
    threads : int
        For one operation of a network.
    min_score : float
        From 0 to 1; faces under it are left out.

    Raises
    ------
    MissingExtra, ModelNotFound, ModelCorrupt, ModelShapeError
        See `fer_edge.inference.onnx_session.open_session`.
    """

    def __init__(self, threads: int = 1, min_score: float = 0.5) -> None:
        self._near = BlazeFaceDetector("short", threads, min_score)
        try:
            self._far = BlazeFaceDetector("full", threads, min(CANDIDATE, min_score))
        except BaseException:
            self._near.close()
            raise
        self._begin = min_score + BEGIN * (1.0 - min_score)

    def everywhere(self, image: Image, wanted: Search = EVERYTHING) -> List[Face]:
        """Return all faces of an image that are wanted, and maybe others, best score first."""
        return self.searched(image, wanted).found

    def searched(self, image: Image, wanted: Search = EVERYTHING) -> Searched:
        """Return what `everywhere` does, and what else is known after it."""
        found: List[Face] = []
        refused: List[Face] = []
        for face in self.whole(image):
            if wanted.may_want(face):
                (found if self.stands(image, face) else refused).append(face)
        height, width = image.shape[:2]
        new = [
            face
            for part in parts_for(width, height, wanted)
            for phase in (0, 1)
            for face in self.candidates(image, in_phase(part, phase, width, height))
            if wanted.may_want(face)
        ]
        candidates = one_of_each(new)
        for candidate in candidates[:MOST_CANDIDATES]:
            if not on_one_head(candidate, found):
                confirmed = self.confirmed(image, candidate)
                if confirmed is None:
                    refused.append(candidate)
                elif not on_one_head(confirmed, found):
                    found.append(confirmed)
        return Searched(sorted(found, key=lambda face: -face.score), refused, len(candidates) <= MOST_CANDIDATES)

    def whole(self, image: Image) -> List[Face]:
        """Return what the short-range network finds in the whole image."""
        return one_of_each(self._near.detect(image))[:MOST_NEAR]

    def stands(self, image: Image, face: Face) -> bool:
        """Return whether a find of the short-range network in the whole image is confirmed by the region around it."""
        # Of a large face the region is the whole image.
        if REGION * side_of(face.box) >= max(image.shape[:2]):
            return True
        return self.confirmed(image, replace(face, score=NO_OPINION)) is not None

    def again(self, image: Image, expected: Face, aside: float = 0.0) -> Optional[Face]:
        """Return a face as the region around where it is expected shows it; None where nobody is.

        The region lies `aside` sides of the face to the right and below.
        """
        step = aside * side_of(expected.box)
        region = region_around(shifted(expected, step, step).box, image.shape[1], image.shape[0])
        return nearest(_in_part(self._near, image, region), expected)

    def confirmed(self, image: Image, candidate: Face) -> Optional[Face]:
        """Return a candidate as the short-range network sees it; None where one of two looks does not, or they are not sure."""
        face = self.again(image, candidate)
        other = face and self.again(image, face, ASIDE)
        if face is None or other is None:
            return None
        return face if (face.score + other.score) / 2 + FAR * candidate.score >= self._begin else None

    def candidates(self, image: Image, part: Part) -> List[Face]:
        """Return what the full-range network takes for a face, and a part of an image shows whole; best score first."""
        height, width = image.shape[:2]
        edge = EDGE * max(part.right - part.left, part.bottom - part.top)

        def cut(face: Face) -> bool:
            box = face.box
            return (
                (part.left > 0 and box.x < part.left + edge)
                or (part.top > 0 and box.y < part.top + edge)
                or (part.right < width and box.x + box.width > part.right - edge)
                or (part.bottom < height and box.y + box.height > part.bottom - edge)
            )

        return [face for face in _in_part(self._far, image, part) if not cut(face)]

    def close(self) -> None:
        """Free both networks. May be called twice."""
        self._near.close()
        self._far.close()


def _in_part(detector: FaceDetector, image: Image, part: Part) -> List[Face]:
    shown = part.of(image)
    return [shifted(face, part.left, part.top) for face in detector.detect(shown)] if shown.size else []
