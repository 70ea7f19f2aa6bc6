"""The one place where a session is put together: for the live run, the library, the benchmark and the soak alike."""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set

from fer_edge.app.blur import LEAST_SCORE
from fer_edge.app.detection_turns import EVERY_FRAME, DetectionTurns, turns_of
from fer_edge.app.layout import ONE_OF_EACH, Layout, warn_of_too_many_threads
from fer_edge.app.parts import PROGRAM, Parts
from fer_edge.app.searched import searched
from fer_edge.capture.base import Source
from fer_edge.detect.base import FaceDetector
from fer_edge.pipeline.lane import Lane, LaneSpec
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import StageSpec
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.settings import CameraSettings, Settings


def build_session(
    settings: Settings,
    parts: Parts = PROGRAM,
    *,
    given: Optional[Mapping[str, Source]] = None,
    paced: bool = True,
    hot: Callable[[], bool] = lambda: False,
) -> Session:
    """Put a session together; nothing is opened yet.

    A live source that fails is opened anew as `settings.run.reconnect` says, and a stage that fails is built anew where there
    is a live source. A file is read once, and its first error is its end.

    Parameters
    ----------
    parts : Parts
        What it is put together from.
    given : mapping of str to Source, optional
        By camera, sources that a program made itself; these are opened once.
    paced : bool
        Whether the demo keeps the pace of a camera.
    hot : callable
        Tells whether heat slows the board down; asked by the thread that detects.

    Raises
    ------
    FerEdgeError
        A source, model or detector that cannot be, or settings that cannot be together.
    """
    when, cameras = settings.run.reconnect, settings.cameras
    openings = _FirstOpenings()
    lanes = []
    for camera in cameras:
        own = (given or {}).get(camera.name)
        with settings.located(f"camera.{camera.name}.source"):
            source = searched(own or parts.source(settings, camera, paced, ()), settings, camera)
        names = _Names()
        reconnection = _reconnection(settings, parts, camera, openings, names) if source.live and own is None else None
        lanes.append((LaneSpec(camera.name, source, reconnection, parts.tracker(settings)), names))
    turns = turns_of(settings, {lane.name: lane.tracker for lane, _ in lanes}, hot, parts.clock)
    stages = build_stages(settings, parts, turns, parts.layout(settings))
    warn_of_too_many_threads(settings)
    live = any(lane.source.live for lane, _ in lanes)
    supervisor = Supervisor(when != "never", clock=parts.clock) if live else None
    session = Session([lane for lane, _ in lanes], stages, clock=parts.clock, supervisor=supervisor)
    openings.lanes = session.lanes
    turns.follow_load_of(session)
    for lane, (_, names) in zip(session.lanes, lanes):
        names.lane = lane
    return session


def build_stages(
    settings: Settings, parts: Parts = PROGRAM, turns: DetectionTurns = EVERY_FRAME, layout: Layout = ONE_OF_EACH
) -> List[StageSpec]:
    """Return the stages that frames of the cameras of `settings` take. Raises FerEdgeError for what cannot be built."""
    wanted = {camera.name: camera.detector or settings.analysis.detector for camera in settings.cameras}
    asked = settings.analysis
    # What is not to be seen is looked for beyond what is to be read.
    looked_for = settings.changed(min_score=min(asked.min_score, LEAST_SCORE)) if asked.blur else settings
    detectors: Dict[str, Callable[[], FaceDetector]] = {}
    for camera, name in wanted.items():
        with settings.located(f"camera.{camera}.detector"):
            if name not in detectors:
                detectors[name] = parts.detector(looked_for, name)
    with settings.located("model"):
        classifier = parts.classifier(settings)
    of_cameras = {name: detectors[detector] for name, detector in wanted.items()}
    return parts.stages(settings, of_cameras, classifier, turns, layout)


class _Names:
    """Knows under which names the camera of a lane can be opened again."""

    lane: Optional[Lane] = None

    def __call__(self) -> Sequence[str]:
        info = self.lane.info if self.lane is not None else None
        return info.names if info is not None else ()


def _reconnection(
    settings: Settings,
    parts: Parts,
    camera: CameraSettings,
    openings: _FirstOpenings,
    names: Callable[[], Sequence[str]],
) -> Reconnection:
    when = settings.run.reconnect

    def reopened() -> Source:
        return searched(parts.source(settings, camera, True, names()), settings, camera)

    return Reconnection(
        reopened if when != "never" else None,
        (lambda: True) if when == "always" else lambda: openings.wait_for(camera.name),
        clock=parts.clock,
        camera=camera.name if len(settings.cameras) > 1 else "",
    )


class _FirstOpenings:
    """Decides whether a camera that is missing at the start is waited for: while another one works, or still may."""

    def __init__(self) -> None:
        self.lanes: Sequence[Lane] = ()
        self._missing: Set[str] = set()

    def wait_for(self, name: str) -> bool:
        """Note that a camera could not be opened, and return whether it is tried again."""
        self._missing.add(name)
        return any(not one.ended and (one.latest is not None or one.name not in self._missing) for one in self.lanes)
