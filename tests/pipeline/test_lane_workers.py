"""Workers that have lanes of their own, and workers for which there is nothing to do."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Callable, DefaultDict, Dict, List, Optional, Sequence, Set

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sessions import Each, Numbered, assert_balanced, taken_by_lane

from fer_edge.errors import FerEdgeError
from fer_edge.pipeline import stage
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_spec import NotNeeded, StageSpec, StageWork
from fer_edge.pipeline.supervisor import Supervisor

LANES = ("a", "b", "c", "d", "e")


def session_of(spec: StageSpec, counts: Dict[str, int], **more: Supervisor) -> Session:
    return Session([LaneSpec(name, Numbered(count)) for name, count in counts.items()], [spec], **more)


def by_lane(build_for: Callable[[Sequence[str]], StageWork], workers: int, batch: int = 1) -> StageSpec:
    def build() -> StageWork:
        return build_for(LANES)

    return StageSpec("work", "working", build, workers, batch, build_for=build_for)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5), st.integers(1, 6), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_each_lane_stays_in_one_thread_and_in_order_whatever_its_length(
    counts: List[int], workers: int, batch: int
) -> None:
    threads: DefaultDict[str, Set[int]] = defaultdict(set)
    watched = session_of(
        by_lane(lambda _: Each(lambda lane, _index: threads[lane].add(threading.get_ident())), workers, batch),
        dict(zip(LANES, counts)),
    )
    assert taken_by_lane(watched) == {lane: list(range(count)) for lane, count in zip(LANES, counts)}
    assert all(len(of_lane) == 1 for of_lane in threads.values())
    assert_balanced(watched)


def test_lanes_of_different_workers_are_worked_on_at_the_same_time() -> None:
    together = threading.Barrier(3)
    watched = session_of(
        by_lane(lambda _: Each(lambda lane, index: together.wait(20)), workers=3), {"a": 4, "b": 4, "c": 4}
    )
    assert taken_by_lane(watched) == {lane: [0, 1, 2, 3] for lane in "abc"}


class Held(Numbered):
    """Gives nothing until it is let go."""

    def __init__(self, count: int, go: threading.Event) -> None:
        super().__init__(count)
        self._go = go

    def grab(self) -> Optional[bool]:
        self._go.wait(60)
        return super().grab()


def test_a_camera_from_which_nothing_comes_holds_up_no_other() -> None:
    go = threading.Event()
    spec = by_lane(lambda _: Each(lambda lane, index: (lane, index) == ("b", 29) and go.set()), workers=2)
    watched = Session([LaneSpec("a", Held(3, go)), LaneSpec("b", Numbered(30))], [spec])
    came = [observation.frame.source for observation in watched]
    assert came.index("a") > 25
    assert came.count("b") == 30


def test_work_is_built_for_the_lanes_that_a_worker_has_and_for_no_others() -> None:
    asked: List[Sequence[str]] = []

    def build_for(lanes: Sequence[str]) -> StageWork:
        asked.append(tuple(lanes))
        return Each(lambda lane, index: None)

    taken_by_lane(session_of(by_lane(build_for, workers=2), {"a": 1, "b": 1, "c": 1}))
    assert sorted(asked) == [("a", "c"), ("b",)]


def test_a_worker_that_fails_is_built_anew_and_the_other_lanes_hear_nothing_of_it() -> None:
    failed = threading.Event()

    def work(lane: str, index: int) -> None:
        if (lane, index) == ("b", 3) and not failed.is_set():
            failed.set()
            raise RuntimeError("once")

    watched = session_of(by_lane(lambda _: Each(work), workers=2), {"a": 9, "b": 9}, supervisor=Supervisor())
    assert taken_by_lane(watched) == {"a": list(range(9)), "b": list(range(9))}
    assert watched.incidents().restarts == {"work": 1}


def test_a_worker_that_hangs_is_replaced_and_loses_one_frame_of_its_lanes(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.3)
    monkeypatch.setattr(stage, "FIRST_LIMIT", 0.3)
    watched = session_of(
        by_lane(lambda _: Each(lambda lane, index: (lane, index) == ("b", 3) and hang()), workers=2),
        {"a": 9, "b": 9},
        supervisor=Supervisor(),
    )
    assert taken_by_lane(watched) == {"a": list(range(9)), "b": [0, 1, 2, 4, 5, 6, 7, 8]}
    assert watched.incidents().hung == 1


def test_an_error_that_ends_one_worker_ends_the_session() -> None:
    def work(lane: str, index: int) -> None:
        if (lane, index) == ("b", 3):
            raise RuntimeError("broken")

    watched = session_of(by_lane(lambda _: Each(work), workers=2), {"a": 10_000, "b": 10_000})
    with pytest.raises(FerEdgeError, match="broken"):
        taken_by_lane(watched)
    assert_balanced(watched)


def test_workers_that_are_not_needed_end_and_one_does_all_the_work() -> None:
    has_it = threading.Lock()
    threads: Set[int] = set()

    def build() -> StageWork:
        if not has_it.acquire(blocking=False):
            raise NotNeeded
        return Each(lambda lane, index: threads.add(threading.get_ident()))

    watched = session_of(StageSpec("work", "working", build, workers=3), {"a": 20, "b": 20})
    assert watched.workers() == {"work": 1}
    assert taken_by_lane(watched) == {"a": list(range(20)), "b": list(range(20))}
    assert len(threads) == 1
    assert watched.workers() == {"work": 1}


def test_a_capacity_counts_all_workers() -> None:
    watched = session_of(StageSpec("work", "working", lambda: Each(lambda lane, index: None), workers=3), {"a": 50})
    taken_by_lane(watched)
    capacity = watched.rates().stages["working"].capacity
    mean = watched.meter.service_times()["work"]
    assert watched.workers() == {"work": 3}
    assert capacity == pytest.approx(3 * mean.count / mean.seconds, rel=1e-6)
