from __future__ import annotations

import threading
from typing import Callable, List

import pytest
from failing_cameras import Camera

from fer_edge.errors import SourceNotFound, SourceStalled, SourceUnreadable
from fer_edge.pipeline import stage
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.supervisor import MOST_HANGING, Supervisor
from fer_edge.pipeline.worker import Call, Worker


def test_a_stop_of_the_whole_process_does_not_look_like_a_hang(hang: Callable[[], bool]) -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])

    class Busy:
        name = "busy"
        worker = stage.Worker("busy", lambda worker: None)

        def relieve(self, error: BaseException) -> None:
            raise AssertionError("it was given up")

    post = Busy()
    post.worker.call = Call("call", 10.0)
    for _ in range(4):
        supervisor.look([post])
        now[0] += 0.25
    now[0] += 86400
    supervisor.look([post])
    assert not post.worker.given_up
    with pytest.raises(AssertionError, match="given up"):
        for _ in range(50):
            now[0] += 0.25
            supervisor.look([post])


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
    assert caplog.records[-1].attempt == 1  # type: ignore[attr-defined]


def test_what_to_do_about_a_lost_source_is_said_once_and_another_kind_of_failure_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    supervisor = Supervisor(Camera, from_the_start=True)
    for _ in range(7):
        supervisor.source_lost(SourceNotFound("There is no camera.", "Plug it in."))
    supervisor.source_lost(SourceStalled("It stalled."))
    supervisor.source_lost(SourceNotFound("There is no camera.", "Plug it in."))
    told = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.attempt for record in told] == [1, 2, 3, 4, 8]  # type: ignore[attr-defined]
    assert "Plug it in." in told[0].getMessage()
    assert "Plug it in." not in told[1].getMessage()
    assert "It stalled." in told[4].getMessage()


def test_a_source_that_stays_away_for_long_is_opened_ever_more_seldom() -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, backoff=Backoff(0.5, 60.0, lambda: 1.0), clock=lambda: now[0])
    supervisor.source_found()
    now[0] += 3600.0
    delays = []
    for _ in range(12):
        delay = supervisor.source_lost(SourceNotFound("There is no camera."))
        assert delay is not None
        delays.append(delay)
        now[0] += delay
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]


def test_a_failure_after_a_source_has_worked_for_long_is_told_like_the_first_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, from_the_start=True, clock=lambda: now[0])
    for error in (SourceNotFound("It is gone."), SourceStalled("It stalled.")):
        for _ in range(5):
            supervisor.source_lost(error)
    supervisor.source_found()
    now[0] += 3600.0
    caplog.clear()
    for _ in range(4):
        supervisor.source_lost(SourceNotFound("It is gone."))
    supervisor.source_lost(SourceStalled("It stalled."))
    told = [record.attempt for record in caplog.records if record.levelname == "WARNING"]  # type: ignore[attr-defined]
    assert told == [1, 2, 3, 4, 5], "the other kind of failure is news again, too"


def test_programs_that_lost_the_same_source_do_not_ask_for_it_at_the_same_moment() -> None:
    supervisors = [Supervisor(Camera, from_the_start=True) for _ in range(20)]
    delays = {supervisor.source_lost(None) for supervisor in supervisors}
    assert len(delays) == len(supervisors)


def test_a_source_that_ends_before_it_gave_anything_is_waited_for_where_that_is_wanted() -> None:
    assert Supervisor(Camera).source_lost(None) is None
    assert Supervisor(Camera, from_the_start=True).source_lost(None) is not None


def test_a_fault_of_the_program_at_the_start_is_not_waited_for() -> None:
    supervisor = Supervisor(Camera, from_the_start=True)
    assert supervisor.source_lost(ZeroDivisionError()) is None
    assert supervisor.source_lost(SourceNotFound("There is no camera.")) is not None


def test_without_reconnection_neither_a_source_nor_a_stage_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(None, from_the_start=True)
    supervisor.source_found()
    assert supervisor.source_lost(SourceStalled("It stalled.")) is None
    assert not supervisor.stage_failed("detect", ZeroDivisionError())
    assert caplog.records == []
    assert supervisor.incidents().restarts == {}


def test_a_restart_is_worth_mentioning_for_five_minutes() -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])
    assert supervisor.stage_failed("detect", ZeroDivisionError())
    now[0] += 299.0
    assert supervisor.troubles() == ("the detect stage was built anew 299 s ago",)
    now[0] += 2.0
    assert supervisor.troubles() == ()


def test_damaged_pictures_are_told_ever_more_seldom(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(Camera)
    for _ in range(100):
        supervisor.image_undecodable(SourceUnreadable("It cannot be decoded."))
    told = [record.count for record in caplog.records if record.levelname == "WARNING"]  # type: ignore[attr-defined]
    assert told == [1, 2, 4, 8, 16, 32, 64]
    assert supervisor.incidents().undecodable == 100


class Desk:
    """A post whose calls a test makes by hand, and what was asked of it."""

    name = "desk"

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self._work = work
        self.relieved: List[BaseException] = []
        self.worker = Worker(self.name, lambda worker: self._work() and None)

    def relieve(self, error: BaseException) -> None:
        self.relieved.append(error)
        self.worker = Worker(self.name, lambda worker: self._work() and None)

    def abandon(self) -> None:
        pass


def test_a_call_is_given_up_once_it_has_taken_as_long_as_it_may_and_not_before() -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])
    desk = Desk()
    hanging = desk.worker
    hanging.call = Call("grab", 10.0)
    supervisor.look([desk])
    for _ in range(39):
        now[0] += 0.25
        supervisor.look([desk])
    assert not hanging.given_up
    now[0] += 0.25
    supervisor.look([desk])
    assert hanging.given_up
    (error,) = desk.relieved
    assert "The desk stage's grab did not return within 10 s" in str(error)


def test_many_short_calls_of_the_same_kind_are_no_long_one() -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])
    desk = Desk()
    for _ in range(200):
        desk.worker.call = Call("grab", 10.0)
        now[0] += 0.25
        supervisor.look([desk])
    assert desk.relieved == []


def test_threads_that_hang_count_only_until_they_come_back() -> None:
    now = [0.0]
    supervisor = Supervisor(Camera, clock=lambda: now[0])
    supervisor.source_found()
    wake = threading.Event()
    desk = Desk(lambda: wake.wait(30))

    def hang_once() -> threading.Thread:
        thread = desk.worker.thread
        thread.start()
        desk.worker.call = Call("grab", 0.0)
        supervisor.look([desk])
        return thread

    threads = [hang_once() for _ in range(MOST_HANGING)]
    assert len(desk.relieved) == MOST_HANGING
    assert supervisor.exhausted() is not None
    assert supervisor.source_lost(SourceStalled("It stalled.")) is None
    assert not supervisor.stage_failed("detect", ZeroDivisionError()), "nothing is built anew on such a machine"
    assert f"{MOST_HANGING} threads hang in a driver" in supervisor.troubles()
    wake.set()
    for thread in threads:
        thread.join(20)
    assert supervisor.exhausted() is None
    assert supervisor.troubles() == ()
    assert supervisor.source_lost(SourceStalled("It stalled.")) is not None
