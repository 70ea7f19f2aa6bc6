"""Which of the faces that a detector finds are wanted: those that are large enough and lie where somebody asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

from fer_edge.detect.regions import Polygon, extent, holds, written
from fer_edge.errors import UsageError
from fer_edge.types import Face

MOST_FACES = 256
"""Faces of one image that are wanted, the surest ones: more than stand in a picture of a crowd, and far from what holds up the
run. The shipped network reads 256 faces in 1.3 s, and 1,000 in 7.3 s (Intel Xeon, one
run); after 10 s a stage counts as hung."""

SLACK = 0.5
"""Sides of a face by which two looks at it may tell other places and heights of it."""


@dataclass(frozen=True)
class Search:
    """What a search for faces is restricted to.

    Attributes
    ----------
    min_face : int
        The least height of a face's box, in pixels of the image that is analysed; 0 for any.
    regions : tuple of Polygon
        In one of them the centre of a face's box must lie, in pixels of the image that is analysed; none of them for
        everywhere.

    Examples
    --------
    >>> from fer_edge.types import Box
    >>> far, near = (Face(Box(10, 10, side, side), 0.9, {}) for side in (20, 90))
    >>> wanted, others = Search(min_face=40).parted([far, near])
    >>> wanted == (near,), others == (far,)
    (True, True)
    """

    min_face: int = 0
    regions: Tuple[Polygon, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is asked for."""
        return self != EVERYTHING

    def wants(self, face: Face) -> bool:
        """Return whether a face is large enough, and lies where it is wanted."""
        box = face.box
        if box.height < self.min_face:
            return False
        x, y = box.x + box.width / 2, box.y + box.height / 2
        return not self.regions or any(holds(region, x, y) for region in self.regions)

    def may_want(self, face: Face) -> bool:
        """Return whether a face that another look may show a little elsewhere, or larger, may be wanted."""
        x, y, width, height = face.box
        slack = SLACK * max(width, height)
        return (1 + SLACK) * height >= self.min_face and self.touches(
            x + width / 2 - slack, y + height / 2 - slack, x + width / 2 + slack, y + height / 2 + slack
        )

    def touches(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Return whether a face whose centre lies in a rectangle may be wanted; bays of regions count as theirs."""
        return not self.regions or any(
            ends[0] <= right and left <= ends[2] and ends[1] <= bottom and top <= ends[3]
            for ends in map(extent, self.regions)
        )

    def parted(self, faces: Sequence[Face]) -> Tuple[Tuple[Face, ...], Tuple[Face, ...]]:
        """Return the faces that are wanted, and the others, each in their order.

        Parameters
        ----------
        faces : sequence of Face
            Of one image. Of more than `MOST_FACES` that are wanted, those with the lowest scores are among the others.
        """
        wanted: List[Face] = []
        others: List[Face] = []
        for face in faces:
            (wanted if self.wants(face) else others).append(face)
        if len(wanted) > MOST_FACES:
            surest = sorted(wanted, key=lambda face: -face.score)
            wanted, others = surest[:MOST_FACES], others + surest[MOST_FACES:]
        return tuple(wanted), tuple(others)

    def check_regions(self, width: int, height: int) -> None:
        """Raise UsageError where a region does not lie in an image of `width` x `height` pixels."""
        for region in self.regions:
            left, top, right, bottom = extent(region)
            if left < 0 or top < 0 or right > width or bottom > height:
                raise UsageError(
                    f"The region {written(region)} does not lie in the image that is analysed, which has {width}x{height}.",
                    f"Give one that does, in pixels of that image: from 0,0 to {width},{height}. It is what --rotate, --flip, "
                    "--roi and --size leave.",
                )

    def check_min_face(self, height: int) -> None:
        """Raise UsageError where no face can be high enough in an image of so many pixels' height."""
        if self.min_face > height:
            raise UsageError(
                f"The smallest face to be read, {self.min_face} pixels high (min_face), is larger than the image that is "
                f"analysed, which is {height} pixels high.",
                f"Give --min-face at most {height}, and in most rooms far less; without it, faces of any size are read.",
            )


EVERYTHING = Search()
"""Wants each face, wherever it is."""
