"""From settings to the parts of a session: what the program uses, and tests replace."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence

from fer_edge.app.layout import Layout, layout_of
from fer_edge.app.remote import server_access
from fer_edge.app.stages import stage_list
from fer_edge.app.tracking import build_tracker
from fer_edge.capture.base import Source
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.classify.backend_choice import Wanted, open_classifier
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.detect.registry import DETECTORS
from fer_edge.inference.model_files import find_model
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.pipeline.stage_spec import StageSpec
from fer_edge.settings import CameraSettings, Settings
from fer_edge.system.clock import Clock
from fer_edge.track.base import Tracker
from fer_edge.ui.view import View, open_view

logger = logging.getLogger("fer_edge")

FIRST_CAMERA = "/dev/video0"
"""What ``--camera auto`` looks for."""

PROGRESS_SECONDS = 10.0
"""How often long work is logged; an engine takes minutes to build on a small board."""


def build_source(settings: Settings, camera: CameraSettings, paced: bool = True, names: Sequence[str] = ()) -> Source:
    """Return the source of a camera, not open yet.

    Parameters
    ----------
    paced : bool
        Whether the demo keeps the pace of a camera.
    names : sequence of str
        Instead of the one in `camera`: names of the same camera, of which the first that exists is taken.
    """
    text = next((name for name in names if os.path.exists(name)), names[0]) if names else camera.source
    if text == "auto":
        # Who waits for a camera does not want the demo while it is away.
        text = "0" if os.path.exists(FIRST_CAMERA) or settings.run.reconnect == "always" else "demo"
        if text == "demo":
            logger.info(
                "there is no camera %s: showing the built-in demo; --camera chooses another source", FIRST_CAMERA
            )
    return open_source(text, asked_of(camera, paced))


def asked_of(camera: CameraSettings, paced: bool = True) -> CaptureSettings:
    """Return what a camera's source is asked for."""
    width, height = camera.size or (None, None)
    return CaptureSettings(
        width=width,
        height=height,
        fps=camera.fps,
        fourcc=camera.format,
        paced=paced,
        stall_timeout=camera.stall_timeout,
        connect_timeout=camera.connect_timeout,
        first_image_timeout=camera.first_image_timeout,
        transport=camera.transport,
        tls_ca=camera.tls_ca,
        tls_insecure=camera.tls_insecure,
        rotate=camera.rotate,
        flip=camera.flip,
        roi=camera.roi,
        pages=camera.pages,
    )


def detector_factory(settings: Settings, name: str = "") -> Callable[[], FaceDetector]:
    """Return what builds the detector `name`, or else the one that `settings` name. Raises ModelNotFound at once."""
    asked = settings.analysis
    entry = DETECTORS.get(name or asked.detector)
    for model in entry.models if entry is not None else ():
        find_model(model)
    return lambda: open_detector(name or asked.detector, threads=asked.detect_threads, min_score=asked.min_score)


def classifier_factory(settings: Settings) -> Callable[[], ExpressionClassifier]:
    """Return what builds the classifier that `settings` name. Raises ModelNotFound, UsageError or SettingsError at once."""
    asked = settings.analysis
    path = find_model(asked.model)
    wanted = Wanted(asked.backend, asked.device, asked.precision)
    wanted.check()
    server = server_access(settings)
    threads = layout_of(settings).threads
    return lambda: open_classifier(path, wanted, threads, progress=logged_progress(), server=server)


def logged_progress(clock: Clock = time.monotonic) -> Callable[[str], None]:
    """Return what takes lines of progress and logs one every `PROGRESS_SECONDS`."""
    due = clock() + PROGRESS_SECONDS

    def log(line: str) -> None:
        nonlocal due
        if line and clock() >= due:
            due = clock() + PROGRESS_SECONDS
            logger.info("%s", line)

    return log


@dataclass(frozen=True)
class Parts:
    """What a session is put together from.

    Attributes
    ----------
    source : callable
        Makes a camera's source, also when a lost one is opened anew.
    detector, classifier : callable
        Give what builds a detector by its name, and the classifier; what cannot be is refused at once.
    stages : callable
        Gives the list of stages.
    layout : callable
        Tells how many threads work in each.
    tracker : callable
        Gives what follows the faces of one camera; None where nothing shall.
    runners : callable
        Gives places for results besides the files of the settings; opened and closed by the run.
    view : callable
        Opens the window, or gives None where there shall be none.
    clock : callable
        Monotonic seconds.
    """

    source: Callable[[Settings, CameraSettings, bool, Sequence[str]], Source] = build_source
    detector: Callable[[Settings, str], Callable[[], FaceDetector]] = detector_factory
    classifier: Callable[[Settings], Callable[[], ExpressionClassifier]] = classifier_factory
    stages: Callable[..., List[StageSpec]] = stage_list
    layout: Callable[[Settings], Layout] = layout_of
    tracker: Callable[[Settings], Optional[Tracker]] = build_tracker
    runners: Callable[[], Sequence[SinkRunner]] = tuple
    view: Callable[..., Optional[View]] = open_view
    clock: Clock = time.monotonic


PROGRAM = Parts()
"""What the program uses."""
