from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_edge.app.layout import Layout
from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.app.stages import stage_list
from fer_edge.benchmark.processor import Work
from fer_edge.benchmark.report import result_of
from fer_edge.benchmark.run import BenchmarkOptions, run_benchmark
from fer_edge.benchmark.scenario import Protocol, measure
from fer_edge.benchmark.text import to_text
from fer_edge.capture.base import Source
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.errors import SourceNotFound, SourceUnreadable
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.settings import CameraSettings, Settings
from fer_edge.types import Box, Expression, Face, Observation

FACE = Face(Box(20, 20, 60, 60), 0.9, {"right_eye": (38.0, 45.0), "left_eye": (62.0, 45.0)})
FACTS: Dict[str, Any] = {
    "sha256": "0" * 64,
    "threads": 1,
    "detect_threads": 1,
    "rss_peak_mb": None,
    "temperature_c": None,
    "slowed_by_heat": None,
}


def session(sources: Mapping[str, Source], **parts: Any) -> Session:
    """A session of the program's own stages and cameras that are made up; one called ``front`` sees a face."""
    cameras = tuple(CameraSettings(name=name, source="", detector=name) for name in sources)
    settings = replace(Settings.of(display="none"), cameras=cameras)
    fakes: Dict[str, Any] = {
        "source": lambda _settings, camera, _paced, _names: sources[camera.name],
        "detector": lambda _settings, name: lambda: FakeDetector([FACE] if name == "front" else []),
        "classifier": lambda _settings: FakeClassifier,
    }
    return build_session(settings, Parts(**{**fakes, **parts}), paced=False)


def endless() -> FakeSource:
    return FakeSource([np.zeros((100, 100, 3), np.uint8)], repeat=True)


def test_a_real_run_is_measured_and_its_frames_balance() -> None:
    source = FakeSource([np.zeros((48, 64, 3), np.uint8)] * 400)
    measurement = measure(session({"hall": source}), Protocol(warm_up=0.01, duration=5, frames=50))
    assert len(measurement.samples) == 50
    balance = measurement.cameras["hall"].balance
    assert balance.captured == balance.emitted + balance.dropped + balance.in_flight
    assert balance.emitted == 50


def test_frames_of_the_warm_up_do_not_count_and_the_latency_is_that_of_the_whole_chain() -> None:
    now = [100.0]

    class Slow(FakeClassifier):
        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            now[0] += 0.125
            return super().classify(crops)

    def clock() -> float:
        return now[0]

    protocol = Protocol(warm_up=5.0, duration=1000, frames=50)
    slow = session({"front": endless()}, classifier=lambda _settings: Slow, clock=clock)
    measurement = measure(slow, protocol, clock=clock)
    assert measurement.samples[0].emitted_at >= 105.0
    assert min(sample.latency for sample in measurement.samples) >= 0.125
    # A few were finished before and taken after, at both ends.
    assert 45 <= measurement.cameras["front"].finished["classify"] <= 55
    assert measurement.cameras["front"].balance.emitted == 50


def test_cameras_that_share_the_stages_are_measured_each_and_together() -> None:
    measurement = measure(session({"front": endless(), "door": endless()}), Protocol(0.01, 60, 100))
    result = result_of(measurement, "x", FACTS)
    front, door = result["cameras"]["front"], result["cameras"]["door"]
    assert (front["faces_per_frame"], door["faces_per_frame"]) == (1, 0)
    assert front["frames"]["emitted"] + door["frames"]["emitted"] == result["frames"]["emitted"] == 100
    for camera in (front, door):
        frames = camera["frames"]
        assert frames["emitted"] >= 10, "none of them starves"
        assert frames["captured"] == frames["emitted"] + frames["dropped"] + frames["in_flight"]


def test_a_stage_that_nobody_heard_of_is_in_the_report_by_itself() -> None:
    class Shade(StageWork):
        def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
            return observations

        def facts(self) -> Mapping[str, object]:
            return {"provider": "a shader"}

    def stages(*given: Any) -> List[StageSpec]:
        return [*stage_list(*given), StageSpec("shade", "shading", Shade, workers=2)]

    measurement = measure(session({"front": endless()}, stages=stages), Protocol(0, 60, 20))
    result = result_of(measurement, "x", FACTS)
    assert list(result["stages"]) == ["capture", "detect", "classify", "shade"]
    assert result["stages"]["shade"]["provider"] == "a shader"
    assert result["fps"]["shading"] > 0
    assert result["fps"]["shading_achieved"] > 0
    text = to_text({"environment": {}, "protocol": {}, "results": [result]})
    assert "FPS shading" in text.splitlines()[0]
    assert "shade" in [line.partition(" ")[0] for line in text.splitlines()]


def test_a_camera_that_is_lost_while_it_is_measured_comes_back_and_that_is_told() -> None:
    measuring = threading.Event()

    class Cable(FakeSource):
        def grab(self) -> Optional[bool]:
            if measuring.is_set() and len(opened) == 1:
                raise SourceUnreadable("The cable is out.", "Put it in.")
            return super().grab()

    opened: List[Source] = []

    def source(*_given: Any) -> Source:
        opened.append(Cable([np.zeros((48, 64, 3), np.uint8)], live=True, fps=100, repeat=True))
        return opened[-1]

    def come_back() -> bool:
        return lost.lanes[0].reconnects > 0

    lost = session({"front": endless()}, source=source)
    measurement = measure(
        lost, Protocol(0, 60), lambda phase, _share: measuring.set() if phase == "measuring" else None, come_back
    )
    assert measurement.cameras["front"].reconnects == 1
    result = result_of(measurement, "x", FACTS)
    assert result["incidents"] == {"restarts": {}, "hung": 0, "reconnects": {"front": 1}}


def test_the_processor_time_is_that_of_the_measured_span() -> None:
    work = iter([Work(10.0, wake_ups=100), Work(13.0, wake_ups=190)])
    measurement = measure(session({"front": endless()}), Protocol(0.01, 60, 30), work=lambda _threads: next(work))
    assert (measurement.processor.seconds, measurement.processor.wake_ups) == (3.0, 90)


def test_the_work_of_a_stage_is_told_apart_from_that_of_the_others() -> None:
    class Busy(FakeClassifier):
        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            until = time.thread_time() + 0.01
            while time.thread_time() < until:
                pass
            return super().classify(crops)

    busy = session({"front": endless()}, classifier=lambda _settings: Busy)
    spent = measure(busy, Protocol(0.01, 60, 20)).processor
    assert list(spent.by) == ["capture", "detect", "classify", "caller", "other threads", "child processes"]
    # One of the frames may have been worked on before, in part.
    assert spent.by["classify"] >= 0.17
    assert sum(spent.by.values()) == pytest.approx(spent.seconds, abs=0.01)


def test_the_work_of_all_threads_of_a_stage_is_that_of_the_stage() -> None:
    class Busy(FakeClassifier):
        concurrent = True

        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            at_work.add(threading.get_ident())
            until = time.thread_time() + 0.01
            while time.thread_time() < until:
                pass
            return super().classify(crops)

    at_work: Set[int] = set()
    busy = session({"front": endless()}, classifier=lambda _settings: Busy, layout=lambda _settings: Layout(3))
    measurement = measure(busy, Protocol(0.01, 60, 30))
    assert len(at_work) == 3
    assert [stage.threads for stage in measurement.stages] == [1, 1, 3]
    # Each thread may have worked on a frame before, in part.
    assert measurement.processor.by["classify"] >= 0.26
    assert measurement.processor.by["other threads"] < 0.1


@pytest.mark.parametrize(("concurrent", "threads"), [(True, 6), (False, 2)])
def test_the_threads_of_a_report_are_those_that_classify(concurrent: bool, threads: int) -> None:
    class Made(FakeClassifier):
        pass

    Made.concurrent = concurrent
    parts = Parts(
        source=lambda *_given: endless(),
        detector=lambda *_given: lambda: FakeDetector([FACE]),
        classifier=lambda _settings: Made,
        layout=lambda _settings: Layout(3, 2),
    )
    asked = Settings.of(camera="made-up.mp4", frames=20)
    (result,) = run_benchmark(asked, BenchmarkOptions(("fernet",), warm_up=0.0), parts=parts)["results"]
    assert result["threads"] == threads
    assert result["stages"]["classify"]["threads"] == threads / 2


def test_a_share_of_the_machine_is_one_of_what_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.benchmark.scenario.usable_core_time", lambda: 0.5)
    assert measure(session({"front": endless()}), Protocol(0.01, 60, 10)).cores == 0.5


def test_cores_never_work_longer_than_there_are_cores_to_work() -> None:
    measurement = measure(session({"front": endless(), "door": endless()}), Protocol(0.01, 0.5))
    assert 0 < measurement.processor.seconds <= measurement.elapsed * measurement.cores


def test_a_run_that_is_stopped_gives_what_was_measured_until_then() -> None:
    seen = []

    def stopped() -> bool:
        seen.append(1)
        return len(seen) > 300

    measurement = measure(session({"front": endless()}), Protocol(warm_up=0, duration=1e6), stopped=stopped)
    assert 2 <= len(measurement.samples) <= 300


def test_a_source_that_ends_at_once_is_refused() -> None:
    source = FakeSource([np.zeros((48, 64, 3), np.uint8)])
    with pytest.raises(SourceNotFound, match="before two frames"):
        measure(session({"front": source}), Protocol(warm_up=0, duration=1))
