"""The head of the demo's portrait on plain images, at any size and place."""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.known_faces import middle_of
from fer_edge.types import Image, Point

AROUND = 2.2
"""How much of the portrait is used, in heights of the face."""


def head_of_portrait(detector: FaceDetector) -> Image:
    """Return what is around the portrait's face, whose middle lies in its middle but for 0.05 of the side."""
    portrait = cv2.imread(str(PORTRAIT))
    (face,) = detector.detect(portrait)
    side = round(AROUND * face.box.height)
    x, y = middle_of(face.box)
    left, top = max(0, round(x - side / 2)), max(0, round(y - 0.55 * side))
    return np.asarray(portrait[top : top + side, left : left + side])


def paint(image: Image, head: Image, height: float, middle: Point) -> None:
    """Put a head with a face so high into an image."""
    side = round(AROUND * height)
    left, top = round(middle[0] - side / 2), round(middle[1] - side / 2)
    image[top : top + side, left : left + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)


def frame(head: Image, size: Tuple[int, int], height: float, *middles: Point) -> Image:
    """Return a plain image with faces so high."""
    image = np.full((size[1], size[0], 3), 110, np.uint8)
    for middle in middles:
        paint(image, head, height, middle)
    return image
