from __future__ import annotations

from contextlib import closing
from typing import Iterator, List

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.detect import open_detector
from fer_edge.detect.base import FaceDetector
from fer_edge.errors import UsageError


class ManualClock:
    """A clock that moves only when somebody sleeps on it, or when a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: List[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.mark.parametrize("faces", range(1, 9))
def test_no_frame_of_the_demo_equals_the_one_before(faces: int) -> None:
    with DemoSource(faces, CaptureSettings(width=320, height=240)) as source:
        frames = [source.render(i) for i in range(200)]
    for before, after in zip(frames, frames[1:]):
        moved = np.count_nonzero(before.astype(int) - after)
        assert moved > 0
    assert sum(np.count_nonzero(a != b) > a.size // 4 for a, b in zip(frames, frames[1:])) > 150


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceDetector]:
    # For the whole module: ONNX Runtime may keep files of its own open from its first session on.
    with closing(open_detector("blazeface", threads=1, min_score=0.5)) as found:
        yield found


@pytest.mark.parametrize("faces", range(1, 9))
def test_the_default_detector_finds_every_face_of_the_demo_at_every_moment(faces: int, detector: FaceDetector) -> None:
    with DemoSource(faces, CaptureSettings(paced=False)) as source:
        found = [len(detector.detect(source.render(index))) for index in range(0, 600, 37)]
    assert set(found) == {faces}


def test_two_runs_of_the_demo_give_the_same_frames() -> None:
    with DemoSource(3, CaptureSettings(paced=False)) as first, open_source(
        "demo:3", CaptureSettings(paced=False)
    ) as second:
        for _ in range(20):
            assert first.grab() is True
            assert second.grab() is True
            np.testing.assert_array_equal(first.retrieve(), second.retrieve())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.integers(16, 700), st.integers(16, 700), st.integers(0, 10**6))
def test_the_demo_fills_every_frame_of_any_size(faces: int, width: int, height: int, index: int) -> None:
    with DemoSource(faces, CaptureSettings(width=width, height=height)) as source:
        frame = source.render(index)
    assert frame.shape == (height, width, 3)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous


def test_a_paced_demo_keeps_its_rate_without_drift_though_each_frame_takes_time() -> None:
    clock = ManualClock()
    stamps = []
    with DemoSource(1, CaptureSettings(fps=25), clock, clock.sleep) as source:
        assert source.live
        assert not source.on_demand
        for _ in range(101):
            assert source.grab() is True
            stamps.append(clock.now)
            clock.now += 0.013
    assert stamps == pytest.approx([100 + i / 25 for i in range(101)])


def test_a_paced_demo_leaves_out_what_it_missed_as_a_camera_does() -> None:
    clock = ManualClock()
    with DemoSource(1, CaptureSettings(fps=10), clock, clock.sleep) as source:
        source.grab()
        clock.now += 1.05
        assert source.grab() is True
        assert clock.now == pytest.approx(101.05)
        assert source.grab() is True
        assert clock.now == pytest.approx(101.1)


def test_a_slow_demo_never_waits_longer_than_half_a_second_at_a_time() -> None:
    clock = ManualClock()
    with DemoSource(1, CaptureSettings(fps=0.5), clock, clock.sleep) as source:
        assert [source.grab() for _ in range(5)] == [True, None, None, None, True]
    assert max(clock.sleeps) <= 0.5


def test_an_unpaced_demo_never_waits_and_gives_frames_on_demand() -> None:
    clock = ManualClock()
    with DemoSource(1, CaptureSettings(paced=False), clock, clock.sleep) as source:
        assert source.on_demand
        assert not source.live
        assert all(source.grab() for _ in range(50))
    assert clock.sleeps == []


@pytest.mark.parametrize("text", ["demo:0", "demo:9"])
def test_a_number_of_faces_out_of_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(UsageError, match="demo:8"):
        open_source(text)
