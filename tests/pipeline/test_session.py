"""A session of one camera, with real threads."""

from __future__ import annotations

import threading
import time
from typing import Callable, List, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sessions import FACE, Gate, Numbered, faces_apart, session_of

from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.errors import SourceTruncated, StageFailed, UsageError
from fer_edge.pipeline.mailbox import Closed
from fer_edge.types import Expression, Face, Image


def test_every_frame_of_a_file_is_analysed_once_and_in_order() -> None:
    source = Numbered(50)
    watched = session_of(source)
    observations = list(watched)
    assert [observation.frame.index for observation in observations] == list(range(50))
    assert [int(observation.frame.image[0, 0, 0]) for observation in observations] == list(range(1, 51))
    assert all(observation.faces[0].expression.label == "happy" for observation in observations)
    balance = watched.balance()
    assert (balance.captured, balance.emitted, balance.dropped, balance.in_flight) == (50, 50, 0, 0)
    assert source.closed


def test_a_slow_consumer_of_a_live_source_gets_new_frames_and_the_old_ones_count_as_dropped() -> None:
    watched = session_of(Numbered(None, live=True))
    with watched:
        watched.take(5)
        before = watched.lanes[0].latest
        assert before is not None
        deadline = time.monotonic() + 5
        while watched.balance().captured < before.index + 50 and time.monotonic() < deadline:
            watched.wait_for_news(0.1)
        # Three may have been under way before: one in each mailbox behind the drop, one in the stage.
        indices = [observation.frame.index for observation in (watched.take(5) for _ in range(4)) if observation]
        assert indices == sorted(set(indices))
        assert indices[-1] > before.index + 10
    balance = watched.balance()
    assert balance.in_flight == 0
    assert balance.dropped > 0
    assert balance.captured == balance.emitted + balance.dropped


def test_a_blocked_detector_does_not_hold_up_the_live_picture() -> None:
    gate = Gate()
    watched = session_of(Numbered(None, live=True), lambda: gate)
    with watched:
        assert gate.waiting.wait(5)
        first = watched.lanes[0].latest
        assert first is not None
        deadline = time.monotonic() + 5
        while watched.balance().captured < first.index + 100 and time.monotonic() < deadline:
            watched.wait_for_news(0.1)
        latest = watched.lanes[0].latest
        assert latest is not None
        assert latest.index >= first.index + 99
        gate.open.set()


@given(st.integers(0, 40), st.booleans(), st.integers(0, 45))
@settings(deadline=None, max_examples=30)
def test_captured_is_always_emitted_plus_dropped_and_nothing_is_under_way_after_the_end(
    count: int, live: bool, stop_after: int
) -> None:
    watched = session_of(Numbered(count, live=live))
    for number, _ in enumerate(watched):
        seen = watched.balance()
        assert seen.captured == seen.emitted + seen.dropped + seen.in_flight
        if number >= stop_after:
            break
    watched.stop()
    balance = watched.balance()
    assert balance.in_flight == 0
    assert balance.captured == balance.emitted + balance.dropped
    if not live and stop_after > count:
        assert balance.emitted == count


def test_an_error_of_the_source_comes_after_the_frames_before_it() -> None:
    watched = session_of(Numbered(7, error=SourceTruncated("cut off")))
    seen = []
    with pytest.raises(SourceTruncated, match="cut off"):
        for observation in watched:
            seen.append(observation.frame.index)
    assert seen == list(range(7))
    assert watched.balance().in_flight == 0


@pytest.mark.parametrize("where", ["detector", "classifier", "building the detector", "building the classifier"])
def test_an_error_in_a_stage_ends_everything_and_names_the_stage(where: str) -> None:
    class Broken(FaceDetector):
        def detect(self, image: Image) -> Tuple[Face, ...]:
            raise ZeroDivisionError("of the library")

    class BrokenClassifier(FakeClassifier):
        def classify(self, crops: np.ndarray) -> Tuple[Expression, ...]:
            raise ZeroDivisionError("of the library")

    def refuse() -> FaceDetector:
        raise ZeroDivisionError("of the library")

    builders: dict[str, Tuple[Callable, Callable]] = {
        "detector": (Broken, FakeClassifier),
        "classifier": (lambda: FakeDetector([FACE]), BrokenClassifier),
        "building the detector": (refuse, FakeClassifier),
        "building the classifier": (lambda: FakeDetector([FACE]), refuse),
    }
    watched = session_of(Numbered(None, live=True), *builders[where])
    with pytest.raises(StageFailed, match="detect" if "detector" in where else "classify") as caught:
        list(watched)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert watched.balance().in_flight == 0


def test_backends_are_built_used_and_closed_in_the_thread_of_their_stage() -> None:
    threads: dict[str, set[str]] = {"detector": set(), "classifier": set()}
    closed: List[str] = []

    class Detector(FakeDetector):
        def __init__(self) -> None:
            super().__init__([FACE])
            threads["detector"].add(threading.current_thread().name)

        def detect(self, image: Image) -> Tuple[Face, ...]:
            threads["detector"].add(threading.current_thread().name)
            return super().detect(image)

        def close(self) -> None:
            threads["detector"].add(threading.current_thread().name)
            closed.append("detector")

    class Classifier(FakeClassifier):
        def __init__(self) -> None:
            super().__init__()
            threads["classifier"].add(threading.current_thread().name)

        def close(self) -> None:
            threads["classifier"].add(threading.current_thread().name)
            closed.append("classifier")

    list(session_of(Numbered(3), Detector, Classifier))
    assert sorted(closed) == ["classifier", "detector"]
    assert threads == {"detector": {"fer-edge-detect"}, "classifier": {"fer-edge-classify"}}


def test_all_faces_of_a_frame_go_through_the_classifier_in_one_batch() -> None:
    batches = []

    class Counting(FakeClassifier):
        def classify(self, crops: np.ndarray) -> Tuple[Expression, ...]:
            batches.append(crops.shape)
            return super().classify(crops)

    list(session_of(Numbered(4), lambda: FakeDetector(faces_apart(5)), Counting))
    assert batches == [(5, 64, 64, 3)] * 4


def test_a_frame_without_faces_is_still_observed() -> None:
    observations = list(session_of(Numbered(3), FakeDetector))
    assert [observation.faces for observation in observations] == [(), (), ()]


def test_stopping_while_nobody_takes_anything_joins_every_thread() -> None:
    watched = session_of(Numbered(None))
    before = set(threading.enumerate())
    watched.start()
    watched.take(5)
    watched.stop()
    assert set(threading.enumerate()) == before
    with pytest.raises(Closed):
        watched.take(0)
    assert watched.balance().in_flight == 0


def test_a_session_runs_once_and_says_so_the_second_time() -> None:
    watched = session_of(Numbered(3))
    assert len(list(watched)) == 3
    with pytest.raises(UsageError, match="run already"):
        list(watched)


def test_every_stage_says_how_long_it_took_and_how_long_the_frame_waited() -> None:
    observation = next(iter(session_of(Numbered(3))))
    assert set(observation.times) == {"capture", "detect", "classify"}
    assert all(time.service >= 0 and time.queue_wait >= 0 for time in observation.times.values())


def test_the_figures_count_every_result_and_say_nothing_of_a_classifier_that_had_nothing_to_do() -> None:
    watched = session_of(Numbered(10))
    list(watched)
    assert watched.meter.latency().count == 10
    assert watched.meter.counts() == {"capture": 10, "detect": 10, "classify": 10}
    assert watched.rates().total > 0
    assert watched.rates().stages["classification"].capacity > 0
    nobody = session_of(Numbered(10), FakeDetector)
    list(nobody)
    assert nobody.rates().total > 0
    assert nobody.rates().stages["classification"].capacity == 0


def test_waiting_for_news_waits_once_for_each() -> None:
    watched = session_of(Numbered(1))
    with watched:
        assert watched.take(5) is not None
        with pytest.raises(Closed):
            watched.take(5)
    assert watched.wait_for_news(0.05)
    assert not watched.wait_for_news(0.05)


@pytest.mark.parametrize("slow", ["detector", "classifier"])
def test_no_frame_is_captured_before_detector_and_classifier_are_built(slow: str) -> None:
    go = threading.Event()

    def detector() -> FaceDetector:
        assert slow != "detector" or go.wait(20)
        return FakeDetector([FACE])

    def classifier() -> ExpressionClassifier:
        assert slow != "classifier" or go.wait(20)
        return FakeClassifier()

    watched = session_of(Numbered(None, live=True), detector, classifier)
    with watched:
        assert watched.take(0.2) is None
        assert watched.balance().captured == 0
        assert not watched.ready
        go.set()
        assert watched.take(10) is not None
        assert watched.ready


def test_stopping_while_an_engine_is_still_being_built_is_an_ordinary_end() -> None:
    source, done = Numbered(None, live=True), threading.Event()

    def slow() -> ExpressionClassifier:
        done.wait(20)
        return FakeClassifier()

    watched = session_of(source, lambda: FakeDetector([FACE]), slow)
    with watched:
        assert watched.take(0.3) is None
    try:
        assert source.closed == 1
        assert watched.balance().captured == 0
    finally:
        done.set()
