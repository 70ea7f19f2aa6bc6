"""One stage between two mailboxes, and stages whose calls take long."""

from __future__ import annotations

import threading
import time
from typing import Callable, List, Tuple

import pytest
from failing_cameras import FACE, Camera, assert_balanced, supervised, watch

from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.pipeline import stage
from fer_edge.pipeline.mailbox import Mailbox
from fer_edge.types import Face, Image, StageTime


class Line:
    """A stage that works on numbers, by hand: what goes in, what comes out, what is lost, and when."""

    def __init__(self, work: Callable[[int], int], give_back: Callable[[], None] = lambda: None) -> None:
        self.now = 0.0
        self.inbox: Mailbox[int] = Mailbox(lambda: self.now)
        self.outbox: Mailbox[int] = Mailbox(lambda: self.now)
        self.lost: List[int] = []
        self.times: List[StageTime] = []
        self.stage: stage.Stage[int, int] = stage.Stage(
            "work", lambda: (work, give_back), self.inbox, self.outbox, self._stamp, self.lost.append, lambda: self.now
        )

    def _stamp(self, result: int, spent: StageTime) -> int:
        self.times.append(spent)
        return result

    def run(self) -> None:
        self.stage.worker.thread.start()


def test_the_time_that_an_item_waited_is_no_work_of_the_stage() -> None:
    def work(item: int) -> int:
        line.now += 0.5
        return item

    line = Line(work)
    line.inbox.put(1)
    line.now += 2.0
    line.run()
    assert line.outbox.take(20) == (1, 0.0)
    line.inbox.finish()
    line.stage.worker.thread.join(20)
    assert line.times == [StageTime(queue_wait=2.0, service=0.5)]


def test_what_waits_before_a_stage_that_fails_counts_as_lost_like_the_item_it_failed_on() -> None:
    entered, go = threading.Event(), threading.Event()

    def work(item: int) -> int:
        entered.set()
        go.wait(20)
        raise ZeroDivisionError("of the library")

    line = Line(work)
    line.run()
    line.inbox.put(1)
    assert entered.wait(20)
    line.inbox.put(2)
    go.set()
    with pytest.raises(Exception, match="The work stage failed: ZeroDivisionError"):
        line.outbox.take(20)
    assert line.lost == [1, 2]


def test_what_goes_wrong_in_closing_does_not_hide_why_the_work_ended() -> None:
    def work(item: int) -> int:
        raise ZeroDivisionError("of the library")

    def give_back() -> None:
        raise OSError("the driver is gone")

    line = Line(work, give_back)
    line.inbox.put(1)
    line.run()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        line.outbox.take(20)


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

    pipeline, supervisor = supervised([Camera()], detector=lambda: Slow(build, fail_first))
    with pipeline:
        watch(pipeline, 10)
    assert supervisor.incidents().restarts == {"detect": 2}
    assert_balanced(pipeline)


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

    pipeline, supervisor = supervised([Camera()], detector=build)
    with pipeline:
        assert entered.wait(20)
        looked = 0.0
        while looked < 0.5:
            began = time.monotonic()
            assert pipeline.take(0.02) is None
            assert pipeline.preparing
            pipeline.look_after()
            looked += time.monotonic() - began
        # A busy machine may keep a later call from returning in a tenth of a second.
        monkeypatch.setattr(stage, "WORK_LIMIT", 60.0)
        end.set()
        watch(pipeline, 3)
        assert not pipeline.preparing
    assert supervisor.incidents().hung == 0
    assert Slow.built == 1
