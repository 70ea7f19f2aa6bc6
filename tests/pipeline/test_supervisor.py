from __future__ import annotations

from typing import Callable

import pytest
from failing_cameras import Camera

from fer_edge.errors import SourceNotFound, SourceStalled
from fer_edge.pipeline import stage
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.shift import Call
from fer_edge.pipeline.supervisor import Supervisor


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


def test_a_source_that_ends_before_it_gave_anything_is_waited_for_where_that_is_wanted() -> None:
    assert Supervisor(Camera).source_lost(None) is None
    assert Supervisor(Camera, from_the_start=True).source_lost(None) is not None
