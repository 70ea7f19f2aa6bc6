"""The values that flow through the pipeline. All are immutable; none knows where it came from or where it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping, NamedTuple, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.frame_balance import FrameBalance as FrameBalance  # noqa: PLC0414  (all values can be had from here)
from fer_edge.rates import Rates as Rates  # noqa: PLC0414
from fer_edge.rates import StageRate as StageRate  # noqa: PLC0414
from fer_edge.state_change import StateChange as StateChange  # noqa: PLC0414

Image = NDArray[np.uint8]
"""Height x width x 3, uint8, blue-green-red, as OpenCV has it."""

Point = Tuple[float, float]
"""(x, y) in pixels of the frame, from its upper left corner."""

LABELS: Tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven expressions, in the order that every array of probabilities has."""


DOUBTS: Tuple[str, ...] = (
    "small",
    "cut off",
    "turned",
    "blurred",
    "upside down",
    "covered",
    "second face",
    "low confidence",
)
"""Reasons not to trust what a face seems to express: it has too few pixels; its chin or forehead is outside the frame; the head
is turned away; the face is out of focus; the head is upside down; the mouth is covered; another face that was found more surely
lies over this one; the confidence is below the threshold of the network."""


class Box(NamedTuple):
    """A rectangle in pixels; it may reach outside the frame."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Frame:
    """One image from a source.

    Attributes
    ----------
    index : int
        0, 1, 2... in the order of capture, for each source; never reused within a run, so that every count can be made from it.
    captured_at : float
        Seconds on the monotonic clock, taken when the picture was grabbed.
    timestamp : datetime
        UTC wall clock of the same moment; for people and logs, never for arithmetic.
    image : Image
        Shared between threads: treat it as read-only.
    source : str
        The name of the camera, as the settings or the program gave it.
    media_time : float or None
        Seconds from the start of a file; None for what is live.
    file : str
        The picture file that it is, where the source is one or several of those; empty for others.
    problem : str
        Why that file could not be read; then `image` has no pixels (0 x 0 x 3). Empty where there is an image.
    """

    index: int
    captured_at: float
    timestamp: datetime
    image: Image
    source: str = ""
    media_time: Optional[float] = None
    file: str = ""
    problem: str = ""


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
    predicted : bool
        Whether it was not found in this frame, but is told where its motion lets expect it.
    """

    box: Box
    score: float
    landmarks: Mapping[str, Point]
    predicted: bool = False


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
        Whether the label is not to be trusted, for one of the reasons in `doubt`, or because the classifier says so.
    doubt : tuple of str
        Why it is not to be trusted: words of `DOUBTS`, in their order.
    uncertain_below : float
        Confidence under which the network's label is not to be trusted; 0 where nobody knows.
    """

    probabilities: NDArray[np.float32]
    label: str
    confidence: float
    uncertain: bool
    doubt: Tuple[str, ...] = ()
    uncertain_below: float = 0.0

    @property
    def valence(self) -> float:
        """How pleasant the face looks, from -1 to 1: happy minus the strongest of angry, disgust, fear and sad.

        That is what FaceReader calls valence (Noldus, "FaceReader Methodology Note"). It tells what a network makes of a face,
        and not how somebody feels.
        """
        of = dict(zip(LABELS, map(float, self.probabilities)))
        return of["happy"] - max(of[label] for label in ("angry", "disgust", "fear", "sad"))

    @property
    def intensity(self) -> float:
        """How far the face is from neutral, from 0 to 1: 1 minus the probability of neutral.

        It tells how sure the network is that the face is not neutral, and not how strong a movement or a feeling is.
        """
        return 1.0 - float(self.probabilities[LABELS.index("neutral")])


@dataclass(frozen=True)
class RestShift:
    """How far the answers for a person are moved by what that person's face looks like at rest.

    Attributes
    ----------
    log_odds : NDArray[np.float32]
        For each of `LABELS`, what is taken off its log-probability before the probabilities are made anew; 0 for neutral.
    seconds : float
        How long the resting face was watched.
    """

    log_odds: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True)
class Track:
    """One face over time. Its id says nothing of who that is: no identity is computed.

    Attributes
    ----------
    id : int
        From 1 on, unique for its camera within the run, and never used again.
    age : float
        Seconds since the face was first found.
    expression : Expression
        What it shows steadily: smoothed probabilities, and a label that does not follow every frame; `confidence` is the
        probability of that label.
    since : float
        Seconds since the label is what it is.
    hidden : float
        Seconds since the face was last found; 0 where it was found in this frame.
    fade : float
        0 for a face that was found; of one that was not, growing to 1 within half a second, or a shorter memory.
    rest : RestShift or None
        How far the answers are moved by the person's resting face; None where they are not.
    """

    id: int
    age: float
    expression: Expression
    since: float
    hidden: float = 0.0
    fade: float = 0.0
    rest: Optional[RestShift] = None


@dataclass(frozen=True)
class ObservedFace:
    """A face and what it expresses.

    Attributes
    ----------
    face : Face
        Where it is.
    expression : Expression
        What it shows in this frame.
    track : Track or None
        What it shows over time; None where faces are not followed.
    """

    face: Face
    expression: Expression
    track: Optional[Track] = None

    @property
    def steady(self) -> Expression:
        """What it shows over time where that is known, else in this frame."""
        return self.expression if self.track is None else self.track.expression


@dataclass(frozen=True)
class StageTime:
    """How long one frame spent before and in a stage, in seconds."""

    queue_wait: float
    service: float


@dataclass(frozen=True)
class Observation:
    """All that was seen in one frame: the value that flows, and that each stage makes richer.

    Attributes
    ----------
    frame : Frame
        What is analysed.
    faces : tuple of ObservedFace
        Best detection score first; empty when nobody is in view, and before the expressions are read.
    times : mapping of str to StageTime
        By stage name: ``capture``, ``detect``, ``classify``; a stage that left the frame out is not among them.
    found : tuple of Face
        What the detector found and somebody wants to know of, whether or not its expression was read.
    predicted : bool
        Whether the detector did not look at this frame, so that the faces are where their motion lets expect them.
    hidden : tuple of ObservedFace
        Faces that were not found in this frame and are still waited for, where they may be, with what they showed last.
    unwanted : tuple of Face
        What the detector found beyond `found`, and nobody wants to know of: too small, outside the regions, or one of too many.
        It is neither read nor told, and with ``--blur`` it is blurred.
    """

    frame: Frame
    faces: Tuple[ObservedFace, ...] = ()
    times: Mapping[str, StageTime] = field(default_factory=dict)
    found: Tuple[Face, ...] = ()
    predicted: bool = False
    hidden: Tuple[ObservedFace, ...] = ()
    unwanted: Tuple[Face, ...] = ()

    def richer(self, **fields: Any) -> Observation:
        """Return a copy with other `fields`: as `dataclasses.replace` makes, in a third of its time."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **fields)
        return copy
