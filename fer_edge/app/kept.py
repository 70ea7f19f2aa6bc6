"""The parts of a session with a detector or classifier that a program made itself: used, and not closed."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Callable, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from fer_edge.app.given import model_name
from fer_edge.app.layout import Layout, layout_of
from fer_edge.app.parts import Parts, classifier_factory, detector_factory
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.detect.base import FaceDetector, FaceSearch
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.settings import Settings, check_value
from fer_edge.types import Expression, Face, Image


def parts_with(detector: Union[str, FaceDetector], model: Union[str, os.PathLike[str], ExpressionClassifier]) -> Parts:
    """Return the program's parts with a detector and a classifier by name, or somebody else's, which stay open."""

    def detector_of(settings: Settings, _name: str) -> Callable[[], FaceDetector]:
        if isinstance(detector, FaceDetector):
            # Not closed: after an error it is used on, and in a thread that hangs it still is.
            return lambda: KeptDetector(detector)
        return detector_factory(settings, check_value("detector", detector))

    def classifier_of(settings: Settings) -> Callable[[], ExpressionClassifier]:
        if isinstance(model, ExpressionClassifier):
            return lambda: KeptClassifier(model)
        return classifier_factory(settings.changed(model=model_name(model)))

    return Parts(
        detector=detector_of,
        classifier=classifier_of,
        layout=lambda settings: layout_with(settings, detector, model),
    )


class KeptDetector(FaceDetector):
    """Somebody else's detector, which is not closed."""

    def __init__(self, detector: FaceDetector) -> None:
        self.kind = type(detector).__name__
        self._detector = detector

    def detect(self, image: Image) -> Tuple[Face, ...]:
        """Return what the detector finds."""
        return self._detector.detect(image)

    def search(self, wanted: Search = EVERYTHING, hold: bool = False) -> Optional[FaceSearch]:
        """Return what the detector gives."""
        return self._detector.search(wanted, hold)


class KeptClassifier(ExpressionClassifier):
    """Somebody else's classifier, which is not closed."""

    def __init__(self, classifier: ExpressionClassifier) -> None:
        self.spec, self.provider, self.precision = classifier.spec, classifier.provider, classifier.precision
        self.concurrent = classifier.concurrent
        self._classifier = classifier

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Return what the classifier says."""
        return self._classifier.classify(crops)


def layout_with(
    settings: Settings,
    detector: Union[str, FaceDetector],
    model: Union[str, os.PathLike[str], ExpressionClassifier],
) -> Layout:
    """Return which threads work at once, whatever is asked for: what is given has one, unless it says that it takes more."""
    layout = layout_of(settings)
    if isinstance(detector, FaceDetector):
        layout = replace(layout, detect=1)
    if isinstance(model, ExpressionClassifier) and not model.concurrent:
        layout = replace(layout, classify=1)
    return layout
