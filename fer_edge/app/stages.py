"""The stages that every frame takes, in their order: all that names one is here."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

from fer_edge.app.blur import Blurring
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.heads import one_for_each_head
from fer_edge.classify.reader import ExpressionReader
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import StageFailed
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.settings import Settings
from fer_edge.types import Face, Frame, Observation

MOST_FRAMES = 8
"""Frames whose faces the classifier takes in one batch; more would make the first of them wait for the last."""

EYES = {"right_eye", "left_eye"}
"""Landmarks without which no face is cut out."""

BuildDetector = Callable[[], FaceDetector]
BuildClassifier = Callable[[], ExpressionClassifier]


def stage_list(
    settings: Settings, detectors: Mapping[str, BuildDetector], classifier: BuildClassifier
) -> List[StageSpec]:
    """Return the stages.

    Parameters
    ----------
    settings : Settings
        Which of them are wanted.
    detectors : mapping of str to callable
        By camera, what builds its detector; the same for several cameras is built once.
    classifier : callable
        Builds the classifier.
    """
    # With --blur the detector finds more than is to be read.
    least = settings.analysis.min_score if settings.analysis.blur else 0.0
    stages = [
        StageSpec("detect", "detection", lambda: Detection(detectors)),
        StageSpec(
            "classify",
            "classification",
            lambda: Classification(classifier(), least),
            batch=MOST_FRAMES,
        ),
    ]
    if settings.analysis.blur:
        stages.append(StageSpec("blur", "blurring", Blurring, changes_image=True))
    return stages


class Detection(StageWork):
    """Finds the faces of each frame with the detector of its camera."""

    def __init__(self, detectors: Mapping[str, BuildDetector]) -> None:
        built: Dict[BuildDetector, FaceDetector] = {}
        for build in detectors.values():
            if build not in built:
                built[build] = build()
        self._all = list(built.values())
        self._of = {camera: built[build] for camera, build in detectors.items()}

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations with what was found."""
        return [one.richer(found=self._detect(one.frame)) for one in observations]

    def close(self) -> None:
        """Close every detector."""
        for detector in self._all:
            detector.close()

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


class Classification(StageWork):
    """Reads the expressions of the faces that were found, in one batch.

    Parameters
    ----------
    classifier : ExpressionClassifier
        Closed with the work.
    min_score : float
        Faces that the detector is less sure of are not read.
    """

    def __init__(self, classifier: ExpressionClassifier, min_score: float = 0.0) -> None:
        self._classifier = classifier
        self._min_score = min_score
        self._reader = ExpressionReader(classifier)

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        """Return the observations with their faces read."""
        read = self._reader.read_all([(one.frame.image, self._readable(one)) for one in observations])
        return [one.richer(faces=faces) for one, faces in zip(observations, read)]

    def idle(self, observation: Observation) -> bool:
        """Return whether nobody is in view."""
        return not any(face.score >= self._min_score for face in observation.found)

    def facts(self) -> Mapping[str, object]:
        """Return what the network is, and what it runs on."""
        used = self._classifier
        return {
            "network": used.spec.name,
            "params": used.spec.parameters,
            "provider": used.provider,
            "precision": used.precision,
        }

    def _readable(self, observation: Observation) -> Sequence[Face]:
        # What is blurred is not thinned out: of two boxes nobody knows which one is the head.
        return one_for_each_head([face for face in observation.found if face.score >= self._min_score])

    def close(self) -> None:
        """Close the classifier."""
        self._classifier.close()


def _kind(detector: FaceDetector) -> str:
    return str(getattr(detector, "kind", type(detector).__name__))
