"""One classifier for all threads that classify: its weights are in memory once."""

from __future__ import annotations

import threading
from typing import Callable, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.pipeline.stage_spec import NotNeeded
from fer_edge.server_use import ServerUse
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
        self._starting = threading.Lock()
        self._to_start = workers
        self._shared: Optional[_Shared] = None

    def take(self) -> ExpressionClassifier:
        """Return a classifier, which is built in this thread if it is not there yet.

        Raises
        ------
        NotNeeded
            It belongs to one thread, which is another one.
        FerEdgeError
            It cannot be built.
        """
        with self._starting:
            self._to_start -= 1
            if self._to_start >= 0:
                if self._shared is not None and not self._shared.classifier.concurrent:
                    raise NotNeeded
                if self._shared is None or not self._shared.joined():
                    self._shared = _Shared(self._build())
                return _Part(self._shared)
        # Without the lock: where it hangs, it holds up nobody else, nor whoever tries in its place.
        return _Part(_Shared(self._build()))


class _Shared:
    """A classifier and how many use it: at first the one who built it."""

    def __init__(self, classifier: ExpressionClassifier) -> None:
        self.classifier = classifier
        self._lock = threading.Lock()
        self._users = 1

    def joined(self) -> bool:
        """Count one more user; False where the last one has closed it."""
        with self._lock:
            if not self._users:
                return False
            self._users += 1
            return True

    def leave(self) -> None:
        """Count one user less, and close the classifier after the last."""
        with self._lock:
            self._users -= 1
            last = not self._users
        if last:
            self.classifier.close()


class _Part(ExpressionClassifier):
    """A classifier as one of its users has it."""

    def __init__(self, shared: _Shared) -> None:
        classifier = shared.classifier
        self.spec, self.provider, self.precision = classifier.spec, classifier.provider, classifier.precision
        self.concurrent = classifier.concurrent
        self._shared: Optional[_Shared] = shared
        self._classifier = classifier

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Return what the classifier says."""
        return self._classifier.classify(crops)

    def trouble(self) -> str:
        """Return what the classifier says of itself."""
        return self._classifier.trouble()

    def server_use(self) -> Optional[ServerUse]:
        """Return what the classifier had of a server."""
        return self._classifier.server_use()

    def close(self) -> None:
        """Close the classifier if nobody else uses it. May be called twice."""
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.leave()
