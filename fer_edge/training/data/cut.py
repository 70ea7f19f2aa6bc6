"""Cuts the face out of a photograph as the running program does."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fer_edge.classify.crop import FaceCropper
from fer_edge.classify.spec import ModelSpec
from fer_edge.detect.base import FaceDetector
from fer_edge.training.data.pictures import NoFaceFound


class FaceCut:
    """The best face that a detector finds, upright, in the margin that the shipped networks are trained with.

    Parameters
    ----------
    detector
        Finds the face; stays the caller's to close.
    side
        Height and width of the cut, in pixels.
    """

    def __init__(self, detector: FaceDetector, side: int) -> None:
        self._detector = detector
        self._cropper = FaceCropper(ModelSpec(name="data set", input_size=side))

    def __call__(self, picture: Image.Image) -> Image.Image:
        """Return the face, RGB.

        Raises
        ------
        NoFaceFound
            If the detector finds none.
        """
        image = np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
        faces = self._detector.detect(image)
        if not faces:
            raise NoFaceFound(f"{self._detector.name} finds no face in it")
        return Image.fromarray(np.ascontiguousarray(self._cropper.crop(image, faces[:1])[0][:, :, ::-1]))
