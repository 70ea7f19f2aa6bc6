"""What a face shows most of the time, whatever it does in between: the centre of samples that are spread over time."""

from __future__ import annotations

from collections import deque
from typing import Deque, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.track.rest import HAPPY, RestingFace
from fer_edge.types import LABELS

LARGEST_AT_REST = 2.0
"""Log-odds against neutral above which what is seen is an expression and no rest: one of 100 neutral faces of FER+ is above
1.3, and half of the sad ones are below 2. For happy it is 0, above which one of 100 neutral faces is."""

_LARGEST = np.full(len(LABELS), LARGEST_AT_REST)
_LARGEST[HAPPY] = 0.0

LONGEST_GAP = 1.0
"""Seconds for which one frame may stand at most: what lies between it and the one before is not known."""


class RestSamples:
    """Collects log-odds over time, so many that they fill a window, and no more however many frames a second there are.

    Each sample is the mean over the frames of `spacing` seconds. A frame stands for the time since the one before, so that
    neither the frame rate nor frames that were dropped change the centre.

    Parameters
    ----------
    window : float
        Seconds that are kept.
    spacing : float
        Seconds of a sample.

    Attributes
    ----------
    seconds : float
        How long the face was watched within the window.
    frames : int
        How many frames were taken, of all time.
    """

    def __init__(self, window: float, spacing: float) -> None:
        self._window = window
        self._spacing = spacing
        self._samples: Deque[Tuple[float, NDArray[np.float64]]] = deque()
        self._sum: NDArray[np.float64] = np.zeros(len(LABELS))
        self._length = 0.0
        self._total = 0.0
        self.frames = 0

    @property
    def seconds(self) -> float:
        """How long the face was watched within the window."""
        return self._total + self._length

    def add(self, log_odds: NDArray[np.float64], lasted: float) -> bool:
        """Take what was seen for some seconds, and return whether the centre may have changed."""
        self.frames += 1
        self._sum = self._sum + log_odds * lasted
        self._length += lasted
        if self._length < self._spacing:
            return False
        self._samples.append((self._length, self._sum / self._length))
        self._total += self._length
        self._sum, self._length = np.zeros(len(LABELS)), 0.0
        while self._total > self._window and len(self._samples) > 1:
            self._total -= self._samples.popleft()[0]
        return True

    def centre(self) -> RestingFace:
        """Return the median of each label, weighted by time, and the spread around it; of nothing, a face without log-odds."""
        samples = list(self._samples)
        if self._length:
            samples.append((self._length, self._sum / self._length))
        samples = samples or [(1.0, np.zeros(len(LABELS)))]
        weights = np.array([length for length, _ in samples])
        values = np.stack([value for _, value in samples])
        centre = _median(values, weights)
        return RestingFace(centre, _median(np.abs(values - centre), weights), self.seconds, self.frames)


def lasting(at: float, before: Optional[float]) -> float:
    """Return for how many seconds the frame at `at` stands: none where it is the first, or the clock jumped back."""
    return 0.0 if before is None else min(max(at - before, 0.0), LONGEST_GAP)


def expression_in(log_odds: NDArray[np.float64]) -> str:
    """Return the expression that a face with these log-odds clearly shows, so that it is not at rest; empty where none."""
    above = log_odds - _LARGEST
    best = int(above.argmax())
    return LABELS[best] if above[best] > 0 else ""


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted median of each column."""
    order = np.argsort(values, axis=0)
    below = np.cumsum(weights[order], axis=0)
    place = (below < below[-1] / 2).sum(axis=0)
    columns = np.arange(values.shape[1])
    found: NDArray[np.float64] = values[order[place, columns], columns]
    return found
