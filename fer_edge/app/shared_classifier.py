"""One classifier for all threads that classify: its weights are in memory once."""

from __future__ import annotations

import threading
from typing import Callable, Optional, Set, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.pipeline.stage_spec import NotNeeded
from fer_edge.types import Expression

BuildClassifier = Callable[[], ExpressionClassifier]


class SharedClassifier:
    """Hands a classifier to the workers of a stage, if several threads may use it at once.

    The workers that are there at the start share one. A worker that is built anew gets a new one: whatever is wrong with the
    old one is gone, and those who still have it go on with it. It is closed when the last of them closes what it got.

    Parameters
    ----------
    build : callable
        Makes a classifier.
    workers : int
        How many ask for it at the start.
    """

    def __init__(self, build: BuildClassifier, workers: int) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._to_share = workers
        self._first: Optional[_Part] = None

    def take(self) -> ExpressionClassifier:
        """Return a classifier, which is built in this thread if it is not there yet.

        Raises
        ------
        NotNeeded
            It belongs to one thread, which is another one.
        FerEdgeError
            It cannot be built.
        """
        with self._lock:
            self._to_share -= 1
            if self._to_share < 0 or self._first is None:
                part = _Part(self._build(), set())
                self._first = self._first or part
                return part
            if not self._first.classifier.concurrent:
                raise NotNeeded
            return _Part(self._first.classifier, self._first.users)


class _Part(ExpressionClassifier):
    """A classifier as one of its users has it."""

    def __init__(self, classifier: ExpressionClassifier, users: Set[_Part]) -> None:
        self.spec, self.provider, self.precision = classifier.spec, classifier.provider, classifier.precision
        self.concurrent = classifier.concurrent
        self.classifier = classifier
        self.users = users
        users.add(self)

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Return what the classifier says."""
        return self.classifier.classify(crops)

    def close(self) -> None:
        """Close the classifier if nobody else uses it."""
        self.users.discard(self)
        if not self.users:
            self.classifier.close()
