from __future__ import annotations

import threading
from typing import Callable, List

import pytest

from fer_edge.pipeline.supervisor import MOST_HANGING, STAGES, Supervisor
from fer_edge.pipeline.worker import Call, Worker


class Desk:
    """Something supervised whose calls a test makes by hand, and what was asked of it."""

    name = group = "desk"

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self._work = work
        self.replaced: List[BaseException] = []
        self.worker = Worker(self.name, lambda worker: self._work() and None)

    def replace(self, error: BaseException) -> None:
        self.replaced.append(error)
        self.worker = Worker(self.name, lambda worker: self._work() and None)

    def abandon(self) -> None:
        pass


def test_a_stop_of_the_whole_process_does_not_look_like_a_hang() -> None:
    now = [0.0]
    supervisor = Supervisor(clock=lambda: now[0])

    desk = Desk()
    desk.worker.call = Call("call", 10.0)
    for _ in range(4):
        supervisor.look([desk])
        now[0] += 0.25
    now[0] += 86400
    supervisor.look([desk])
    assert desk.replaced == []
    for _ in range(50):
        now[0] += 0.25
        supervisor.look([desk])
    assert len(desk.replaced) == 1


def test_a_stage_is_not_built_anew_where_that_is_not_wanted(caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(False)
    assert not supervisor.stage_failed("detect", ZeroDivisionError())
    assert caplog.records == []
    assert supervisor.incidents().restarts == {}


def test_a_restart_is_worth_mentioning_for_five_minutes() -> None:
    now = [0.0]
    supervisor = Supervisor(clock=lambda: now[0])
    assert supervisor.stage_failed("detect", ZeroDivisionError())
    now[0] += 299.0
    assert supervisor.troubles() == ("the detect stage was built anew 299 s ago",)
    now[0] += 2.0
    assert supervisor.troubles() == ()


def test_a_call_is_given_up_once_it_has_taken_as_long_as_it_may_and_not_before() -> None:
    now = [0.0]
    supervisor = Supervisor(clock=lambda: now[0])
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
    (error,) = desk.replaced
    assert "The desk stage's grab did not return within 10 s" in str(error)


def test_many_short_calls_of_the_same_kind_are_no_long_one() -> None:
    now = [0.0]
    supervisor = Supervisor(clock=lambda: now[0])
    desk = Desk()
    for _ in range(200):
        desk.worker.call = Call("grab", 10.0)
        now[0] += 0.25
        supervisor.look([desk])
    assert desk.replaced == []


def test_threads_that_hang_count_only_until_they_come_back() -> None:
    now = [0.0]
    supervisor = Supervisor(clock=lambda: now[0])
    wake = threading.Event()
    desk = Desk(lambda: wake.wait(30))
    desk.group = STAGES

    def hang_once() -> threading.Thread:
        thread = desk.worker.thread
        thread.start()
        desk.worker.call = Call("grab", 0.0)
        supervisor.look([desk])
        return thread

    threads = [hang_once() for _ in range(MOST_HANGING)]
    assert len(desk.replaced) == MOST_HANGING
    assert supervisor.exhausted(STAGES) is not None
    assert supervisor.exhausted("capture-door") is None, "a camera has hanging threads of its own"
    assert not supervisor.stage_failed("detect", ZeroDivisionError()), "nothing is built anew on such a machine"
    assert f"{MOST_HANGING} threads hang in a driver" in supervisor.troubles()
    wake.set()
    for thread in threads:
        thread.join(20)
    assert supervisor.exhausted(STAGES) is None
    assert supervisor.troubles() == ()
