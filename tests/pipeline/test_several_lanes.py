"""Several cameras in one session, with real threads."""

from __future__ import annotations

import threading
import time
from typing import Dict, List, Set, Tuple

import pytest
from failing_cameras import Camera, missing, until
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sessions import (
    Numbered,
    assert_balanced,
    session_of_several,
    session_that_does,
    taken_by_lane,
)

from fer_edge.capture.base import Source
from fer_edge.errors import SourceNotFound, SourceTruncated, UsageError
from fer_edge.pipeline import session as session_module
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.session import Session


def test_a_camera_that_floods_costs_the_others_nothing_but_its_share() -> None:
    """As long as all lanes have a frame that waits, they are served in turn, however fast each could be."""
    turns: List[str] = []
    over = threading.Event()

    def work(lane: str, index: int) -> None:
        deadline = time.monotonic() + 10
        while not over.is_set() and not all(watched.queue_ages(name)["work"] > 0 for name in sources):
            assert time.monotonic() < deadline
            time.sleep(0.0005)
        turns.append(lane)

    sources: Dict[str, Source] = {"flood": Numbered(None, live=True), "camera": Camera(), "file": Numbered(None)}
    watched = session_that_does(work, sources)
    with watched:
        while len(turns) < 40:
            watched.take(5)
        over.set()
    # The first frames came while not every lane had one.
    steady = turns[3:39]
    assert all(set(steady[at : at + 3]) == set(sources) for at in range(0, 36, 3)), steady


@given(
    st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=4),
    st.integers(0, 60),
    st.integers(1, 3),
    st.integers(1, 3),
)
@settings(max_examples=40)
def test_each_lane_keeps_its_order_and_the_whereabouts_of_its_frames_and_no_thread_is_left(
    asked: List[Tuple[int, bool]], stop_after: int, workers: int, batch: int
) -> None:
    before = set(threading.enumerate())
    sources = {f"camera {number}": Numbered(count, live) for number, (count, live) in enumerate(asked)}
    watched = session_that_does(lambda lane, index: time.sleep(index % 3 / 4000), sources, workers, batch)
    seen: Dict[str, List[int]] = {name: [] for name in sources}
    for number, observation in enumerate(watched):
        seen[observation.frame.source].append(observation.frame.index)
        for lane in watched.lanes:
            assert not (lane.ended and lane.name == observation.frame.source), "an end came before the last frame"
            balance = lane.balance()
            assert balance.captured == balance.emitted + balance.dropped + balance.in_flight
        if number >= stop_after:
            break
    stopped = sum(map(len, seen.values())) > stop_after
    watched.stop()
    assert_balanced(watched)
    assert set(threading.enumerate()) == before
    for lane, (count, live) in zip(watched.lanes, asked):
        assert seen[lane.name] == sorted(set(seen[lane.name]))
        assert lane.balance().emitted == len(seen[lane.name])
        if not live and not stopped:
            assert seen[lane.name] == list(range(count))
    assert watched.balance().emitted == sum(map(len, seen.values()))


def test_frames_name_their_camera_and_each_has_figures_of_its_own() -> None:
    watched = session_of_several({"front": Numbered(12), "door": Numbered(5)})
    assert taken_by_lane(watched) == {"front": list(range(12)), "door": list(range(5))}
    assert watched.lane("front").meter.counts() == {"capture": 12, "detect": 12, "classify": 12}
    assert watched.lane("door").meter.counts() == {"capture": 5, "detect": 5, "classify": 5}
    assert watched.meter.counts() == {"capture": 17, "detect": 17, "classify": 17}
    assert watched.lane("door").meter.latency().count == 5
    assert watched.meter.latency().count == 17
    assert watched.balance().emitted == 17
    assert [lane.ended for lane in watched.lanes] == [True, True]
    assert watched.lane("front").rates().total > 0
    with pytest.raises(KeyError):
        watched.lane("yard")


def test_the_threads_of_several_cameras_bear_their_names() -> None:
    with session_of_several({"front": Numbered(None), "door": Numbered(None)}) as watched:
        watched.take(5)
        names = {thread.name for thread in threading.enumerate()}
    assert {"fer-edge-capture-front", "fer-edge-capture-door", "fer-edge-detect", "fer-edge-classify"} <= names


def test_cameras_of_one_name_are_refused_as_is_a_session_without_any() -> None:
    with pytest.raises(UsageError, match="names of their own"):
        Session([], session_of_several({"front": Numbered(1)}).stages)
    lane = session_module.LaneSpec("front", Numbered(1))
    with pytest.raises(UsageError, match="names of their own"):
        Session([lane, lane], session_of_several({"front": Numbered(1)}).stages)


@pytest.mark.parametrize("how", ["fails", "is missing at the start"])
def test_a_camera_whose_end_is_an_error_is_told_of_after_the_frames_of_the_others(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    gone = SourceTruncated("cut off")
    bad: Source = Numbered(4, error=gone) if how == "fails" else Camera(0, missing)
    watched = session_of_several({"bad": bad, "good": Numbered(30)})
    seen: Dict[str, List[int]] = {"good": [], "bad": []}
    with pytest.raises((SourceTruncated, SourceNotFound)) as caught:
        for observation in watched:
            seen[observation.frame.source].append(observation.frame.index)
    assert seen == {"good": list(range(30)), "bad": list(range(4)) if how == "fails" else []}
    assert watched.lane("bad").error is caught.value
    assert watched.lane("good").error is None
    assert watched.troubles() == (f"camera bad: it ended: {caught.value.message}",)
    ends = [record for record in caplog.records if getattr(record, "event", "") == "camera_ended"]
    (told,) = [record for record in ends if record.levelname == "ERROR"]
    assert (told.camera, f"camera bad: {told.reason}") == ("bad", caught.value.message)  # type: ignore[attr-defined]
    assert_balanced(watched)


def test_cameras_that_are_all_missing_are_an_error_at_once() -> None:
    watched = session_of_several({"front": Camera(0, missing), "door": Camera(0, missing)})
    with pytest.raises(SourceNotFound), watched:
        watched.take(20)
    assert_balanced(watched)


def test_a_camera_that_is_over_does_not_end_the_others() -> None:
    watched = session_of_several({"short": Numbered(2), "long": Numbered(60)})
    assert taken_by_lane(watched) == {"short": [0, 1], "long": list(range(60))}
    assert watched.troubles() == ()


def test_a_camera_that_is_not_wanted_waits_and_holds_up_nobody() -> None:
    sources: Dict[str, Source] = {"front": Numbered(50), "file": Numbered(50), "live": Camera()}
    watched = session_of_several(sources)
    with watched:
        front = [watched.take(5, "front".__eq__) for _ in range(50)]
        assert [one.frame.index for one in front if one] == list(range(50))
        assert watched.lane("file").balance().emitted == 0
        # In each mailbox one, and one more that was taken as there was room behind it.
        assert watched.lane("file").balance().captured <= 6
        captured = watched.lane("live").balance().captured
        until(lambda: watched.lane("live").balance().captured > captured + 20)
        later = [watched.take(5, "file".__eq__) for _ in range(50)]
        assert [one.frame.index for one in later if one] == list(range(50))
        assert watched.take(0.0, lambda camera: False) is None
    assert_balanced(watched)


def test_who_waits_asks_again_what_is_wanted_when_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "LOOK_SECONDS", 60.0)
    wanted: Set[str] = set()
    came: List[object] = []
    watched = session_of_several({"front": Numbered(1), "door": Numbered(1)})
    with watched:
        until(lambda: all(watched.queue_ages(name)["emit"] > 0 for name in ("front", "door")))
        taking = threading.Thread(target=lambda: came.append(watched.take(60, wanted.__contains__)), daemon=True)
        taking.start()
        taking.join(0.05)
        assert not came
        wanted.add("door")
        watched.wake()
        taking.join(20)
        assert [one.frame.source for one in came] == ["door"]  # type: ignore[attr-defined]
        observation = watched.take(20)
        assert observation is not None
        with pytest.raises(Closed):
            watched.take(20)


def test_what_waits_has_an_age_by_camera_and_stage() -> None:
    watched = session_of_several({"front": Numbered(None, live=True), "door": Numbered(0)})
    with watched:
        until(lambda: all(age > 0 for age in watched.queue_ages("front").values()))
        assert watched.queue_ages("door") == {"detect": 0.0, "classify": 0.0, "emit": 0.0}
