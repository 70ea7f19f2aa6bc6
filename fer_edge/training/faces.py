"""From a picture of a data set to the crop that a classifier gets: as it is, or as the program would cut it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_edge.crop import FaceCropper
from fer_edge.detect.base import FaceDetector

Crop = Callable[[NDArray[np.uint8]], Optional[NDArray[np.uint8]]]
"""Takes a grey picture H x W; gives size x size x 3 BGR, or None where no face was found."""

ENLARGEMENT = 4
"""A face of 48 pixels is under what the detectors find; at four times the size it fills their usual input."""

BORDER = 0.5
"""Share of the side added around the picture: detectors want to see some room around a face."""


def whole_picture(size: int) -> Crop:
    """Make the crop of a set whose pictures are crops already: the picture, resized to ``size`` pixels."""

    def crop(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)
        return np.repeat(resized[:, :, None].astype(np.uint8), 3, axis=2)

    return crop


def framed_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make of a tight crop what a camera would give: enlarged by `ENLARGEMENT`, `BORDER` added, BGR.

    The border has the picture's mean grey: continued edges make streaks in which BlazeFace misses three faces of a hundred.
    """
    height, width = (ENLARGEMENT * side for side in picture.shape)
    large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    vertical, horizontal = round(BORDER * height), round(BORDER * width)
    framed = cv2.copyMakeBorder(
        large, vertical, vertical, horizontal, horizontal, cv2.BORDER_CONSTANT, value=float(picture.mean())
    )
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)


def through_detector(detector: FaceDetector, cropper: FaceCropper) -> Crop:
    """Make the crop that the running program makes: the best face that ``detector`` finds, cut by ``cropper``."""

    def crop(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        image = framed_picture(picture)
        faces = detector.detect(image)
        return cropper.crop(image, faces[:1])[0] if faces else None

    return crop
