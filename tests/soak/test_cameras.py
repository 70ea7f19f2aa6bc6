from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.board.state import BoardState
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.service.health import HealthMonitor
from fer_edge.settings import Settings
from fer_edge.soak.cameras import CameraCounts, all_together, counts_by_camera, frames_analysed
from fer_edge.soak.program import series_by_name
from fer_edge.soak.run import Outcome
from fer_edge.soak.verdict import Sample
from fer_edge.soak.watch import Watch
from fer_edge.web.metrics import Metrics


def test_the_series_of_the_programs_own_metrics_are_read_and_added_over_its_cameras() -> None:
    settings = Settings.of(camera=["front=a", "door=b"])
    images = [np.zeros((48, 64, 3), np.uint8)] * 5
    parts = Parts(
        source=lambda _settings, camera, *_: FakeSource(images * (2 if camera.name == "door" else 1)),
        detector=lambda *_: FakeDetector,
        classifier=lambda _settings: FakeClassifier,
    )
    session = build_session(settings, parts)
    assert len(list(session)) == 15
    monitor = HealthMonitor(session.rates, cameras=session.lanes)
    _, page = Metrics(session, monitor.health, BoardState).page()
    figures = series_by_name(page.decode())
    cameras = counts_by_camera(figures)
    assert cameras == {"front": CameraCounts(5, 5, 0, 0, 0), "door": CameraCounts(10, 10, 0, 0, 0)}
    assert all_together(cameras) == CameraCounts(15, 15, 0, 0, 0)
    assert frames_analysed(figures) == 15


def test_before_the_first_answer_there_are_no_frames() -> None:
    assert frames_analysed({}) == 0
    assert all_together({}).balanced


def complaints(figures: Dict[str, float]) -> List[str]:
    nothing: Any = None
    watch = Watch(nothing, 300.0)
    watch.figures = figures
    watch.samples = [Sample(float(second), 1000 * second, 100.0, 9, 9, 0) for second in range(300)]
    return Outcome(watch, 0, "two cameras").complaints


def test_a_camera_whose_frames_are_lost_or_never_analysed_is_named() -> None:
    figures = {
        "fer_edge_frames_captured_total front": 9.0,
        "fer_edge_frames_total front emitted": 9.0,
        "fer_edge_frames_total front dropped": 0.0,
        "fer_edge_frames_in_flight front": 0.0,
        "fer_edge_frames_captured_total door": 2.0,
        "fer_edge_frames_total door emitted": 1.0,
        "fer_edge_frames_total door dropped": 0.0,
        "fer_edge_frames_in_flight door": 1.0,
        "fer_edge_source_reconnects_total door": 4.0,
    }
    assert complaints(figures) == []
    (lost,) = complaints({**figures, "fer_edge_frames_in_flight door": 0.0})
    assert lost == "frames of the camera door were lost: 2 captured, 1 emitted, 0 dropped"
    silent = {"fer_edge_frames_total door emitted": 0.0, "fer_edge_frames_in_flight door": 2.0}
    assert complaints({**figures, **silent}) == ["no frame of the camera door was analysed"]
