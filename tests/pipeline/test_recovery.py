"""What a session does when its parts fail, with real threads."""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable, List, Tuple

import numpy as np
import pytest
from failing_cameras import Camera, fail, missing, reopening, supervised, watch
from small_sessions import FACE, assert_balanced

from fer_edge.capture.base import Source
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.errors import FerEdgeError, SourceNotFound, SourceUnreadable, StageFailed
from fer_edge.pipeline import reader, stage
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.supervisor import MOST_HANGING
from fer_edge.types import Face, Image


@pytest.mark.parametrize("then", [fail, lambda: False], ids=["fails", "ends"])
def test_a_source_that_fails_or_ends_is_opened_anew_and_frame_numbers_go_on(then: Callable[[], bool]) -> None:
    cameras = [Camera(5, then), Camera(0, missing), Camera(0, missing), Camera()]
    session = supervised(list(cameras))
    with session:
        seen = watch(session, 30)
    assert seen == sorted(set(seen))
    assert session.lanes[0].reconnects == 1
    assert session.lanes[0].trouble() == ""
    assert all(camera.closed.is_set() for camera in cameras)
    assert_balanced(session)


def test_a_source_that_cannot_be_opened_at_the_start_ends_the_run_unless_it_is_to_be_waited_for() -> None:
    session = supervised([Camera(0, missing), Camera()])
    with session, pytest.raises(SourceNotFound):
        watch(session, 1)
    session = supervised([Camera(0, missing), Camera(0, missing), Camera()], from_the_start=True)
    with session:
        watch(session, 3)


def test_a_source_whose_driver_hangs_is_abandoned_with_its_thread(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    session = supervised([Camera(5, hang), Camera()])
    with session:
        seen = watch(session, 30)
        assert session.incidents().hung == 1
        assert any("hangs in a driver" in trouble for trouble in session.troubles())
    assert seen == sorted(set(seen))
    assert_balanced(session)


def test_a_picture_that_never_changes_is_a_fault_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    class Frozen(Camera):
        def retrieve(self) -> Image:
            return np.full((100, 100, 3), 7, np.uint8)

    class Impatient(reader.FrozenImage):
        def __init__(self, clock: Callable[[], float], patience: float) -> None:
            super().__init__(clock, patience / 50)

    monkeypatch.setattr(reader, "FrozenImage", Impatient)
    session = supervised([Frozen(), Camera()])
    with session:
        deadline = time.monotonic() + 10
        while not session.lanes[0].reconnects and time.monotonic() < deadline:
            watch(session, 1)
        watch(session, 20)
    assert session.lanes[0].reconnects == 1


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

    session = supervised([Camera()], detector=Fragile)
    with session:
        watch(session, 10)
        assert session.incidents().restarts == {"detect": 1}
        assert any("the detect stage was built anew" in trouble for trouble in session.troubles())
    assert len(built) == 2
    assert all(detector.closed for detector in built)
    assert_balanced(session)


def test_a_stage_that_keeps_failing_ends_the_program_with_its_own_error_after_five_times() -> None:
    built: List[FaceDetector] = []

    class Broken(FakeDetector):
        def __init__(self) -> None:
            built.append(self)

        def detect(self, image: Image) -> Tuple[Face, ...]:
            raise ZeroDivisionError("of the library")

    session = supervised([Camera()], detector=Broken)
    with session, pytest.raises(StageFailed, match="ZeroDivisionError"):
        watch(session, 1)
    assert len(built) == 6
    assert_balanced(session)


def test_what_cannot_be_built_the_first_time_is_not_tried_again() -> None:
    tries = []

    def refuse() -> FaceDetector:
        tries.append(1)
        raise FerEdgeError("no such model")

    session = supervised([Camera()], detector=refuse)
    with session, pytest.raises(FerEdgeError, match="no such model"):
        watch(session, 1)
    assert len(tries) == 1


def test_a_stage_that_hangs_is_replaced_and_what_it_brings_later_is_void(monkeypatch: pytest.MonkeyPatch) -> None:
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

    session = supervised([Camera()], detector=Hanging)
    with session:
        first = watch(session, 20)
        assert session.incidents().restarts == {"detect": 1}
        wake.set()
        assert woke.wait(5)
        seen = first + watch(session, 10)
    assert seen == sorted(set(seen))
    assert_balanced(session)


def test_a_stop_leaves_a_hanging_thread_behind_and_counts_what_it_had_as_dropped() -> None:
    wake, entered = threading.Event(), threading.Event()

    class Hanging(FakeDetector):
        def detect(self, image: Image) -> Tuple[Face, ...]:
            entered.set()
            wake.wait(20)
            return ()

    session = supervised([Camera()], detector=Hanging)
    with session:
        assert entered.wait(10)
    wake.set()
    assert_balanced(session)


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
    session = supervised([Spoiling(lambda number: number % 3 != 0)])
    with session:
        seen = watch(session, 30)
    assert seen == sorted(set(seen))
    assert session.lanes[0].undecodable >= 10
    assert session.lanes[0].reconnects == 0
    assert_balanced(session)


def test_a_source_of_which_no_picture_can_be_decoded_any_more_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(reader.UndecodableImages):
        def __init__(self, clock: Callable[[], float]) -> None:
            super().__init__(clock, 0.2)

    monkeypatch.setattr(reader, "UndecodableImages", Impatient)
    session = supervised([Spoiling(lambda number: number < 5), Camera()])
    with session:
        watch(session, 30)
    assert session.lanes[0].reconnects == 1
    assert_balanced(session)


def test_a_network_that_gives_no_numbers_is_built_anew() -> None:
    built: List[FakeClassifier] = []

    class Overheated(FakeClassifier):
        def __init__(self) -> None:
            super().__init__((0, 0, 0, 1 if built else np.nan, 0, 0, 0))
            built.append(self)

    session = supervised([Camera()], classifier=Overheated)
    with session:
        watch(session, 5)
    assert session.incidents().restarts == {"classify": 1}
    assert_balanced(session)


def test_each_change_of_state_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    session = supervised([Camera(5, fail), Camera()])
    with session:
        watch(session, 20)
    events = [record.event for record in caplog.records if hasattr(record, "event")]
    assert events == ["source_lost", "source_back"]


def test_stopping_while_the_source_is_waited_for_is_an_ordinary_end() -> None:
    session = supervised([Camera(0, missing)] + [Camera(0, missing) for _ in range(200)], True)
    with session:
        assert session.take(0.2) is None
        assert "There is no camera" in session.lanes[0].trouble()
    with pytest.raises(Closed):
        session.take(0)


def test_an_error_of_the_source_is_not_taken_for_one_of_the_stages(caplog: pytest.LogCaptureFixture) -> None:
    session = supervised([Camera(0, missing)])
    with session, pytest.raises(SourceNotFound):
        watch(session, 1)
    assert session.incidents().restarts == {}
    assert caplog.records == []


def test_a_stage_that_cannot_be_built_is_no_failure_of_the_next_one() -> None:
    def refuse() -> FaceDetector:
        raise FerEdgeError("no such model")

    session = supervised([Camera()], detector=refuse)
    with session, pytest.raises(FerEdgeError, match="no such model"):
        watch(session, 1)
    assert session.incidents().restarts == {}


def test_what_making_a_source_anew_raises_counts_as_a_failed_opening() -> None:
    tries: List[int] = []

    def make() -> Source:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("no such folder")
        return Camera()

    session = reopening(Camera(5, fail), make)
    with session:
        watch(session, 30)
    assert session.lanes[0].reconnects == 1


def test_a_thread_that_was_given_up_does_nothing_more_even_when_its_closing_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    wake, woke = threading.Event(), threading.Event()

    class Bad(Camera):
        def close(self) -> None:
            super().close()
            woke.set()
            raise OSError("the driver is gone")

    def hang_until_woken() -> bool:
        wake.wait(20)
        return False

    third = Camera()
    session = supervised([Bad(5, hang_until_woken), Camera(), third])
    with session:
        first = watch(session, 20)
        losses = [record for record in caplog.records if getattr(record, "event", "") == "source_lost"]
        wake.set()
        assert woke.wait(5)
        seen = first + watch(session, 20)
    assert seen == sorted(set(seen))
    assert session.lanes[0].reconnects == 1
    assert losses == [record for record in caplog.records if getattr(record, "event", "") == "source_lost"]
    assert not third.closed.is_set(), "nobody opened it"
    assert_balanced(session)


def test_a_stage_whose_closing_hangs_does_not_keep_the_program_from_its_end(hang: Callable[[], bool]) -> None:
    class Sticky(FakeDetector):
        def close(self) -> None:
            hang()

    session = supervised([Camera()], detector=lambda: Sticky([FACE]))
    with session:
        watch(session, 5)
    assert_balanced(session)


def test_without_reconnection_a_hanging_driver_ends_the_run_with_an_error(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    session = reopening(Camera(5, hang), None)
    with session, pytest.raises(StageFailed, match="grab did not return"):
        watch(session, 100)


def test_too_many_hanging_threads_end_the_run_because_only_a_new_process_is_free_of_them(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.05)
    # On a busy machine, a thread may be given up that comes back.
    session = reopening(Camera(1, hang), lambda: Camera(1, hang))
    with session, pytest.raises(StageFailed, match="threads hang in drivers"):
        watch(session, 1000, 30.0)
    assert session.incidents().hung >= MOST_HANGING
