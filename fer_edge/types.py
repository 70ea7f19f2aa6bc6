"""The values that flow through the pipeline. All are immutable; none knows where it came from or where it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Mapping, NamedTuple, Tuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Height x width x 3, uint8, blue-green-red, as OpenCV has it."""

Point = Tuple[float, float]
"""(x, y) in pixels of the frame, from its upper left corner."""

LABELS: Tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven expressions, in the order that every array of probabilities has."""


class Box(NamedTuple):
    """A rectangle in pixels; it may reach outside the frame."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Frame:
    """One picture from a source.

    Attributes
    ----------
    index : int
        0, 1, 2... in the order of capture; never reused within a run, so that every count can be made from it.
    captured_at : float
        Seconds on the monotonic clock, taken when the picture was grabbed.
    timestamp : datetime
        UTC wall clock of the same moment; for people and logs, never for arithmetic.
    image : Image
        The picture. Shared between threads: treat it as read-only.
    """

    index: int
    captured_at: float
    timestamp: datetime
    image: Image


@dataclass(frozen=True)
class Face:
    """A face as a detector found it.

    Attributes
    ----------
    box : Box
        Around the face, in pixels of the frame.
    score : float
        The detector's confidence, from 0 to 1.
    landmarks : mapping of str to Point
        Named points in pixels: at least ``right_eye`` and ``left_eye`` (the person's right and left), and, as far as the
        detector gives them, ``nose``, ``mouth``, ``right_mouth``, ``left_mouth``, ``right_ear``, ``left_ear``.
    """

    box: Box
    score: float
    landmarks: Mapping[str, Point]


@dataclass(frozen=True)
class Expression:
    """What a face shows.

    Attributes
    ----------
    probabilities : NDArray[np.float32]
        One for each of `LABELS`, calibrated; they sum to 1.
    label : str
        The most probable one.
    confidence : float
        Its probability.
    uncertain : bool
        The confidence is below the model's threshold, or the head is turned too far for the label to be trusted.
    """

    probabilities: NDArray[np.float32]
    label: str
    confidence: float
    uncertain: bool


@dataclass(frozen=True)
class ObservedFace:
    """A face and what it expresses."""

    face: Face
    expression: Expression


@dataclass(frozen=True)
class StageTime:
    """How long one frame spent before and in a stage, in seconds."""

    queue_wait: float
    service: float


@dataclass(frozen=True)
class Observation:
    """All that was seen in one frame.

    Attributes
    ----------
    frame : Frame
        The picture that was analysed.
    faces : tuple of ObservedFace
        Best detection score first; empty when nobody is in view.
    times : mapping of str to StageTime
        By stage name: ``capture``, ``detect``, ``classify``.
    """

    frame: Frame
    faces: Tuple[ObservedFace, ...]
    times: Mapping[str, StageTime] = field(default_factory=dict)


@dataclass(frozen=True)
class Rates:
    """The FPS figures, in frames per second over the last ten seconds; 0 where nothing happened yet.

    Attributes
    ----------
    total : float
        Distinct frames that went through the whole chain.
    detection, classification : float
        Capacity: 1 / mean service time of the stage for one frame.
    detection_achieved, classification_achieved : float
        Frames that the stage really finished per second.
    sequential : float
        1 / sum of the mean service times: what a loop without threads would reach.
    """

    total: float = 0.0
    detection: float = 0.0
    classification: float = 0.0
    detection_achieved: float = 0.0
    classification_achieved: float = 0.0
    sequential: float = 0.0
