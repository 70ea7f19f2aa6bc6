"""Cameras that fail beside others that work."""

from __future__ import annotations

import logging
import threading
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np
import pytest
from failing_cameras import Camera, fail, missing, quick_reconnection, until
from small_sessions import FACE, Numbered, assert_balanced, session_of_several, taken_by_lane

from fer_edge.capture.base import Source
from fer_edge.detect import FakeDetector
from fer_edge.errors import SourceUnreadable, StageFailed
from fer_edge.pipeline import reader
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.supervisor import MOST_HANGING, Supervisor
from fer_edge.service.health import DEGRADED, HealthMonitor
from fer_edge.types import Face, Image


def beside_a_good_one(cameras: Iterable[Source], from_the_start: bool = False) -> Session:
    """Return a session of a camera that works, and of one that is the next of `cameras` each time it fails."""
    rest = iter(cameras)
    sources: Dict[str, Source] = {"bad": next(rest), "good": Camera()}
    reconnections = {
        name: quick_reconnection(make, from_the_start, camera=name)
        for name, make in {"bad": lambda: next(rest), "good": Camera}.items()
    }
    return session_of_several(sources, reconnections=reconnections, supervisor=Supervisor())


def take_until(session: Session, condition: Callable[[Dict[str, List[int]]], object]) -> Dict[str, List[int]]:
    """Take observations, as the loop of somebody does who knows nothing of supervision."""
    seen: Dict[str, List[int]] = {lane.name: [] for lane in session.lanes}

    def take() -> bool:
        observation = session.take(20)
        assert observation is not None
        seen[observation.frame.source].append(observation.frame.index)
        return bool(condition(seen))

    until(take)
    return seen


@pytest.mark.parametrize("then", [fail, lambda: False], ids=["fails", "ends"])
def test_a_lane_waits_alone_for_its_camera_and_its_frame_numbers_go_on(then: Callable[[], Optional[bool]]) -> None:
    session = beside_a_good_one([Camera(5, then), Camera(0, missing), Camera(0, missing), Camera()])
    with session:
        seen = take_until(session, lambda seen: min(map(len, seen.values())) > 20)
        assert session.troubles() == ()
    assert all(indices == sorted(set(indices)) for indices in seen.values())
    assert (session.lane("bad").reconnects, session.lane("good").reconnects) == (1, 0)
    assert_balanced(session)


def test_a_camera_that_is_missing_at_the_start_is_waited_for_beside_one_that_works() -> None:
    session = beside_a_good_one([*(Camera(0, missing) for _ in range(5)), Camera()], from_the_start=True)
    with session:
        take_until(session, lambda seen: len(seen["bad"]) > 5)
        assert session.troubles() == ()
    assert_balanced(session)


def test_troubles_and_health_say_which_camera_is_lost() -> None:
    session = beside_a_good_one([Camera(2, fail), *(Camera(0, missing) for _ in range(10_000))])
    monitor = HealthMonitor(session.rates, session.troubles, cameras=session.lanes)
    with session:
        take_until(session, lambda seen: "There is no camera" in session.lane("bad").trouble())
        monitor.frame_analysed("good")
        (trouble,) = session.troubles()
        health = monitor.health()
    assert trouble.startswith("camera bad: the source is lost since")
    assert session.lane("good").trouble() == ""
    assert health.status == DEGRADED
    assert any(reason.startswith("camera bad: the source is lost") for reason in health.reasons)
    assert not any("good" in reason for reason in health.reasons)
    assert "There is no camera" in health.to_json()["cameras"]["bad"]["trouble"]
    assert health.to_json()["cameras"]["good"]["trouble"] == ""


def test_a_change_of_state_names_the_camera_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    session = beside_a_good_one([Camera(5, fail), Camera()])
    with session:
        take_until(session, lambda seen: len(seen["bad"]) > 10)
    told = [(record.event, record.camera) for record in caplog.records if hasattr(record, "event")]
    assert told == [("source_lost", "bad"), ("source_back", "bad")]
    assert "camera bad is lost" in caplog.text


@pytest.mark.parametrize("where", ["opening of the source", "grab"])
def test_a_driver_that_hangs_is_found_though_the_other_cameras_leave_no_time_to_look(
    where: str, monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.3)
    bad = Camera(0 if where != "grab" else 3, hang)
    bad.opening_limit = 0.3
    session = beside_a_good_one([bad, Camera()], from_the_start=True)
    with session:
        seen = take_until(session, lambda seen: len(seen["bad"]) > 20)
        assert session.incidents().hung == 1
        assert any("hangs in a driver" in trouble for trouble in session.troubles())
    assert seen["bad"] == sorted(set(seen["bad"]))
    assert_balanced(session)


def test_without_reconnection_a_driver_that_hangs_ends_its_lane_alone(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.3)
    long = Camera(300, lambda: False)
    session = session_of_several({"bad": Camera(3, hang), "good": long}, supervisor=Supervisor())
    count = 0
    with pytest.raises(StageFailed, match="grab did not return"):
        for observation in session:
            count += observation.frame.source == "good"
            if session.lane("bad").ended:
                long._frames = 0
    assert count > 3
    assert session.lane("good").error is None
    assert_balanced(session)


def test_a_lane_in_which_too_many_threads_hang_waits_until_they_come_back_and_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    wake = threading.Event()

    def hang_until_woken() -> bool:
        wake.wait(60)
        return False

    made: List[Source] = []

    def cameras() -> Iterator[Source]:
        while True:
            made.append(Camera() if wake.is_set() else Camera(1, hang_until_woken))
            yield made[-1]

    session = beside_a_good_one(cameras())
    try:
        with session:
            take_until(session, lambda seen: "threads hang in drivers" in session.lane("bad").trouble())
            assert session.incidents().hung >= MOST_HANGING
            count, before = len(made), session.lane("good").balance().emitted
            take_until(session, lambda seen: session.lane("good").balance().emitted > before + 50)
            assert len(made) == count, "no further thread is risked"
            assert not session.lane("bad").ended
            wake.set()
            numbers = take_until(session, lambda seen: len(seen["bad"]) > 5)["bad"]
        assert numbers == sorted(set(numbers))
        assert_balanced(session)
    finally:
        wake.set()


class FailsOn(FakeDetector):
    """Raises at some of its calls, counted over all that are built."""

    calls = 0

    def __init__(self, *bad: int) -> None:
        super().__init__([FACE])
        self._bad = bad

    def detect(self, image: Image) -> Tuple[Face, ...]:
        FailsOn.calls += 1
        if FailsOn.calls in self._bad:
            raise ZeroDivisionError("of the library")
        return super().detect(image)


@pytest.mark.parametrize(("bad", "seen_of_both"), [((7,), 20), ((7, 8), 19)], ids=["once", "again"])
def test_a_frame_of_a_file_on_which_a_stage_fails_is_tried_once_more(bad: Tuple[int, ...], seen_of_both: int) -> None:
    FailsOn.calls = 0
    session = session_of_several(
        {"front": Numbered(10), "door": Numbered(10)}, lambda: FailsOn(*bad), supervisor=Supervisor()
    )
    seen = taken_by_lane(session)
    assert sum(map(len, seen.values())) == seen_of_both
    assert all(frames == sorted(frames) for frames in seen.values())
    assert session.incidents().restarts == {"detect": len(bad)}
    assert_balanced(session)


def test_a_frame_of_a_camera_on_which_a_stage_fails_is_lost_and_newer_ones_come() -> None:
    FailsOn.calls = 0
    session = session_of_several({"front": Camera(), "door": Camera()}, lambda: FailsOn(7), supervisor=Supervisor())
    with session:
        take_until(session, lambda seen: all(len(frames) > 10 for frames in seen.values()))
    assert session.incidents().restarts == {"detect": 1}
    assert_balanced(session)


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9, 3), np.float64), np.zeros((9, 9), np.uint8), np.zeros((0, 9, 3), np.uint8), "no image"]
)
def test_a_source_that_gives_no_image_ends_its_own_lane_alone(image: object) -> None:
    class Nonsense(Numbered):
        def retrieve(self) -> Image:
            super().retrieve()
            return image  # type: ignore[return-value]

    session = session_of_several({"good": Numbered(10), "bad": Nonsense(10)})
    with pytest.raises(SourceUnreadable, match="camera bad: The source 'bad' gave"):
        taken_by_lane(session)
    assert session.lane("good").balance().emitted == 10
    assert session.lane("bad").balance().captured == 0
