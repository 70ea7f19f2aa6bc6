"""One stage between two mailboxes, and stages whose calls take long."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from typing import Callable, List, Sequence, Tuple

import numpy as np
import pytest
from failing_cameras import Camera, supervised, watch
from small_sessions import CAMERA, FACE, assert_balanced

from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.pipeline import stage
from fer_edge.pipeline.mailbox import Mailbox
from fer_edge.pipeline.order import LaneOrder
from fer_edge.pipeline.stage_spec import StageSpec, StageWork
from fer_edge.types import Face, Frame, Image, Observation, StageTime


class ByHand(StageWork):
    """Work that a test gives as a call."""

    def __init__(self, work: Callable[[Observation], Observation], give_back: Callable[[], None]) -> None:
        self._work = work
        self._give_back = give_back

    def work(self, observations: Sequence[Observation]) -> Sequence[Observation]:
        return [self._work(one) for one in observations]

    def close(self) -> None:
        self._give_back()


class Line:
    """A stage that works by hand on the frames of one lane: what goes in, what comes out, what is lost, and when."""

    def __init__(
        self, work: Callable[[Observation], Observation], give_back: Callable[[], None] = lambda: None
    ) -> None:
        self.now = 0.0
        self.inbox: Mailbox[Observation] = Mailbox([CAMERA], lambda: self.now)
        self.outbox: Mailbox[Observation] = Mailbox([CAMERA], lambda: self.now)
        self.lost: List[int] = []
        self.recorded: List[Tuple[str, str, float, bool]] = []
        self.stage = stage.Stage(
            StageSpec("work", "working", lambda: ByHand(work, give_back)),
            self.inbox,
            self.outbox,
            LaneOrder([CAMERA]),
            lambda *what: self.recorded.append(what),
            lambda lost: self.lost.append(lost.frame.index),
            lambda: self.now,
        )

    def put(self, index: int) -> None:
        self.inbox.put(CAMERA, Observation(a_frame(index)))

    def take(self) -> Observation:
        (delivery,) = self.outbox.take(1, 20)
        assert delivery.item is not None
        return delivery.item

    def run(self) -> threading.Thread:
        (only,) = self.stage.threads
        only.worker.thread.start()
        return only.worker.thread


def a_frame(index: int) -> Frame:
    return Frame(index, 0.0, datetime.now(timezone.utc), np.zeros((1, 1, 3), np.uint8), CAMERA)


def test_the_time_that_an_item_waited_is_no_work_of_the_stage() -> None:
    def work(item: Observation) -> Observation:
        line.now += 0.5
        return item

    line = Line(work)
    line.put(1)
    line.now += 2.0
    thread = line.run()
    assert line.take().times == {"work": StageTime(queue_wait=2.0, service=0.5)}
    line.inbox.finish(CAMERA)
    thread.join(20)
    assert line.recorded == [(CAMERA, "work", 0.5, False)]


def test_what_waits_before_a_stage_that_fails_counts_as_lost_like_the_item_it_failed_on() -> None:
    entered, go = threading.Event(), threading.Event()

    def work(item: Observation) -> Observation:
        entered.set()
        go.wait(20)
        raise ZeroDivisionError("of the library")

    line = Line(work)
    line.run()
    line.put(1)
    assert entered.wait(20)
    line.put(2)
    go.set()
    with pytest.raises(Exception, match="The work stage failed: ZeroDivisionError"):
        line.take()
    assert line.lost == [1, 2]


def test_what_goes_wrong_in_closing_does_not_hide_why_the_work_ended() -> None:
    def work(item: Observation) -> Observation:
        raise ZeroDivisionError("of the library")

    def give_back() -> None:
        raise OSError("the driver is gone")

    line = Line(work, give_back)
    line.put(1)
    line.run()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        line.take()


class Slow(FakeDetector):
    """Takes `seconds` for its building and for its first call, each as often as it is built."""

    built = 0

    def __init__(self, build: Callable[[int], object], first: Callable[[int], object]) -> None:
        super().__init__([FACE])
        self._first = first
        self._called = False
        self._number = Slow.built
        Slow.built += 1
        build(self._number)

    def detect(self, image: Image) -> Tuple[Face, ...]:
        if not self._called:
            self._called = True
            self._first(self._number)
        return super().detect(image)


@pytest.fixture(autouse=True)
def _none_built() -> None:
    Slow.built = 0


def fail_first(number: int) -> None:
    if number == 0:
        raise ZeroDivisionError("of the library")


def test_a_rebuild_that_hangs_is_given_up_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]
) -> None:
    monkeypatch.setattr(stage, "REBUILD_LIMIT", 0.2)

    def build(number: int) -> object:
        return hang() if number == 1 else None

    session = supervised([Camera()], detector=lambda: Slow(build, fail_first))
    with session:
        watch(session, 10)
    assert session.incidents().restarts == {"detect": 2}
    assert_balanced(session)


@pytest.mark.parametrize("what", ["the first build", "the first call"])
def test_a_first_build_and_a_first_call_may_take_longer_than_any_other(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "WORK_LIMIT", 0.1)
    monkeypatch.setattr(stage, "REBUILD_LIMIT", 0.1)
    entered, end = threading.Event(), threading.Event()

    def wait(number: int) -> object:
        entered.set()
        return end.wait(20)

    def not_at_all(number: int) -> None:
        pass

    def build() -> FaceDetector:
        return Slow(*((wait, not_at_all) if what == "the first build" else (not_at_all, wait)))

    session = supervised([Camera()], detector=build)
    with session:
        assert entered.wait(20)
        looked = 0.0
        while looked < 0.5:
            began = time.monotonic()
            assert session.take(0.02) is None
            assert session.preparing
            session.look_after()
            looked += time.monotonic() - began
        # A busy machine may keep a later call from returning in a tenth of a second.
        monkeypatch.setattr(stage, "WORK_LIMIT", 60.0)
        end.set()
        watch(session, 3)
        assert not session.preparing
    assert session.incidents().hung == 0
    assert Slow.built == 1
