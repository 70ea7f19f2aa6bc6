"""From settings to the parts of a pipeline."""

from __future__ import annotations

import logging
import os
import time
from typing import Callable, Optional, Sequence

from fer_edge.capture.base import Source
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import DEFAULT_THREADS
from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.inference.model_files import find_model
from fer_edge.settings import Settings
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

FIRST_CAMERA = "/dev/video0"
"""What ``--camera auto`` looks for."""

PROGRESS_SECONDS = 10.0
"""How often long work is logged; an engine takes minutes to build on a small board."""


def build_source(settings: Settings, paced: bool = True, names: Sequence[str] = ()) -> Source:
    """Return the source that `settings` name, not open yet.

    Parameters
    ----------
    paced : bool
        Whether the demo keeps the pace of a camera.
    names : sequence of str
        Instead of the one in `settings`: names of the same camera, of which the first that exists is taken.
    """
    width, height = settings.cameras[0].size or (None, None)
    wanted = CaptureSettings(
        width=width, height=height, fps=settings.cameras[0].fps, fourcc=settings.cameras[0].format, paced=paced
    )
    text = next((name for name in names if os.path.exists(name)), names[0]) if names else settings.cameras[0].source
    if text == "auto":
        # Who waits for a camera does not want the demo while it is away.
        text = "0" if os.path.exists(FIRST_CAMERA) or settings.run.reconnect == "always" else "demo"
        if text == "demo":
            logger.info(
                "there is no camera %s: showing the built-in demo; --camera chooses another source", FIRST_CAMERA
            )
    return open_source(text, wanted)


def detector_factory(settings: Settings) -> Callable[[], FaceDetector]:
    """Return what builds the detector that `settings` name."""
    return lambda: open_detector(
        settings.analysis.detector, threads=settings.analysis.detect_threads, min_score=settings.analysis.min_score
    )


def classifier_factory(settings: Settings, model: Optional[str] = None) -> Callable[[], ExpressionClassifier]:
    """Return what builds the classifier that `model`, or else `settings`, name. Raises ModelNotFound or UsageError at once."""
    path = find_model(model or settings.analysis.model)
    wanted = Wanted(settings.analysis.backend, settings.analysis.device, settings.analysis.precision)
    wanted.check()
    return lambda: open_classifier(path, wanted, classifier_threads(settings), progress=logged_progress())


def classifier_threads(settings: Settings) -> int:
    """Return the number of inference threads that the classifier gets."""
    return settings.analysis.threads or DEFAULT_THREADS


def logged_progress(clock: Clock = time.monotonic) -> Callable[[str], None]:
    """Return what takes lines of progress and logs one every `PROGRESS_SECONDS`."""
    due = clock() + PROGRESS_SECONDS

    def log(line: str) -> None:
        nonlocal due
        if line and clock() >= due:
            due = clock() + PROGRESS_SECONDS
            logger.info("%s", line)

    return log
