"""Which of the faces that a detector found are one head: those that are left when its own suppression is done.

A detector's suppression compares areas by intersection over union, which is small where one box lies within a much larger
one; and BlazeFace moves the boxes after it, when it averages a group. Both leave two boxes on one head now and then, above
all when the head is tilted.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from fer_edge.types import Box, Face

SAME_HEAD = 0.6
"""Share of the smaller box that lies within the other, above which both are the same head."""

SAME_PLACE = 0.35
"""Intersection over union above which both are the same head; detectors use 0.3 before they average boxes."""

OVERLAID = 0.45
"""Share of the smaller box from which nobody can say whether there are two heads."""


def one_for_each_head(faces: Sequence[Face]) -> Tuple[Face, ...]:
    """Return the faces without those that lie on the head of one with a better score.

    Parameters
    ----------
    faces : sequence of Face
        In any order, of one image.

    Returns
    -------
    tuple of Face
        Best score first, whatever the order of `faces` was. No two lie over each other by more than `SAME_HEAD` or
        `SAME_PLACE`, and every face that is missing does so with one that is there and has no lower score.
    """
    kept: List[Face] = []
    for face in _best_first(faces):
        if not any(_same_head(face.box, other.box) for other in kept):
            kept.append(face)
    return tuple(kept)


def lies_over_a_surer_one(faces: Sequence[Face]) -> List[bool]:
    """Return for each face whether one with a better score covers so much of it, or it of that one, that it may be its head.

    Two people whose heads both can be seen lie side by side: in pictures where boxes of two people overlap by 40 % of the
    smaller one neither is doubted.
    """
    doubted = [False] * len(faces)
    if len(faces) > 1:
        for index, face in enumerate(faces):
            doubted[index] = any(
                _order(other) < _order(face) and shares(face.box, other.box)[0] > OVERLAID for other in faces
            )
    return doubted


def shares(one: Box, other: Box) -> Tuple[float, float]:
    """Return the intersection of two boxes as a share of the smaller one's area, and of the union; 0 for empty boxes."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if across <= 0 or down <= 0:
        return 0.0, 0.0
    both = across * down
    areas = one.width * one.height, other.width * other.height
    return both / min(areas), both / (sum(areas) - both)


def _same_head(one: Box, other: Box) -> bool:
    of_smaller, of_union = shares(one, other)
    return of_smaller > SAME_HEAD or of_union > SAME_PLACE


def _best_first(faces: Sequence[Face]) -> List[Face]:
    return sorted(faces, key=_order)


def _order(face: Face) -> Tuple[float, Box]:
    # The box settles which of two equal scores is better, so that it does not depend on the order that they come in.
    return -face.score, face.box
