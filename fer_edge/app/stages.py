"""The stages that every frame takes, in their order: all that names one is here."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence

from fer_edge.app.blur import Blurring
from fer_edge.app.detection import BuildDetector, Detection
from fer_edge.app.detection_turns import DETECTION, EVERY_FRAME, DetectionTurns
from fer_edge.app.layout import ONE_OF_EACH, Layout
from fer_edge.app.searched import search_of
from fer_edge.app.shared_classifier import BuildClassifier, SharedClassifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.heads import one_for_each_head
from fer_edge.classify.reader import ExpressionReader
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.server_use import ServerUse
from fer_edge.settings import Settings
from fer_edge.types import Face, Observation

MOST_FRAMES = 8
"""Frames whose faces the classifier takes in one batch; more would make the first of them wait for the last."""


def stage_list(
    settings: Settings,
    detectors: Mapping[str, BuildDetector],
    classifier: BuildClassifier,
    turns: DetectionTurns = EVERY_FRAME,
    layout: Layout = ONE_OF_EACH,
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
    turns : DetectionTurns
        Tells in which frames of a camera faces are looked for.
    layout : Layout
        How many threads work in each.
    """
    searches = {camera.name: search_of(camera) for camera in settings.cameras}
    # With --blur the detector finds more than is to be read.
    least = settings.analysis.min_score if settings.analysis.blur else 0.0
    shared = SharedClassifier(classifier, layout.classify)

    def detection(cameras: Sequence[str]) -> Detection:
        return Detection(
            {name: detectors[name] for name in cameras}, turns, searches, settings.analysis.blur, not settings.tracks.on
        )

    stages = [
        StageSpec("detect", DETECTION, lambda: detection(list(detectors)), layout.detect, build_for=detection),
        StageSpec(
            "classify",
            "classification",
            lambda: Classification(shared.take(), least),
            layout.classify,
            batch=MOST_FRAMES,
        ),
    ]
    if settings.analysis.blur:
        stages.append(StageSpec("blur", "blurring", Blurring, changes_image=True))
    return stages


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

    def trouble(self) -> str:
        """Return what the classifier says of itself."""
        return self._classifier.trouble()

    def server_use(self) -> Optional[ServerUse]:
        """Return what the classifier had of a server."""
        return self._classifier.server_use()

    def _readable(self, observation: Observation) -> Sequence[Face]:
        # What is blurred is not thinned out: of two boxes nobody knows which one is the head.
        return one_for_each_head([face for face in observation.found if face.score >= self._min_score])

    def close(self) -> None:
        """Close the classifier."""
        self._classifier.close()
