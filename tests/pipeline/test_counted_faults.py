"""A fault of what all threads of a stage share, and how often a stage may fail."""

from __future__ import annotations

import threading
from typing import Callable, List, Sequence

import pytest
from small_sessions import Each, Numbered, assert_balanced, taken_by_lane

from fer_edge.errors import StageFailed
from fer_edge.pipeline import stage
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.stage_faults import StageFaults
from fer_edge.pipeline.stage_spec import StageSpec
from fer_edge.pipeline.supervisor import Supervisor

THREADS = 8


class Shared:
    """What all threads have from the start fails in each of them; what is built later works, or fails at once."""

    def __init__(self, fail: Callable[[], object], heals: bool = True) -> None:
        self._fail = fail
        self._heals = heals
        self._together = threading.Barrier(THREADS)
        self._lock = threading.Lock()
        self._built = 0

    def build(self) -> Each:
        with self._lock:
            self._built += 1
            first = self._built <= THREADS
        return Each(self._broken if first else self._later)

    def _broken(self, _lane: str, _index: int) -> None:
        self._together.wait(20)
        self._fail()

    def _later(self, _lane: str, _index: int) -> None:
        if not self._heals:
            self._fail()


def session_with(shared: Shared) -> Session:
    spec = StageSpec("work", "working", shared.build, THREADS)
    return Session([LaneSpec("front", Numbered(40))], [spec], supervisor=Supervisor())


def raise_one() -> None:
    raise ZeroDivisionError("of the library")


def test_a_fault_that_all_threads_meet_counts_once() -> None:
    watched = session_with(Shared(raise_one))
    assert taken_by_lane(watched) == {"front": list(range(40))}
    assert watched.incidents().restarts == {"work": THREADS}
    assert_balanced(watched)


def test_a_network_that_hangs_in_all_threads_at_once_is_built_anew(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.3)
    monkeypatch.setattr(stage, "FIRST_LIMIT", 0.3)
    watched = session_with(Shared(hang))
    assert taken_by_lane(watched) == {"front": list(range(THREADS, 40))}
    assert watched.incidents().hung == THREADS
    assert_balanced(watched)


def test_what_fails_again_and_again_still_ends_the_session() -> None:
    watched = session_with(Shared(raise_one, heals=False))
    with pytest.raises(StageFailed, match="of the library"):
        taken_by_lane(watched)
    assert_balanced(watched)


def test_each_thread_may_meet_a_fault_once_before_it_counts_again() -> None:
    asked: List[bool] = []

    def recover(_stage: str, _error: BaseException, is_new: bool) -> bool:
        asked.append(is_new)
        return True

    faults = StageFaults("work", recover)
    known: Sequence[int] = [faults.count] * 3
    for one in known:
        assert faults.recovers(ZeroDivisionError(), one)
    assert faults.recovers(ZeroDivisionError(), faults.count)
    assert asked == [True, False, False, True]
    assert faults.count == 2
