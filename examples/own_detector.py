"""A detector of your own: one that looks at the left half of the image alone, and leaves the finding to BlazeFace."""

from __future__ import annotations

from typing import Tuple

import fer_edge
from fer_edge.detect import open_detector
from fer_edge.types import Image


class LeftHalf(fer_edge.FaceDetector):
    """Finds the faces in the left half of an image."""

    name = "left-half"

    def __init__(self) -> None:
        self._detector = open_detector("blazeface")

    def detect(self, image: Image) -> Tuple[fer_edge.Face, ...]:
        # Boxes and landmarks are in pixels of the whole image; the left half has the same origin.
        return self._detector.detect(image[:, : image.shape[1] // 2])

    def close(self) -> None:
        self._detector.close()


for observation in fer_edge.watch("demo:2", detector=LeftHalf()):
    print(observation.frame.index, [round(seen.face.box.x) for seen in observation.faces])
    if observation.frame.index >= 20:
        break
