"""The ways in which both BlazeFace networks look at an image together.

The full-range network looks for candidates in parts of the image. A candidate is a face if the short-range network finds one in
the region around it, where a face of any size is as large as one in front of the camera: so both networks agree on each small
face, all scores are of one network, and the landmarks are as exact as those of a large face. A known face is followed by the
same look.
"""

from __future__ import annotations

from typing import List, Optional, Tuple

from fer_edge.detect.base import FaceDetector
from fer_edge.detect.blazeface import BlazeFaceDetector
from fer_edge.detect.known_faces import nearest, on_one_head, one_of_each, shifted
from fer_edge.detect.parts import REGION, Part, in_phase, parts_for, region_around, side_of
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.types import Face, Image

CANDIDATE = 0.15
"""Score from which on the full-range network's find is looked at again. Of the demo's portrait at 9 pixels of its input it
finds 76 % on a plain and 92 % on a busy ground then, and at 10.5 pixels 18 and 40 % at the usual 0.5."""

BEGIN = 0.3
"""Share of the way from the least score to 1 that the mean of two such looks must reach: 0.65 where the least score is 0.5. Of
150 faces of FER2013 of 28, 37 and 55 pixels on busy grounds 51, 77 and 91 % did; of what was taken for a face in 439 images
without any (textures, pieces of the portrait, clips) one did, and eight reached 0.6."""

ASIDE = 0.3
"""Sides of a face by which the region of the last look is shifted. In 120 images without faces, of what passed the look before
four passed another one that was not shifted, and none this one. Of 108 faces it lost none."""

MOST_CANDIDATES = 64
"""Candidates of a single image that are looked at, the surest ones."""

MOST_NEAR = 64
"""Faces of the whole image that are heeded, best ones first: more than are apart in the short-range network's input."""

EDGE = 0.01
"""Share of a part's side: a box that comes so near to an edge within the image is cut, and another part shows it whole."""


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
        return self.searched(image, wanted)[0]

    def searched(self, image: Image, wanted: Search = EVERYTHING) -> Tuple[List[Face], List[Face]]:
        """Return the same as `everywhere`, and what was taken for a face until a second look."""
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
        for candidate in one_of_each(new)[:MOST_CANDIDATES]:
            if not on_one_head(candidate, found):
                confirmed = self.confirmed(image, candidate)
                if confirmed is None:
                    refused.append(candidate)
                elif not on_one_head(confirmed, found):
                    found.append(confirmed)
        return sorted(found, key=lambda face: -face.score), refused

    def whole(self, image: Image) -> List[Face]:
        """Return what the short-range network finds in the whole image."""
        return one_of_each(self._near.detect(image))[:MOST_NEAR]

    def stands(self, image: Image, face: Face) -> bool:
        """Return whether a find of the short-range network in the whole image is confirmed by the region around it."""
        # Of a large face the region is the whole image.
        if REGION * side_of(face.box) >= max(image.shape[:2]):
            return True
        return self.confirmed(image, face) is not None

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
        return face if face and other and (face.score + other.score) / 2 >= self._begin else None

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
