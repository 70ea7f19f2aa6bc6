"""From an image of a data set to the crop that a classifier gets: as it is, or as the program would cut it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.crop import FaceCropper
from fer_edge.detect.base import FaceDetector

Crop = Callable[[NDArray[np.uint8]], Optional[NDArray[np.uint8]]]
"""Takes an image H x W x C, grey or RGB; gives size x size x 3 BGR, or None where no face was found."""

ENLARGEMENT = 4
"""A face of 48 pixels is under what the detectors find; at four times the size it fills their usual input."""

BORDER = 0.5
"""Share of the side added around the image: detectors want to see some room around a face."""


class FaceCutter:
    """The best face that a detector finds, cut as the running program cuts it.

    Parameters
    ----------
    detector
        Finds the face; stays the caller's to close.
    cropper
        Cuts it upright, with the margin of a network.
    """

    def __init__(self, detector: FaceDetector, cropper: FaceCropper) -> None:
        self.detector = detector
        self._cropper = cropper

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Return the crop, size x size x 3 BGR, of an image H x W x 3 BGR; None where no face is found."""
        faces = self.detector.detect(image)
        return self._cropper.crop(image, faces[:1])[0] if faces else None


def whole_image(size: int) -> Crop:
    """Make the crop of a set whose images are crops already: the image, resized to ``size`` pixels."""

    def crop(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(cv2.resize(_to_bgr(image), (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)

    return crop


def framed_image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make of a tight crop what a camera would give: enlarged by `ENLARGEMENT`, `BORDER` added, BGR.

    The border has the image's mean colour: continued edges make streaks in which BlazeFace misses three faces of a hundred.
    """
    image = _to_bgr(image)
    height, width = (ENLARGEMENT * side for side in image.shape[:2])
    large = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    vertical, horizontal = round(BORDER * height), round(BORDER * width)
    mean = image.mean(axis=(0, 1)).tolist()
    framed = cv2.copyMakeBorder(large, vertical, vertical, horizontal, horizontal, cv2.BORDER_CONSTANT, value=mean)
    return np.asarray(framed, np.uint8)


def _to_bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.broadcast_to(image[:, :, ::-1], (*image.shape[:2], 3)))


def through_detector(detector: FaceDetector, cropper: FaceCropper) -> Crop:
    """Make the crop that the running program makes of a tight image of a face."""
    cutter = FaceCutter(detector, cropper)
    return lambda image: cutter.cut(framed_image(image))
