from __future__ import annotations

import pytest
from failing_cameras import Camera

from fer_edge.errors import SourceNotFound, SourceStalled, SourceUnreadable
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.retry import Backoff


def yes() -> bool:
    return True


def test_what_is_said_of_a_lost_source_is_why_it_cannot_be_opened_now() -> None:
    now = [0.0]
    reconnection = Reconnection(Camera, clock=lambda: now[0])
    reconnection.found()
    reconnection.lost(SourceStalled("The camera was unplugged."))
    now[0] = 7.0
    reconnection.lost(SourceNotFound("There is no camera."))
    assert reconnection.trouble() == "the source is lost since 7 s: There is no camera."


def test_the_end_of_a_loss_that_was_told_is_told_however_many_attempts_it_took(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    reconnection = Reconnection(Camera, clock=lambda: now[0])
    reconnection.found()
    for attempts in range(1, 10):
        now[0] += 100.0
        reconnection.found()
        now[0] += 100.0
        caplog.clear()
        for _ in range(attempts):
            reconnection.lost(SourceNotFound("There is no camera."))
        reconnection.found()
        assert "the source is back" in caplog.messages[-1], attempts


def test_a_source_that_comes_and_goes_is_opened_ever_more_seldom_and_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    reconnection = Reconnection(Camera, backoff=Backoff(0.5, 10.0, lambda: 1.0), clock=lambda: now[0])
    reconnection.found()
    delays = []
    for _ in range(100):
        now[0] += 1.0
        delay = reconnection.lost(None)
        assert delay is not None
        delays.append(delay)
        now[0] += delay
        reconnection.found()
    assert delays[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert len(caplog.records) < 20
    now[0] += 60.0
    assert reconnection.lost(None) == 0.5
    assert caplog.records[-1].levelname == "WARNING"
    assert caplog.records[-1].attempt == 1  # type: ignore[attr-defined]


def test_what_to_do_about_a_lost_source_is_said_once_and_another_kind_of_failure_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reconnection = Reconnection(Camera, from_the_start=yes)
    for _ in range(7):
        reconnection.lost(SourceNotFound("There is no camera.", "Plug it in."))
    reconnection.lost(SourceStalled("It stalled."))
    reconnection.lost(SourceNotFound("There is no camera.", "Plug it in."))
    told = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.attempt for record in told] == [1, 2, 3, 4, 8]  # type: ignore[attr-defined]
    assert "Plug it in." in told[0].getMessage()
    assert "Plug it in." not in told[1].getMessage()
    assert "It stalled." in told[4].getMessage()


def test_a_source_that_stays_away_for_long_is_opened_ever_more_seldom() -> None:
    now = [0.0]
    reconnection = Reconnection(Camera, backoff=Backoff(0.5, 60.0, lambda: 1.0), clock=lambda: now[0])
    reconnection.found()
    now[0] += 3600.0
    delays = []
    for _ in range(12):
        delay = reconnection.lost(SourceNotFound("There is no camera."))
        assert delay is not None
        delays.append(delay)
        now[0] += delay
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]


def test_a_failure_after_a_source_has_worked_for_long_is_told_like_the_first_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    reconnection = Reconnection(Camera, from_the_start=yes, clock=lambda: now[0])
    for error in (SourceNotFound("It is gone."), SourceStalled("It stalled.")):
        for _ in range(5):
            reconnection.lost(error)
    reconnection.found()
    now[0] += 3600.0
    caplog.clear()
    for _ in range(4):
        reconnection.lost(SourceNotFound("It is gone."))
    reconnection.lost(SourceStalled("It stalled."))
    told = [record.attempt for record in caplog.records if record.levelname == "WARNING"]  # type: ignore[attr-defined]
    assert told == [1, 2, 3, 4, 5], "the other kind of failure is news again, too"


def test_programs_that_lost_the_same_source_do_not_ask_for_it_at_the_same_moment() -> None:
    reconnections = [Reconnection(Camera, from_the_start=yes) for _ in range(20)]
    delays = {reconnection.lost(None) for reconnection in reconnections}
    assert len(delays) == len(reconnections)


def test_a_source_that_ends_before_it_gave_anything_is_waited_for_where_that_is_wanted() -> None:
    assert Reconnection(Camera).lost(None) is None
    assert Reconnection(Camera, from_the_start=yes).lost(None) is not None


def test_a_fault_of_the_program_at_the_start_is_not_waited_for() -> None:
    reconnection = Reconnection(Camera, from_the_start=yes)
    assert reconnection.lost(ZeroDivisionError()) is None
    assert reconnection.lost(SourceNotFound("There is no camera.")) is not None


def test_damaged_pictures_are_told_ever_more_seldom(caplog: pytest.LogCaptureFixture) -> None:
    reconnection = Reconnection(Camera)
    for _ in range(100):
        reconnection.leave_out(SourceUnreadable("It cannot be decoded."))
    told = [record.count for record in caplog.records if record.levelname == "WARNING"]  # type: ignore[attr-defined]
    assert told == [1, 2, 4, 8, 16, 32, 64]
    assert reconnection.undecodable == 100
