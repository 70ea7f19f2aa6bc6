"""Where faces are found."""

from __future__ import annotations

from fer_edge.detect.base import FaceDetector
from fer_edge.detect.open import DETECTORS, open_detector

__all__ = ["DETECTORS", "FaceDetector", "open_detector"]
