"""Detectors and classifiers that a program made itself: used by the stages, and not closed by them."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge.app.layout import Layout, layout_of
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.detect.base import FaceDetector, FaceSearch
from fer_edge.settings import Settings
from fer_edge.types import Expression, Face, Image


class KeptDetector(FaceDetector):
    """Somebody else's detector, which is not closed."""

    def __init__(self, detector: FaceDetector) -> None:
        self.kind = type(detector).__name__
        self._detector = detector

    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Return what the detector finds."""
        return self._detector.detect(image)

    def search(self) -> Optional[FaceSearch]:
        """Return what the detector gives."""
        return self._detector.search()


class KeptClassifier(ExpressionClassifier):
    """Somebody else's classifier, which is not closed."""

    def __init__(self, classifier: ExpressionClassifier) -> None:
        self.spec, self.provider, self.precision = classifier.spec, classifier.provider, classifier.precision
        self._classifier = classifier

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Return what the classifier says."""
        return self._classifier.classify(crops)


def layout_with(settings: Settings, detector: Union[str, FaceDetector]) -> Layout:
    """Return which threads work at once: one thread has a detector that is given, whatever it is asked for."""
    layout = layout_of(settings)
    return replace(layout, detect=1) if isinstance(detector, FaceDetector) else layout
