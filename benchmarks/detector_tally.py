"""What counts as a face that was found, and as one where nobody is: how `detector_recall.py` compares boxes with true faces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, NamedTuple, Sequence

import numpy as np

from fer_edge.classify.heads import shares
from fer_edge.types import Box

NEAR_ENOUGH = 0.5
"""Face heights from the middle of a true face within which a box's middle lies that is its."""
LEAST_SHARE = 0.3
"""Intersection over union of a box and the true face that it is of."""
ON_HEAD = 0.75
"""Face heights within which the middle of a box lies that is on a head."""


class Outcome(NamedTuple):
    """What a detector made of one image.

    Attributes
    ----------
    found : list of bool
        For each true face.
    false : int
        Boxes that lie on no head.
    doubled : bool
        Whether two boxes lie on one head.
    """

    found: List[bool]
    false: int
    doubled: bool


@dataclass
class Tally:
    """What a detector made of a group of images.

    Attributes
    ----------
    frames, faces : int
        How many there were.
    found : int
        Faces.
    by_head : list of list of int
        Images and findings of each head; of use where images are those of clips, in which heads stay the same.
    false : int
        Boxes on no head.
    doubled, doubled_after : int
        Images with two boxes on one head: from the detector, and after fer-edge has joined what is one head.
    """

    frames: int = 0
    faces: int = 0
    found: int = 0
    by_head: List[List[int]] = field(default_factory=list)
    false: int = 0
    doubled: int = 0
    doubled_after: int = 0

    def add(self, outcome: Outcome, after: Outcome, first: int = 0) -> None:
        """Count one image.

        Parameters
        ----------
        outcome : Outcome
            Of the boxes as they were detected.
        after : Outcome
            Of what is left of them when fer-edge has joined what is one head.
        first : int
            The number of the first face's head.
        """
        self.frames += 1
        self.faces += len(outcome.found)
        self.found += sum(outcome.found)
        for number, seen in enumerate(outcome.found, first):
            self.by_head += [[0, 0]] * (number + 1 - len(self.by_head))
            images, found = self.by_head[number]
            self.by_head[number] = [images + 1, found + seen]
        self.false += outcome.false
        self.doubled += outcome.doubled
        self.doubled_after += after.doubled


def judge(found: Sequence[Box], true: Sequence[Box]) -> Outcome:
    """Compare the boxes of one image with its true faces."""
    pairs = sorted(
        ((shares(box, face)[1], number, index) for number, face in enumerate(true) for index, box in enumerate(found)
         if _apart(box, face) <= NEAR_ENOUGH),
        reverse=True,
    )  # fmt: skip
    taken: Dict[int, int] = {}
    for share, number, index in pairs:
        if share >= LEAST_SHARE and number not in taken and index not in taken.values():
            taken[number] = index
    on_heads = [[_apart(box, face) <= ON_HEAD for face in true] for box in found]
    return Outcome(
        [number in taken for number in range(len(true))],
        sum(not any(one) for one in on_heads),
        any(sum(column) > 1 for column in zip(*on_heads)),
    )


def _apart(box: Box, face: Box) -> float:
    """Return how far the middles are from each other, in heights of the true face."""
    across = box.x + box.width / 2 - face.x - face.width / 2
    down = box.y + box.height / 2 - face.y - face.height / 2
    return float(np.hypot(across, down)) / face.height
