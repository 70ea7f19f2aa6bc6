"""BlazeFace through the mediapipe package, for comparison and for those who have it anyway."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Tuple

import cv2

from fer_edge.detect.base import FaceDetector
from fer_edge.detect.letterbox import check_image
from fer_edge.system.libraries import import_library
from fer_edge.types import Box, Face, Image

VARIANTS = {"short": 0, "full": 1}
"""mediapipe's ``model_selection``: 0 for faces within 2 metres, 1 (the sparse full-range network) within 5."""

_KEYPOINTS = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")


class MediaPipeDetector(FaceDetector):
    """Finds faces with mediapipe's ``solutions.face_detection`` (0.10.9 to 0.10.21; later wheels ship no network).

    Parameters
    ----------
    variant : {"short", "full"}
        Which network.
    min_score : float
        From 0 to 1; faces under it are left out.

    Raises
    ------
    MissingExtra, LibraryUnusable
        mediapipe is not installed, or is a release without ``solutions``.
    """

    name = "mediapipe"

    def __init__(self, variant: str = "short", min_score: float = 0.5) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"mediapipe has the variants {', '.join(VARIANTS)}, not '{variant}'")
        if not 0.0 <= min_score <= 1.0:
            raise ValueError(f"min_score must lie between 0 and 1, not {min_score}")
        self.name = "mediapipe" if variant == "short" else f"mediapipe-{variant}"
        solution = _import_solution()
        self._graph: Any = solution.FaceDetection(min_detection_confidence=min_score, model_selection=VARIANTS[variant])

    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Find faces; see `FaceDetector.detect`.

        Raises
        ------
        ValueError
            `image` is not H x W x 3 of uint8, or is empty; or the detector was closed.
        """
        check_image(image)
        if self._graph is None:
            raise ValueError("the mediapipe detector was closed")
        height, width = image.shape[:2]
        found = self._graph.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).detections or ()
        faces = [_face(detection, width, height) for detection in found]
        return tuple(sorted(faces, key=lambda face: -face.score))

    def close(self) -> None:
        """End the graph and its threads. May be called twice."""
        if self._graph is not None:
            self._graph.close()
            self._graph = None


def _import_solution() -> ModuleType:
    return import_library("mediapipe.python.solutions.face_detection", "mediapipe", "The detector 'mediapipe'")


def _face(detection: Any, width: int, height: int) -> Face:
    relative = detection.location_data.relative_bounding_box
    points = detection.location_data.relative_keypoints
    return Face(
        Box(relative.xmin * width, relative.ymin * height, relative.width * width, relative.height * height),
        float(detection.score[0]),
        {name: (point.x * width, point.y * height) for name, point in zip(_KEYPOINTS, points)},
    )
