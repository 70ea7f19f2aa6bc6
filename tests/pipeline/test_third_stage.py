"""A stage is one spec in a list: whoever shows, counts or measures stages goes through it."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Sequence

from failing_cameras import until
from small_sessions import FACE, Numbered, assert_balanced

from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.app.stages import stage_list
from fer_edge.board.state import BoardState
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.service.health import HealthMonitor
from fer_edge.settings import CameraSettings, Settings
from fer_edge.types import Observation
from fer_edge.web.metrics import Metrics


class Count(StageWork):
    """Counts heads."""

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        return [replace(one, faces=one.faces[:1]) for one in observations]

    def facts(self) -> Mapping[str, object]:
        return {"counts": "heads"}


def a_session(frames: int) -> Session:
    parts = Parts(
        source=lambda settings, camera, paced, names: Numbered(frames),
        detector=lambda settings, name: lambda: FakeDetector([FACE, FACE]),
        classifier=lambda settings: FakeClassifier,
        stages=lambda *asked: [*stage_list(*asked), StageSpec("count", "counting", Count)],
    )
    cameras = (CameraSettings("front", "front.mp4"), CameraSettings("door", "door.mp4"))
    return build_session(replace(Settings.of(), cameras=cameras), parts)


def test_a_stage_that_is_added_to_the_list_is_shown_counted_and_measured_everywhere() -> None:
    session = a_session(20)
    monitor = HealthMonitor(session.rates, session.troubles, cameras=session.lanes)
    metrics = Metrics(session, monitor.health, BoardState)
    with session:
        until(lambda: session.queue_ages("door")["count"] > 0)
        observation = session.take(20)
        assert observation is not None
        assert len(observation.faces) == 1, "the stage does its work"
        assert list(observation.times) == ["capture", "detect", "classify", "count"]
        for _ in range(39):
            session.take(20)
        monitor.frame_analysed("front")
        page = metrics.page()[1].decode()
        health = monitor.health().to_json()
    assert list(session.rates().stages) == ["detection", "classification", "counting"]
    assert session.lane("front").rates().stages["counting"].capacity > 0
    assert session.meter.counts()["count"] == 40
    assert session.facts()["count"] == {"counts": "heads"}
    assert session.facts()["classify"]["provider"] == "none"
    assert list(session.queue_ages("front")) == ["detect", "classify", "count", "emit"]
    assert health["fps"]["counting"] > 0
    assert "counting" in health["cameras"]["door"]["fps"]
    assert 'fer_edge_stage_seconds_count{camera="door",stage="count"} 20.0' in page
    assert 'fer_edge_fps{camera="door",figure="counting"}' in page
    assert 'fer_edge_queue_age_seconds{camera="door",stage="count"}' in page
    assert 'fer_edge_stage_restarts_total{stage="count"} 0.0' in page
    assert_balanced(session)
