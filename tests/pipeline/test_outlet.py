from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from typing import Callable, List

import numpy as np
import pytest

from fer_edge.errors import DiskFull, OutputClosed
from fer_edge.pipeline import outlet as outlets
from fer_edge.pipeline.outlet import MOST_WAITING, Outlet
from fer_edge.pipeline.retry import Backoff
from fer_edge.sinks.base import Sink
from fer_edge.types import Frame, Observation, Rates


def observation(index: int, shape: tuple[int, int] = (4, 4)) -> Observation:
    return Observation(Frame(index, 0.0, datetime.now(timezone.utc), np.zeros((*shape, 3), np.uint8)), (), {})


class Script(Sink):
    """Writes into a list what `allow` lets it write."""

    def __init__(self, written: List[int], allow: Callable[[int], None] = lambda index: None) -> None:
        self.closed = False
        self._written = written
        self._allow = allow

    def write(self, observation: Observation, rates: Rates) -> None:
        self._allow(observation.frame.index)
        self._written.append(observation.frame.index)

    def close(self) -> None:
        self.closed = True


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def quick() -> Backoff:
    return Backoff(0.01, 0.05)


def test_everything_is_written_in_order_and_the_rest_before_the_end() -> None:
    written: List[int] = []
    with Outlet("list", lambda attempt: Script(written)) as outlet:
        for index in range(MOST_WAITING):
            outlet.offer(observation(index), Rates())
    assert written == list(range(MOST_WAITING))
    assert outlet.lost == 0


def test_a_sink_that_fails_is_opened_anew_and_what_failed_is_written_again() -> None:
    written: List[int] = []
    attempts: List[int] = []
    full = [True]

    def allow(index: int) -> None:
        if index == 2 and full[0]:
            raise DiskFull("The disk is full.")

    def open_sink(attempt: int) -> Sink:
        attempts.append(attempt)
        return Script(written, allow)

    with Outlet("list", open_sink, backoff=quick()) as outlet:
        for index in range(5):
            outlet.offer(observation(index), Rates())
        until(lambda: len(attempts) > 2)
        assert outlet.trouble() == "list does not work: The disk is full."
        full[0] = False
        until(lambda: len(written) == 5)
        until(lambda: not outlet.trouble())
    assert written == [0, 1, 2, 3, 4]
    assert attempts == list(range(len(attempts)))


def test_a_sink_that_never_worked_ends_with_its_error_unless_it_is_to_be_waited_for() -> None:
    def refuse(index: int) -> None:
        raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull), Outlet("list", lambda attempt: Script([], refuse)) as outlet:
        outlet.offer(observation(0), Rates())
        until(lambda: outlet.ended)
    written: List[int] = []
    tries: List[int] = []

    def not_yet(attempt: int) -> Sink:
        tries.append(attempt)
        if len(tries) < 3:
            raise DiskFull("The disk is full.")
        return Script(written)

    with Outlet("list", not_yet, True, quick()) as outlet:
        outlet.offer(observation(0), Rates())
        until(lambda: written)


def test_a_sink_that_does_not_recover_tells_so_at_the_end() -> None:
    def allow(index: int) -> None:
        if index:
            raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull), Outlet("list", lambda attempt: Script([], allow), backoff=quick()) as outlet:
        outlet.offer(observation(0), Rates())
        outlet.offer(observation(1), Rates())
        until(outlet.trouble)


def test_a_sink_that_hangs_holds_up_nobody_and_the_oldest_results_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlets, "SLOW_AFTER", 0.0)
    release = threading.Event()
    written: List[int] = []
    with Outlet("list", lambda attempt: Script(written, lambda index: bool(release.wait(20)) and None)) as outlet:
        for index in range(100):
            outlet.offer(observation(index), Rates())
        until(lambda: "has been writing" in outlet.trouble())
        release.set()
    assert written[-MOST_WAITING:] == list(range(100 - MOST_WAITING, 100))
    assert outlet.lost == 100 - len(written)


def test_pictures_that_wait_stay_within_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "MOST_BYTES", 3 * 100 * 100 * 3)
    release = threading.Event()
    written: List[int] = []
    with Outlet("list", lambda attempt: Script(written, lambda index: bool(release.wait(20)) and None)) as outlet:
        for index in range(10):
            outlet.offer(observation(index, (100, 100)), Rates())
        release.set()
    assert len(written) in (3, 4)
    assert written[-3:] == [7, 8, 9]


def test_the_end_does_not_wait_for_a_sink_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlets, "CLOSE_SECONDS", 0.2)
    release = threading.Event()
    outlet = Outlet("list", lambda attempt: Script([], lambda index: bool(release.wait(20)) and None))
    outlet.open()
    outlet.offer(observation(0), Rates())
    outlet.close()
    # The sink would have been waited for until here.
    assert not release.is_set()
    release.set()


def test_a_sink_that_fails_again_at_once_counts_as_one_outage(caplog: pytest.LogCaptureFixture) -> None:
    calls: List[int] = []

    def every_other(index: int) -> None:
        calls.append(index)
        if len(calls) % 2 == 0:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    with Outlet("list", lambda attempt: Script(written, every_other), backoff=quick()) as outlet:
        for index in range(10):
            outlet.offer(observation(index), Rates())
        until(lambda: len(written) == 10)
    events = [record.event for record in caplog.records if hasattr(record, "event") and record.levelname == "WARNING"]
    assert events == ["sink_lost", "sink_back"]


def test_a_reader_that_went_away_is_no_fault_and_is_not_tried_again() -> None:
    attempts: List[int] = []

    def gone(index: int) -> None:
        raise OutputClosed("The reader went away.")

    def open_sink(attempt: int) -> Sink:
        attempts.append(attempt)
        return Script([], gone)

    with Outlet("pipe", open_sink) as outlet:
        outlet.offer(observation(0), Rates())
        until(lambda: outlet.ended)
    assert attempts == [0]
    assert isinstance(outlet.ended, OutputClosed)


def test_a_sink_that_cannot_be_opened_at_the_start_is_trouble_from_the_start_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(opened: int) -> Script:
        raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull), Outlet("list", refuse, True, quick()) as outlet:
        assert "The disk is full." in outlet.trouble()
        assert [record.event for record in caplog.records] == ["sink_lost"]  # type: ignore[attr-defined]


def test_what_still_waits_when_the_end_comes_in_an_outage_is_counted_as_left_out() -> None:
    def allow(index: int) -> None:
        if index:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    outlet = Outlet("list", lambda opened: Script(written, allow), backoff=Backoff(60.0, 60.0))
    outlet.open()
    for index in range(11):
        outlet.offer(observation(index), Rates())
    until(outlet.trouble)
    with pytest.raises(DiskFull):
        outlet.close()
    assert written == [0]
    assert outlet.lost == 10


def test_the_end_of_a_run_is_a_last_chance_for_a_sink_that_waits_for_its_next_attempt() -> None:
    full = [True]

    def allow(index: int) -> None:
        if index and full[0]:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    with Outlet("list", lambda opened: Script(written, allow), backoff=Backoff(60.0, 60.0)) as outlet:
        for index in range(5):
            outlet.offer(observation(index), Rates())
        until(outlet.trouble)
        full[0] = False
    assert written == [0, 1, 2, 3, 4]
    assert outlet.lost == 0
