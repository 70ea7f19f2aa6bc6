"""Makes faces unrecognisable, for ``--blur``: a stage behind all that look at faces."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Deque, Dict, List, Sequence, Tuple

import cv2

from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.types import Box, Face, Frame, Image, Observation

GRAINS = 6
"""What is left of a face and what is around it: so many values across and down, from which the rest cannot be computed."""

MARGIN = 0.4
"""Share of the box by which the area reaches beyond each of its sides: hair, ears and chin tell who somebody is, too."""

MEMORY = 1.0
"""Seconds for which a place stays blurred after a face was found there, and for the next frame whenever that comes: a detector
misses a face now and then."""

LEAST_SCORE = 0.2
"""Faces are blurred that the detector is so sure of, whatever ``--min-score`` says of those that are read: what is blurred
without need does no harm."""


class Blurring(StageWork):
    """Blurs every face that was found, in a copy of the image."""

    def __init__(self) -> None:
        self._recent: Dict[str, Deque[Tuple[float, List[Box]]]] = {}

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations with images in which nobody can be recognised."""
        return [self._blurred(one) for one in observations]

    def idle(self, observation: Observation) -> bool:
        """Return whether there is nothing to blur."""
        return not _all_of(observation) and not any(
            boxes for _, boxes in self._recent.get(observation.frame.source, ())
        )

    def _blurred(self, observation: Observation) -> Observation:
        boxes = self._boxes(observation)
        if not boxes:
            return observation
        image: Image = observation.frame.image.copy()
        for box in boxes:
            blur(image, box)
        image.flags.writeable = False
        return replace(observation, frame=replace(observation.frame, image=image))

    def _boxes(self, observation: Observation) -> List[Box]:
        """Return where faces are or were a moment ago, without those places that lie within another's area."""
        frame: Frame = observation.frame
        recent = self._recent.setdefault(frame.source, deque())
        # The frame before this one counts, however long ago it was.
        while len(recent) > 1 and frame.captured_at - recent[0][0] > MEMORY:
            recent.popleft()
        recent.append((frame.captured_at, [face.box for face in _all_of(observation)]))
        kept: List[Box] = []
        for _, boxes in reversed(recent):
            kept += [box for box in boxes if not any(_covers(one, box) for one in kept)]
        return kept


def _all_of(observation: Observation) -> Tuple[Face, ...]:
    """Return each face that was found: who is not read is not to be recognised either."""
    return observation.found + observation.unwanted


def _covers(one: Box, other: Box) -> bool:
    """Return whether the area that is blurred for one box holds another box."""
    across, down = MARGIN * one.width, MARGIN * one.height
    return (
        one.x - across <= other.x
        and one.y - down <= other.y
        and other.x + other.width <= one.x + one.width + across
        and other.y + other.height <= one.y + one.height + down
    )


def blur(image: Image, box: Box) -> None:
    """Blur what lies in a box and around it, in place.

    Examples
    --------
    >>> image = np.zeros((100, 100, 3), np.uint8)
    >>> image[50, 50] = 255
    >>> blur(image, Box(30, 30, 40, 40))
    >>> int(image.max()) < 20
    True
    """
    height, width = image.shape[:2]
    left, right = (round(x) for x in (box.x - MARGIN * box.width, box.x + (1 + MARGIN) * box.width))
    top, bottom = (round(y) for y in (box.y - MARGIN * box.height, box.y + (1 + MARGIN) * box.height))
    part = image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    if part.size:
        grains = cv2.resize(part, (GRAINS, GRAINS), interpolation=cv2.INTER_AREA)
        part[...] = cv2.resize(grains, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)
