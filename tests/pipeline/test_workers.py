"""Stages with several workers, and what they may not mix up."""

from __future__ import annotations

import threading
import time
from typing import Callable, Dict, List, Set, Tuple

import pytest
from failing_cameras import until
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sessions import Each, Numbered, assert_balanced, session_that_does, taken_by_lane

from fer_edge.capture.base import Source
from fer_edge.errors import ModelNotFound, StopTimeout
from fer_edge.pipeline import ending, stage
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.order import LaneOrder
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import StageSpec
from fer_edge.pipeline.supervisor import Supervisor


def files(count: int = 30, names: Tuple[str, ...] = ("front", "door")) -> Dict[str, Source]:
    return {name: Numbered(count) for name in names}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=25)
def test_results_come_in_order_whatever_each_worker_takes_for_a_frame(
    milliseconds: List[int], workers: int, batch: int
) -> None:
    def work(lane: str, index: int) -> None:
        time.sleep(milliseconds[(index + len(lane)) % len(milliseconds)] / 1000)

    behind = [StageSpec("second", "seconding", lambda: Each(work), workers)]
    watched = session_that_does(work, files(12), workers, batch, behind)
    assert taken_by_lane(watched) == {"front": list(range(12)), "door": list(range(12))}
    assert_balanced(watched)


def test_several_workers_really_work_at_the_same_time() -> None:
    together = threading.Barrier(3)
    watched = session_that_does(lambda lane, index: together.wait(20), files(9, ("front",)), workers=3)
    assert taken_by_lane(watched) == {"front": list(range(9))}


def test_a_worker_that_hangs_is_replaced_and_the_order_goes_on(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.3)
    monkeypatch.setattr(stage, "FIRST_LIMIT", 0.3)
    watched = session_that_does(
        lambda lane, index: (lane, index) == ("front", 7) and hang(), files(), workers=3, supervisor=Supervisor()
    )
    # A loop that never looks after the threads by itself, as that of somebody who uses the library.
    assert taken_by_lane(watched) == {"front": [*range(7), *range(8, 30)], "door": list(range(30))}
    assert watched.incidents().hung == 1
    assert watched.incidents().restarts == {"work": 1}
    assert_balanced(watched)


def test_a_worker_that_raises_loses_only_what_it_held() -> None:
    def work(lane: str, index: int) -> None:
        time.sleep(index % 2 / 1000)
        if (lane, index) == ("door", 11):
            raise ZeroDivisionError("of the library")

    watched = session_that_does(work, files(), workers=3, supervisor=Supervisor())
    assert taken_by_lane(watched) == {"front": list(range(30)), "door": [*range(11), *range(12, 30)]}
    assert watched.lane("door").balance().dropped == 1
    assert_balanced(watched)


@pytest.mark.parametrize("how", ["raises", "hangs"])
def test_the_end_of_a_camera_is_not_lost_with_a_worker_nor_comes_before_what_another_has_of_it(
    how: str, monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    """The last frame of one lane is worked on for long, while who came by its end fails on frames of the other."""
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.3)
    monkeypatch.setattr(stage, "FIRST_LIMIT", 0.3)
    failed = threading.Event()

    def work(lane: str, index: int) -> None:
        if (lane, index) == ("short", 2):
            until(failed.is_set)
        elif lane == "long" and index == 20:
            if how == "hangs":
                threading.Timer(0.1, failed.set).start()
                hang()
            failed.set()
            raise ZeroDivisionError("of the library")

    watched = session_that_does(
        work, {"short": Numbered(3), "long": Numbered(40)}, workers=2, batch=2, supervisor=Supervisor()
    )
    with watched:
        seen: Set[Tuple[str, int]] = set()
        with pytest.raises(Closed):
            while True:
                observation = watched.take(20)
                assert observation is not None
                assert not watched.lane(observation.frame.source).ended, "its end came before"
                seen.add((observation.frame.source, observation.frame.index))
    assert all(lane.ended for lane in watched.lanes)
    assert ("long", 39) in seen
    assert_balanced(watched)


def blocked(watched: Session, release: threading.Event) -> None:
    """Stop a session, and let its workers go on only once the stop has begun."""
    stopping = threading.Thread(target=watched.stop)
    stopping.start()
    until(lambda: watched._stopped)
    release.set()
    stopping.join(20)
    assert not stopping.is_alive()


def test_a_stop_while_workers_wait_for_their_turn_joins_every_thread() -> None:
    before = set(threading.enumerate())
    release, finished = threading.Event(), threading.Event()

    def work(lane: str, index: int) -> None:
        if index == 0:
            release.wait(20)
        elif index == 2:
            finished.set()

    watched = session_that_does(work, {"front": Numbered(None)}, workers=3)
    watched.start()
    assert finished.wait(20)
    assert watched.take(0.05) is None, "the first is not done yet"
    blocked(watched, release)
    assert set(threading.enumerate()) == before
    assert_balanced(watched)


def test_a_stop_while_a_worker_hangs_ends_those_that_wait_for_its_turn_and_names_it_alone(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(ending, "STOP_SECONDS", 0.5)
    hanging: List[str] = []
    finished = threading.Event()

    def work(lane: str, index: int) -> None:
        if index == 0:
            hanging.append(threading.current_thread().name)
            hang()
        elif index == 2:
            finished.set()

    watched = session_that_does(work, {"front": Numbered(None)}, workers=3)
    watched.start()
    assert finished.wait(20)
    with pytest.raises(StopTimeout, match=f"^{hanging[0]} did not end"):
        watched.stop()


def test_a_thread_that_does_not_end_hides_no_error_that_came_before(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ending, "STOP_SECONDS", 0.2)
    began = threading.Event()

    def work(lane: str, index: int) -> None:
        began.set()
        hang()

    watched = session_that_does(work, {"front": Numbered(None)}, workers=1)
    with pytest.raises(ModelNotFound), watched:
        assert began.wait(20)
        raise ModelNotFound("There is no such model.")
    assert "did not end within" in caplog.text


def test_a_thread_that_was_given_up_hands_on_nothing_when_its_call_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.3)
    monkeypatch.setattr(stage, "FIRST_LIMIT", 0.3)
    wake = threading.Event()
    late: List[threading.Thread] = []

    def work(lane: str, index: int) -> None:
        if index == 3:
            late.append(threading.current_thread())
            wake.wait(20)

    watched = session_that_does(work, files(400, ("front",)), workers=2, supervisor=Supervisor())
    seen = []
    for observation in watched:
        seen.append(observation.frame.index)
        if observation.frame.index == 4:
            wake.set()
            late[0].join(20)
    assert seen == [0, 1, 2, *range(4, 400)]
    assert_balanced(watched)


def test_an_end_waits_for_all_that_was_taken_before_it() -> None:
    order = LaneOrder(["front", "door"])
    first, second = order.enter("front"), order.enter("front")
    said: List[str] = []
    order.end("front", lambda: said.append("front"))
    order.end("door", lambda: said.append("door"))
    assert said == ["door"]
    order.leave("front", second)
    assert said == ["door"]
    order.leave("front", first)
    assert said == ["door", "front"]
    order.leave("front", first)
    assert said == ["door", "front"]


def test_who_waits_for_a_turn_is_let_go_when_the_one_before_is_lost_or_all_is_over() -> None:
    order = LaneOrder(["front"])
    first, second, third = (order.enter("front") for _ in range(3))
    outcomes: List[str] = []

    def wait(number: int) -> None:
        try:
            order.wait_for_turn("front", number)
            outcomes.append("its turn")
        except Closed:
            outcomes.append("closed")

    waiting = [threading.Thread(target=wait, args=(number,), daemon=True) for number in (second, third)]
    for thread in waiting:
        thread.start()
    waiting[0].join(0.05)
    assert outcomes == []
    order.leave("front", first)
    waiting[0].join(20)
    assert outcomes == ["its turn"]
    order.close()
    waiting[1].join(20)
    assert outcomes == ["its turn", "closed"]
