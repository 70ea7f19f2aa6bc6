"""The networks of a process that analyses recordings: loaded once, for all its jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import List

from fer_edge.app.kept import parts_with
from fer_edge.app.parts import classifier_factory, detector_factory
from fer_edge.app.session import build_stages
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import ModelCorrupt, RestUnusable, UsageError
from fer_edge.inference.model_files import find_model, sha256_of
from fer_edge.pipeline.stage_spec import StageWork
from fer_edge.recordings.identity import sum_of_file
from fer_edge.recordings.jobs import Asked
from fer_edge.recordings.reading import LANE
from fer_edge.settings import CameraSettings, Settings
from fer_edge.version import __version__


@dataclass(frozen=True)
class Networks:
    """A detector and a classifier, which stay open.

    Attributes
    ----------
    detector : FaceDetector
    classifier : ExpressionClassifier
    remembers : bool
        Whether the detector looks at a frame with what it knows of those before.
    """

    detector: FaceDetector
    classifier: ExpressionClassifier
    remembers: bool


def settings_of(asked: Asked) -> Settings:
    """Return the settings with which a recording is analysed, in one thread."""
    settings = Settings.of(
        model=asked.model,
        backend=asked.backend,
        device=asked.device,
        precision=asked.computes or asked.precision,
        detector=asked.detector,
        min_score=asked.min_score,
        threads=1,
        detect_threads=1,
        tracks=asked.tracks,
        track_memory=asked.track_memory,
        half_life=asked.half_life,
        rest=asked.rest,
    )
    cameras = (CameraSettings(name=LANE, min_face=asked.min_face or None),)
    return replace(settings, cameras=cameras)


@lru_cache(maxsize=1)
def networks_of(asked: Asked) -> Networks:
    """Return the networks that are asked for, loaded if they are not yet.

    Raises
    ------
    FerEdgeError
        This process has another fer-edge or another network than the one that the run was started with, or cannot load them.
    """
    check_same(asked)
    settings = settings_of(asked)
    detector = detector_factory(settings)()
    classifier = classifier_factory(settings)()
    return Networks(detector, classifier, detector.search() is not None)


def check_same(asked: Asked) -> None:
    """Refuse to work with another version or another network than was asked for.

    Raises
    ------
    UsageError, ModelCorrupt, RestUnusable
        The message names both.
    """
    if asked.version and asked.version != __version__:
        raise UsageError(
            f"A worker has fer-edge {__version__}, and the run was started with {asked.version}.",
            "Install the same version on every machine.",
        )
    found = sha256_of(find_model(asked.model))
    if found != asked.model_sha256:
        raise ModelCorrupt(
            f"A worker has another network as '{asked.model}': its sha256 is {found[:12]}..., and that of the run "
            f"{asked.model_sha256[:12]}...",
            "Put the same file on every machine.",
        )
    if asked.rest_sha256 and sum_of_file(asked.rest) != asked.rest_sha256:
        raise RestUnusable(
            f"A worker has another resting face as {asked.rest} than the run was started with.",
            "Put the same file on every machine.",
        )


def stages_of(asked: Asked, networks: Networks) -> List[StageWork]:
    """Return the stages of one part, to be closed; the networks stay open."""
    settings = settings_of(asked)
    return [stage.build() for stage in build_stages(settings, parts_with(networks.detector, networks.classifier))]
