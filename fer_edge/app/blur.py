"""Makes faces unrecognisable, for ``--blur``: a stage behind all that look at faces."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Deque, Dict, Iterator, Sequence, Tuple

import cv2

from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.types import Box, Frame, Image, Observation

GRAINS = 6
"""What is left of a face and what is around it: so many values across and down, from which the rest cannot be computed."""

MARGIN = 0.4
"""Share of the box by which the area reaches beyond each of its sides: hair, ears and chin tell who somebody is, too."""

MEMORY = 1.0
"""Seconds for which a place stays blurred after a face was found there: a detector misses one now and then."""


class Blurring(StageWork):
    """Blurs every face that was found, in a copy of the image."""

    def __init__(self) -> None:
        self._recent: Dict[str, Deque[Tuple[float, Box]]] = {}

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations with images in which nobody can be recognised."""
        return [self._blurred(one) for one in observations]

    def idle(self, observation: Observation) -> bool:
        """Return whether there is nothing to blur."""
        return not observation.found and not self._recent.get(observation.frame.source)

    def _blurred(self, observation: Observation) -> Observation:
        boxes = list(self._boxes(observation))
        if not boxes:
            return observation
        image: Image = observation.frame.image.copy()
        for box in boxes:
            blur(image, box)
        image.flags.writeable = False
        return replace(observation, frame=replace(observation.frame, image=image))

    def _boxes(self, observation: Observation) -> Iterator[Box]:
        frame: Frame = observation.frame
        recent = self._recent.setdefault(frame.source, deque())
        recent.extend((frame.captured_at, face.box) for face in observation.found)
        while recent and frame.captured_at - recent[0][0] > MEMORY:
            recent.popleft()
        return (box for _, box in recent)


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
