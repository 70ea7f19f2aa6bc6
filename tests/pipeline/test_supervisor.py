from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Iterator, List, Optional, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify.base import FakeClassifier
from fer_edge.detect.base import FaceDetector, FakeDetector
from fer_edge.errors import FerEdgeError, SourceNotFound, SourceStalled, SourceUnreadable, StageFailed
from fer_edge.pipeline import intake, stage
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.pipeline.retry import Backoff, RestartLimit
from fer_edge.pipeline.shift import Call
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.types import Box, Face, Image

FACE = Face(
    Box(20, 20, 60, 60),
    0.9,
    {"right_eye": (38.0, 45.0), "left_eye": (62.0, 45.0), "nose": (50.0, 56.0), "mouth": (50.0, 68.0)},
)


class Camera(Source):
    """Gives pictures at about 200 a second, until what it was told to do after `frames` of them."""

    def __init__(self, frames: Optional[int] = None, then: Callable[[], Optional[bool]] = lambda: False) -> None:
        self._frames = frames
        self._then = then
        self._given = 0
        self.closed = threading.Event()

    def open(self) -> SourceInfo:
        if self._frames == 0:
            self._then()
        return SourceInfo("camera", 100, 100, 0)

    def grab(self) -> Optional[bool]:
        if self._frames is not None and self._given >= self._frames:
            return self._then()
        time.sleep(0.005)
        self._given += 1
        return True

    def retrieve(self) -> Image:
        return np.full((100, 100, 3), self._given % 256, np.uint8)

    def close(self) -> None:
        self.closed.set()


def fail() -> bool:
    raise SourceStalled("The camera was unplugged.")


def missing() -> bool:
    raise SourceNotFound("There is no camera.")


@pytest.fixture
def hang() -> Iterator[Callable[[], bool]]:
    """Give a call that does not return before the test ends."""
    end = threading.Event()

    def call() -> bool:
        end.wait(30)
        return False

    yield call
    end.set()


def supervised(
    cameras: List[Source],
    from_the_start: bool = False,
    detector: Callable[[], FaceDetector] = lambda: FakeDetector([FACE]),
    **more: Any,
) -> Tuple[Pipeline, Supervisor]:
    rest = iter(cameras)
    supervisor = Supervisor(lambda: next(rest), from_the_start, Backoff(0.01, 0.05), **more)
    return Pipeline(next(rest), detector, FakeClassifier, supervisor=supervisor), supervisor


def watch(pipeline: Pipeline, count: int, seconds: float = 10.0) -> List[int]:
    """Take observations, as the program's loop does."""
    seen: List[int] = []
    deadline = time.monotonic() + seconds
    while len(seen) < count and time.monotonic() < deadline:
        pipeline.look_after()
        observation = pipeline.take(0.02)
        if observation is not None:
            seen.append(observation.frame.index)
    assert len(seen) == count, f"{len(seen)} frames came within {seconds} s"
    return seen


def assert_balanced(pipeline: Pipeline) -> None:
    balance = pipeline.balance()
    assert balance.captured == balance.emitted + balance.dropped
    assert balance.in_flight == 0


@pytest.mark.parametrize("then", [fail, lambda: False], ids=["fails", "ends"])
def test_a_source_that_fails_or_ends_is_opened_anew_and_frame_numbers_go_on(then: Callable[[], bool]) -> None:
    cameras = [Camera(5, then), Camera(0, missing), Camera(0, missing), Camera()]
    pipeline, supervisor = supervised(list(cameras))
    with pipeline:
        seen = watch(pipeline, 30)
    assert seen == sorted(set(seen))
    assert supervisor.incidents().reconnects == 1
    assert supervisor.source_trouble() == ""
    assert all(camera.closed.is_set() for camera in cameras)
    assert_balanced(pipeline)


def test_a_source_that_cannot_be_opened_at_the_start_ends_the_run_unless_it_is_to_be_waited_for() -> None:
    pipeline, _ = supervised([Camera(0, missing), Camera()])
    with pipeline, pytest.raises(SourceNotFound):
        watch(pipeline, 1)
    pipeline, _ = supervised([Camera(0, missing), Camera(0, missing), Camera()], from_the_start=True)
    with pipeline:
        watch(pipeline, 3)


def test_a_source_whose_driver_hangs_is_abandoned_with_its_thread(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(intake, "GRAB_LIMIT", 0.2)
    pipeline, supervisor = supervised([Camera(5, hang), Camera()])
    with pipeline:
        seen = watch(pipeline, 30)
        assert supervisor.incidents().hung == 1
        assert any("hangs in a driver" in trouble for trouble in supervisor.troubles())
    assert seen == sorted(set(seen))
    assert_balanced(pipeline)


def test_a_picture_that_never_changes_is_a_fault_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    class Frozen(Camera):
        def retrieve(self) -> Image:
            return np.full((100, 100, 3), 7, np.uint8)

    class Impatient(intake.FrozenPicture):
        def __init__(self, clock: Callable[[], float]) -> None:
            super().__init__(clock, 0.2)

    monkeypatch.setattr(intake, "FrozenPicture", Impatient)
    pipeline, supervisor = supervised([Frozen(), Camera()])
    with pipeline:
        deadline = time.monotonic() + 10
        while not supervisor.incidents().reconnects and time.monotonic() < deadline:
            watch(pipeline, 1)
        watch(pipeline, 20)
    assert supervisor.incidents().reconnects == 1


def test_a_stage_that_raises_is_built_anew_and_loses_one_frame() -> None:
    built: List[FaceDetector] = []

    class Fragile(FakeDetector):
        def __init__(self) -> None:
            super().__init__([FACE])
            built.append(self)
            self.closed = False

        def detect(self, image: Image) -> Tuple[Face, ...]:
            if len(built) == 1:
                raise ZeroDivisionError("of the library")
            return super().detect(image)

        def close(self) -> None:
            self.closed = True

    pipeline, supervisor = supervised([Camera()], detector=Fragile)
    with pipeline:
        watch(pipeline, 10)
        assert supervisor.incidents().restarts == {"detect": 1}
        assert any("the detect stage was built anew" in trouble for trouble in supervisor.troubles())
    assert len(built) == 2
    assert all(detector.closed for detector in built)
    assert_balanced(pipeline)


def test_a_stage_that_keeps_failing_ends_the_program_with_its_own_error_after_five_times() -> None:
    built: List[FaceDetector] = []

    class Broken(FakeDetector):
        def __init__(self) -> None:
            built.append(self)

        def detect(self, image: Image) -> Tuple[Face, ...]:
            raise ZeroDivisionError("of the library")

    pipeline, _ = supervised([Camera()], detector=Broken)
    with pipeline, pytest.raises(StageFailed, match="ZeroDivisionError"):
        watch(pipeline, 1)
    assert len(built) == 6
    assert_balanced(pipeline)


def test_what_cannot_be_built_the_first_time_is_not_tried_again() -> None:
    tries = []

    def refuse() -> FaceDetector:
        tries.append(1)
        raise FerEdgeError("no such model")

    pipeline, _ = supervised([Camera()], detector=refuse)
    with pipeline, pytest.raises(FerEdgeError, match="no such model"):
        watch(pipeline, 1)
    assert len(tries) == 1


def test_a_stage_that_hangs_is_replaced_and_what_it_brings_later_is_void(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "FIRST_LIMIT", 0.3)
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.3)
    wake, woke = threading.Event(), threading.Event()
    built: List[FaceDetector] = []

    class Hanging(FakeDetector):
        def __init__(self) -> None:
            super().__init__([FACE])
            built.append(self)
            self._calls = 0

        def detect(self, image: Image) -> Tuple[Face, ...]:
            self._calls += 1
            if self is built[0] and self._calls == 4:
                wake.wait(20)
            return super().detect(image)

        def close(self) -> None:
            if self is built[0]:
                woke.set()

    pipeline, supervisor = supervised([Camera()], detector=Hanging)
    with pipeline:
        first = watch(pipeline, 20)
        assert supervisor.incidents().restarts == {"detect": 1}
        wake.set()
        assert woke.wait(5)
        seen = first + watch(pipeline, 10)
    assert seen == sorted(set(seen))
    assert_balanced(pipeline)


def test_a_stop_leaves_a_hanging_thread_behind_and_counts_what_it_had_as_dropped() -> None:
    wake, entered = threading.Event(), threading.Event()

    class Hanging(FakeDetector):
        def detect(self, image: Image) -> Tuple[Face, ...]:
            entered.set()
            wake.wait(20)
            return ()

    pipeline, _ = supervised([Camera()], detector=Hanging)
    with pipeline:
        assert entered.wait(10)
    wake.set()
    assert_balanced(pipeline)


class Spoiling(Camera):
    """Gives pictures of which some cannot be decoded."""

    def __init__(self, whole: Callable[[int], bool]) -> None:
        super().__init__()
        self._whole = whole

    def retrieve(self) -> Image:
        if not self._whole(self._given):
            raise SourceUnreadable("The camera gave a picture that cannot be decoded.")
        return super().retrieve()


def test_single_pictures_that_cannot_be_decoded_are_left_out_and_counted() -> None:
    pipeline, supervisor = supervised([Spoiling(lambda number: number % 3 != 0)])
    with pipeline:
        seen = watch(pipeline, 30)
    assert seen == sorted(set(seen))
    assert supervisor.incidents().spoiled >= 10
    assert supervisor.incidents().reconnects == 0
    assert_balanced(pipeline)


def test_a_source_of_which_no_picture_can_be_decoded_any_more_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(intake.SpoiledPictures):
        def __init__(self, clock: Callable[[], float]) -> None:
            super().__init__(clock, 0.2)

    monkeypatch.setattr(intake, "SpoiledPictures", Impatient)
    pipeline, supervisor = supervised([Spoiling(lambda number: number < 5), Camera()])
    with pipeline:
        watch(pipeline, 30)
    assert supervisor.incidents().reconnects == 1
    assert_balanced(pipeline)


def test_a_network_that_gives_no_numbers_is_built_anew() -> None:
    built: List[FakeClassifier] = []

    class Overheated(FakeClassifier):
        def __init__(self) -> None:
            super().__init__((0, 0, 0, 1 if built else np.nan, 0, 0, 0))
            built.append(self)

    supervisor = Supervisor(Camera)
    pipeline = Pipeline(Camera(), lambda: FakeDetector([FACE]), Overheated, supervisor=supervisor)
    with pipeline:
        watch(pipeline, 5)
    assert supervisor.incidents().restarts == {"classify": 1}
    assert_balanced(pipeline)


def test_a_stop_of_the_whole_process_does_not_look_like_a_hang(hang: Callable[[], bool]) -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])

    class Busy:
        name = "busy"
        shift = stage.Shift("busy", lambda shift: None)

        def relieve(self, error: BaseException) -> None:
            raise AssertionError("it was given up")

    post = Busy()
    post.shift.call = Call("call", 10.0)
    for _ in range(4):
        supervisor.look([post])
        now[0] += 0.25
    now[0] += 86400
    supervisor.look([post])
    assert not post.shift.given_up
    with pytest.raises(AssertionError, match="given up"):
        for _ in range(50):
            now[0] += 0.25
            supervisor.look([post])


def test_each_change_of_state_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    pipeline, _ = supervised([Camera(5, fail), Camera()])
    with pipeline:
        watch(pipeline, 20)
    events = [record.event for record in caplog.records if hasattr(record, "event")]
    assert events == ["source_lost", "source_back"]


def test_stopping_while_the_source_is_waited_for_is_quick() -> None:
    pipeline, supervisor = supervised([Camera(0, missing)] + [Camera(0, missing) for _ in range(200)], True)
    with pipeline:
        assert pipeline.take(0.2) is None
        assert "There is no camera" in supervisor.source_trouble()
        began = time.monotonic()
    assert time.monotonic() - began < 1.5
    with pytest.raises(Closed):
        pipeline.take(0)


@given(
    st.floats(0.01, 10), st.floats(0.01, 100), st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 29)
)
def test_delays_grow_to_a_limit_are_never_below_half_of_it_and_begin_anew(
    first: float, most: float, draws: List[float], reset_at: int
) -> None:
    most = max(first, most)
    numbers = iter(draws)
    backoff = Backoff(first, most, lambda: next(numbers))
    full = first
    for number in range(len(draws)):
        if number == reset_at:
            backoff.reset()
            full = first
        assert full * 0.5 <= backoff.next() <= full
        full = min(2 * full, most)


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_period_ever_holds_more_restarts_than_the_limit(gaps: List[float], most: int) -> None:
    now = [0.0]
    limit = RestartLimit(most, 60.0, lambda: now[0])
    allowed: List[float] = []
    for gap in gaps:
        now[0] += gap
        if limit.allow():
            allowed.append(now[0])
        assert sum(now[0] - at < 60.0 for at in allowed) <= most
        assert len(allowed) > 0


def test_what_is_said_of_a_lost_source_is_why_it_cannot_be_opened_now() -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])
    supervisor.source_found()
    supervisor.source_lost(SourceStalled("The camera was unplugged."))
    now[0] = 7.0
    supervisor.source_lost(SourceNotFound("There is no camera."))
    assert supervisor.source_trouble() == "the source is lost since 7 s: There is no camera."


def test_the_end_of_a_loss_that_was_told_is_told_however_many_attempts_it_took(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])
    supervisor.source_found()
    for attempts in range(1, 10):
        now[0] += 100.0
        supervisor.source_found()
        now[0] += 100.0
        caplog.clear()
        for _ in range(attempts):
            supervisor.source_lost(SourceNotFound("There is no camera."))
        supervisor.source_found()
        assert "the source is back" in caplog.messages[-1], attempts


def test_a_source_that_comes_and_goes_is_opened_ever_more_seldom_and_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, backoff=Backoff(0.5, 10.0, lambda: 1.0), clock=lambda: now[0])
    supervisor.source_found()
    delays = []
    for _ in range(100):
        now[0] += 1.0
        delay = supervisor.source_lost(None)
        assert delay is not None
        delays.append(delay)
        now[0] += delay
        supervisor.source_found()
    assert delays[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert len(caplog.records) < 20
    now[0] += 60.0
    assert supervisor.source_lost(None) == 0.5
    assert caplog.records[-1].levelname == "WARNING"
