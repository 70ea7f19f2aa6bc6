"""What the reader does with its source, with real threads."""

from __future__ import annotations

import threading
import time
from typing import Callable, List, Optional

import numpy as np
import pytest
from failing_cameras import Camera, fail, missing, reopening, supervised, until, watch
from small_sessions import assert_balanced, session_of

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.detect import FakeDetector
from fer_edge.errors import SourceStalled, SourceUnreadable
from fer_edge.pipeline import reader
from fer_edge.pipeline.mailbox import Closed
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.worker import Call
from fer_edge.types import Image


def unsupervised(source: Source, clock: Callable[[], float] = time.monotonic) -> Session:
    return session_of(source, FakeDetector, clock=clock)


class Blocking(Camera):
    """Stands in `grab` after some frames until it is interrupted, as a driver does."""

    def __init__(self, frames: int = 1, error: Optional[Exception] = None) -> None:
        super().__init__(frames, self._block)
        self.interrupted, self.blocked = threading.Event(), threading.Event()
        self._error = error

    def _block(self) -> bool:
        self.blocked.set()
        self.interrupted.wait(30)
        if self._error is not None:
            raise self._error
        return False

    def interrupt(self) -> None:
        self.interrupted.set()


def test_a_source_whose_opening_hangs_is_abandoned(hang: Callable[[], bool]) -> None:
    slow = Camera(0, hang)
    slow.opening_limit = 0.2
    session = supervised([Camera(5, fail), slow, Camera()])
    with session:
        watch(session, 40)
    assert session.incidents().hung == 1
    assert_balanced(session)


def test_a_source_whose_closing_hangs_is_abandoned(monkeypatch: pytest.MonkeyPatch, hang: Callable[[], bool]) -> None:
    class Sticky(Camera):
        def close(self) -> None:
            super().close()
            hang()

    monkeypatch.setattr(reader, "CLOSE", Call("closing of the source", 0.2))
    session = supervised([Sticky(5, fail), Camera()])
    with session:
        watch(session, 40)
    assert session.incidents().hung == 1
    assert_balanced(session)


def test_a_source_that_hangs_is_interrupted_so_that_its_thread_may_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    bad = Blocking(5)
    session = supervised([bad, Camera()])
    with session:
        watch(session, 30)
        assert bad.interrupted.is_set()
        until(lambda: not any("hang" in trouble for trouble in session.troubles()))
    assert bad.closed.is_set()


def test_a_stop_wakes_a_source_that_waits_for_a_picture_and_what_it_says_then_is_no_error() -> None:
    source = Blocking(error=SourceStalled("The read was interrupted."))
    session = unsupervised(source)
    with session:
        session.take(20)
        assert source.blocked.wait(20)
    assert source.interrupted.is_set()
    assert source.closed.is_set()
    with pytest.raises(Closed):
        session.take(0)


def test_a_stop_during_an_error_of_the_source_is_told_as_a_stop() -> None:
    source = Blocking(error=SourceStalled("The read was interrupted."))
    session = unsupervised(source)
    with session:
        session.take(20)
        assert source.blocked.wait(20)
        session.lanes[0].reader.stop()
        with pytest.raises(Closed):
            session.take(20)


def test_no_source_is_opened_any_more_after_a_stop_that_came_while_it_was_made() -> None:
    opened, making, go = threading.Event(), threading.Event(), threading.Event()

    class Late(Camera):
        def open(self) -> SourceInfo:
            opened.set()
            return super().open()

    def make() -> Source:
        making.set()
        go.wait(20)
        return Late()

    session = reopening(Camera(1, fail), make)
    session.start()
    session.take(20)
    assert making.wait(20)
    stopping = threading.Thread(target=session.stop)
    stopping.start()
    until(session.lanes[0].reader._stopping.is_set)
    go.set()
    stopping.join(20)
    assert not opened.is_set()
    assert_balanced(session)


def test_a_lost_source_is_not_asked_for_again_before_its_time() -> None:
    made: List[Source] = []

    def make() -> Source:
        made.append(Camera(0, missing))
        return made[-1]

    session = reopening(Camera(1, fail), make, backoff=(600.0, 600.0))
    with session:
        session.take(20)
        until(session.lanes[0].trouble)
        assert session.take(0.3) is None
    assert made == []


def test_a_picture_cannot_be_changed_by_one_who_gets_it() -> None:
    observation = next(iter(unsupervised(Camera(3))))
    with pytest.raises(ValueError, match="read-only"):
        observation.frame.image[0, 0] = 0


def test_that_no_picture_has_come_yet_is_not_the_end_of_the_source() -> None:
    class Hesitant(Camera):
        asked = 0

        def grab(self) -> Optional[bool]:
            self.asked += 1
            return super().grab() if self.asked % 3 == 0 else None

    source = Hesitant(5)
    source.live = False
    assert [observation.frame.index for observation in unsupervised(source)] == [0, 1, 2, 3, 4]


def test_one_whole_picture_ends_a_series_of_damaged_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    class Impatient(reader.UndecodableImages):
        def __init__(self, clock: Callable[[], float]) -> None:
            super().__init__(lambda: now[0], 5.0)

    class Spotty(Camera):
        """Gives a damaged picture after each whole one; between two of the same kind pass four seconds."""

        def retrieve(self) -> Image:
            now[0] += 2.0
            if self._given % 2 == 0:
                raise SourceUnreadable("It cannot be decoded.")
            return super().retrieve()

    monkeypatch.setattr(reader, "UndecodableImages", Impatient)
    session = supervised([Spotty(), Camera()])
    with session:
        watch(session, 10)
        until(lambda: session.lanes[0].undecodable > 10, session)
    assert session.lanes[0].reconnects == 0
    assert session.lanes[0].trouble() == ""


@pytest.mark.parametrize(("live", "work"), [(True, 0.25), (False, 1.25)], ids=["a camera", "a file"])
def test_waiting_for_a_camera_is_no_work_and_reading_a_file_is(live: bool, work: float) -> None:
    now = [0.0]

    class Timed(Camera):
        def grab(self) -> Optional[bool]:
            now[0] += 1.0
            return super().grab()

        def retrieve(self) -> Image:
            now[0] += 0.25
            return super().retrieve()

    source = Timed(1)
    source.live = live
    (observation,) = unsupervised(source, clock=lambda: now[0])
    assert observation.times["capture"].service == work


def test_a_picture_that_is_made_on_demand_is_made_only_when_somebody_wants_it() -> None:
    class Unpaced(Camera):
        on_demand = True

        def grab(self) -> Optional[bool]:
            self._given += 1
            return True

    entered, go = threading.Event(), threading.Event()

    class Slow(FakeDetector):
        def detect(self, image: Image) -> tuple:  # type: ignore[override]
            entered.set()
            go.wait(20)
            return ()

    source = Unpaced()
    session = session_of(source, Slow)
    with session:
        assert entered.wait(20)
        assert session.take(0.2) is None
        assert source._given == 1
        go.set()
        seen = [session.take(20) for _ in range(10)]
    assert [one.frame.index for one in seen if one is not None] == list(range(10))
    assert int(np.max([one.frame.image.max() for one in seen if one is not None])) == 10
