"""A detector for tests, and for measuring everything but detection."""

from __future__ import annotations

from typing import Sequence, Tuple

from fer_edge.detect.base import FaceDetector
from fer_edge.types import Face, Image


class FakeDetector(FaceDetector):
    """Finds the same faces in every image."""

    name = "fake"

    def __init__(self, faces: Sequence[Face] = ()) -> None:
        self._faces = tuple(faces)

    def detect(self, image: Image) -> Tuple[Face, ...]:  # noqa: ARG002
        """Return the faces that the constructor was given, whatever `image` shows."""
        return self._faces
