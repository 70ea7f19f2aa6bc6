"""Where faces are found: the seam, its fake, and what implements it, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fer_edge.detect.registry import DETECTORS, DetectorEntry, open_detector
from fer_edge.system.lazy_names import lazy_names

if TYPE_CHECKING:
    from fer_edge.detect.base import FaceDetector, FaceSearch
    from fer_edge.detect.fake import FakeDetector

__all__ = ["DETECTORS", "DetectorEntry", "FaceDetector", "FaceSearch", "FakeDetector", "open_detector"]

__getattr__ = lazy_names(__name__, {"FaceDetector": "base", "FaceSearch": "base", "FakeDetector": "fake"})
