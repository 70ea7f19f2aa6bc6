"""The stage that finds the faces: by looking, or in a frame whose turn it is not, by where they were and how they move."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

from fer_edge.app.detection_turns import EVERY_FRAME, DetectionTurns
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import StageFailed
from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.track.base import moment_of
from fer_edge.types import Face, Frame, Observation

EYES = {"right_eye", "left_eye"}
"""Landmarks without which no face is cut out."""

MOST_FACES = 32
"""More are not moved on but looked for: each is compared with each, and that is to stay far below the time of a look."""

BuildDetector = Callable[[], FaceDetector]


class Detection(StageWork):
    """Finds the faces of each frame with the detector of its camera, or tells where they are likely to be.

    Parameters
    ----------
    detectors : mapping of str to callable
        By camera, what builds its detector; the same for several cameras is built once.
    turns : DetectionTurns
        Tells in which frames of a camera it looks, and follows the faces in between.
    """

    def __init__(self, detectors: Mapping[str, BuildDetector], turns: DetectionTurns = EVERY_FRAME) -> None:
        built: Dict[BuildDetector, FaceDetector] = {}
        for build in detectors.values():
            if build not in built:
                built[build] = build()
        self._all = list(built.values())
        self._of = {camera: built[build] for camera, build in detectors.items()}
        self._turns = turns
        self._looks = {camera: _Looks() for camera in detectors}

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations with what was found, or with what is expected."""
        return [self._worked(one) for one in observations]

    def skipped(self, observation: Observation) -> bool:
        """Return whether the detector did not look."""
        return observation.predicted

    def facts(self) -> Mapping[str, object]:
        """Return in which frames it looks, where that is fixed and not each."""
        fixed = self._turns.fixed
        return {"every": fixed} if fixed > 1 else {}

    def close(self) -> None:
        """Close every detector."""
        for detector in self._all:
            detector.close()

    def _worked(self, observation: Observation) -> Observation:
        looks = self._looks[observation.frame.source]
        every = self._turns.every(observation.frame.source)
        if looks.since + 1 < every:
            expected = self._expected(observation.frame, looks.found)
            if expected:
                looks.since += 1
                return observation.richer(found=expected, predicted=True)
        looks.found = self._detect(observation.frame)
        looks.since = 0
        return observation.richer(found=looks.found)

    def _expected(self, frame: Frame, found: Sequence[Face]) -> Tuple[Face, ...]:
        """Return where those who were found at the last look are likely to be; nobody where nobody is followed."""
        at = moment_of(frame)
        if at is None or not 0 < len(found) <= MOST_FACES:
            return ()
        expected = self._turns.expected(frame.source, at)
        return moved(found, expected) if 0 < len(expected) <= MOST_FACES else ()

    def _detect(self, frame: Frame) -> Tuple[Face, ...]:
        detector = self._of[frame.source]
        found = detector.detect(frame.image)
        # Ours give faces; one of somebody else may not.
        if not isinstance(found, (tuple, list)) or not all(isinstance(face, Face) for face in found):
            raise StageFailed(
                f"The detector {_kind(detector)} gave {found!r:.80}, and no sequence of faces.",
                "Its detect() returns a tuple of fer_edge.Face, empty where nobody is.",
            )
        for face in found:
            if not set(face.landmarks) >= EYES:
                raise StageFailed(
                    f"The detector {_kind(detector)} gave a face without its eyes; it has "
                    f"{', '.join(sorted(face.landmarks)) or 'no landmarks'}.",
                    "A face's landmarks hold right_eye and left_eye at the least: it is turned upright by them.",
                )
        return tuple(found)


class _Looks:
    """What the last look of a camera found, and how many frames have gone by since without one."""

    def __init__(self) -> None:
        self.found: Tuple[Face, ...] = ()
        self.since = 0


def moved(found: Sequence[Face], expected: Sequence[Face]) -> Tuple[Face, ...]:
    """Return the faces of the last look where they are expected now.

    Nobody is added: a face that the last look missed is hidden, and not to be shown or read. Nobody is lost: one that nobody
    follows yet, or whose place is not known any more, stays where it was; with ``--blur`` those are to be covered, too.

    Parameters
    ----------
    found : sequence of Face
        What the last look found, best score first.
    expected : sequence of Face
        Where a tracker expects faces. One is taken for the nearest that was found, if that is less than a width away.

    Examples
    --------
    >>> from fer_edge.types import Box
    >>> was = Face(Box(10, 10, 40, 40), 0.9, {"right_eye": (20.0, 25.0), "left_eye": (40.0, 25.0)})
    >>> now = Face(Box(14, 10, 40, 40), 0.8, {"right_eye": (24.0, 25.0), "left_eye": (44.0, 25.0)})
    >>> far = Face(Box(200, 10, 40, 40), 0.8, {"right_eye": (210.0, 25.0), "left_eye": (230.0, 25.0)})
    >>> [(face.box.x, face.score) for face in moved([was], [far, now])]
    [(14, 0.9)]
    """
    pairs = sorted(
        (distance, one, other)
        for one, face in enumerate(found)
        for other, there in enumerate(expected)
        for distance in (_distance(face, there),)
        if distance < 1
    )
    places: List[Face] = list(found)
    left, free = set(range(len(found))), set(range(len(expected)))
    for _, one, other in pairs:
        if one in left and other in free:
            left.remove(one)
            free.remove(other)
            places[one] = Face(expected[other].box, found[one].score, expected[other].landmarks)
    return tuple(places)


def _distance(one: Face, other: Face) -> float:
    """Return the distance between the centres of two boxes, in widths of the smaller."""
    a, b = one.box, other.box
    across, down = a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2
    return float((across**2 + down**2) ** 0.5 / max(min(a.width, b.width), 1e-6))


def _kind(detector: FaceDetector) -> str:
    return str(getattr(detector, "kind", type(detector).__name__))
