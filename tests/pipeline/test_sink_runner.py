from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import Callable, Iterable, List

import numpy as np
import pytest

from fer_edge.errors import DiskFull, OutputClosed, OutputNotWritable, ResultUnwritable
from fer_edge.pipeline import backlog, sink_deadline, sink_policy, sink_state
from fer_edge.pipeline import sink_runner as runners
from fer_edge.pipeline.backlog import MOST_WAITING
from fer_edge.pipeline.current_sink import CurrentSink
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.sink_deadline import Deadline, close_together
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.pipeline.sink_state import SinkState
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.fake import MemorySink
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


def later(release: threading.Event, written: List[int]) -> Sink:
    """Open a sink, as soon as the disk answers."""
    release.wait(20)
    return Script(written)


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def feed(runner: SinkRunner, indices: Iterable[int]) -> None:
    """Offer the results of a file as its reader does: each when there is room."""
    for index in indices:
        until(lambda: runner.room(""), 20)
        runner.offer(observation(index), Rates(), live=False)


def quick() -> Backoff:
    return Backoff(0.01, 0.05)


def test_everything_is_written_in_order_and_the_rest_before_the_end() -> None:
    written: List[int] = []
    with SinkRunner("list", lambda attempt: Script(written)) as runner:
        for index in range(MOST_WAITING):
            runner.offer(observation(index), Rates())
    assert written == list(range(MOST_WAITING))
    assert runner.lost == 0


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

    with SinkRunner("list", open_sink, backoff=quick()) as runner:
        for index in range(5):
            runner.offer(observation(index), Rates())
        until(lambda: len(attempts) > 2)
        assert runner.trouble() == "list does not work: The disk is full."
        full[0] = False
        until(lambda: len(written) == 5)
        until(lambda: not runner.trouble())
    assert written == [0, 1, 2, 3, 4]
    assert attempts == list(range(len(attempts)))


def test_a_sink_that_never_worked_ends_with_its_error_unless_it_is_to_be_waited_for() -> None:
    def refuse(index: int) -> None:
        raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull), SinkRunner("list", lambda attempt: Script([], refuse), required=True) as runner:
        runner.offer(observation(0), Rates())
        until(lambda: runner.ended)
    written: List[int] = []
    tries: List[int] = []

    def not_yet(attempt: int) -> Sink:
        tries.append(attempt)
        if len(tries) < 3:
            raise DiskFull("The disk is full.")
        return Script(written)

    with SinkRunner("list", not_yet, required=True, from_the_start=True, backoff=quick()) as runner:
        runner.offer(observation(0), Rates())
        until(lambda: written)


def test_a_sink_that_does_not_recover_tells_so_at_the_end() -> None:
    def allow(index: int) -> None:
        if index:
            raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull), SinkRunner("list", lambda attempt: Script([], allow), backoff=quick()) as runner:
        runner.offer(observation(0), Rates())
        runner.offer(observation(1), Rates())
        until(runner.trouble)


def test_a_sink_that_hangs_holds_up_nobody_and_the_oldest_results_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sink_state, "SLOW_AFTER", 0.0)
    release = threading.Event()
    written: List[int] = []
    with SinkRunner("list", lambda attempt: Script(written, lambda index: bool(release.wait(20)) and None)) as runner:
        for index in range(100):
            runner.offer(observation(index), Rates())
        until(lambda: "has been writing" in runner.trouble())
        release.set()
    assert written[-MOST_WAITING:] == list(range(100 - MOST_WAITING, 100))
    assert runner.lost == 100 - len(written)


def test_pictures_that_wait_stay_within_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 3 * 100 * 100 * 3)
    release = threading.Event()
    written: List[int] = []
    with SinkRunner("list", lambda attempt: Script(written, lambda index: bool(release.wait(20)) and None)) as runner:
        for index in range(10):
            runner.offer(observation(index, (100, 100)), Rates())
        release.set()
    assert len(written) in (3, 4)
    assert written[-3:] == [7, 8, 9]


def test_the_end_does_not_wait_for_a_sink_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(runners, "SLOW_AFTER", 0.0)
    release = threading.Event()
    runner = SinkRunner("list", lambda attempt: Script([], lambda index: bool(release.wait(20)) and None))
    runner.open()
    runner.offer(observation(0), Rates())
    try:
        # Results are missing, and whoever looks at the exit code shall know.
        with pytest.raises(OutputNotWritable, match="List did not take the last results"):
            runner.close()
    finally:
        release.set()


def test_a_sink_that_fails_again_at_once_counts_as_one_outage(caplog: pytest.LogCaptureFixture) -> None:
    calls: List[int] = []

    def every_other(index: int) -> None:
        calls.append(index)
        if len(calls) % 2 == 0:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    with SinkRunner("list", lambda attempt: Script(written, every_other), backoff=quick()) as runner:
        for index in range(10):
            runner.offer(observation(index), Rates())
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

    with SinkRunner("pipe", open_sink) as runner:
        runner.offer(observation(0), Rates())
        until(lambda: runner.ended)
    assert attempts == [0]
    assert isinstance(runner.ended, OutputClosed)


def test_a_sink_that_cannot_be_opened_at_the_start_is_trouble_from_the_start_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(opened: int) -> Script:
        raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull), SinkRunner("list", refuse, backoff=quick()) as runner:
        assert "The disk is full." in runner.trouble()
        assert [record.event for record in caplog.records] == ["sink_lost"]  # type: ignore[attr-defined]


def test_what_still_waits_when_the_end_comes_in_an_outage_is_counted_as_left_out() -> None:
    def allow(index: int) -> None:
        if index:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    runner = SinkRunner("list", lambda opened: Script(written, allow), backoff=Backoff(60.0, 60.0))
    runner.open()
    for index in range(11):
        runner.offer(observation(index), Rates())
    until(runner.trouble)
    with pytest.raises(DiskFull):
        runner.close()
    assert written == [0]
    assert runner.lost == 10


def test_the_end_of_a_run_is_a_last_chance_for_a_sink_that_waits_for_its_next_attempt() -> None:
    full = [True]

    def allow(index: int) -> None:
        if index and full[0]:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    with SinkRunner("list", lambda opened: Script(written, allow), backoff=Backoff(60.0, 60.0)) as runner:
        for index in range(5):
            runner.offer(observation(index), Rates())
        until(runner.trouble)
        full[0] = False
    assert written == [0, 1, 2, 3, 4]
    assert runner.lost == 0


def test_a_result_that_cannot_be_written_is_counted_and_left_and_the_next_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    opened: List[int] = []
    written: List[int] = []

    def allow(index: int) -> None:
        if index in (0, 2, 3):
            raise ResultUnwritable(f"The picture of frame {index} is too wide.")

    def open_sink(attempt: int) -> Sink:
        opened.append(attempt)
        return Script(written, allow)

    with SinkRunner("list", open_sink, clock=lambda: now[0]) as runner:
        for index in range(6):
            runner.offer(observation(index), Rates())
        until(lambda: len(written) == 3)
        assert runner.trouble() == ""
        assert runner.remark() == (
            "list left out 3 results that cannot be written, at last: The picture of frame 3 is too wide."
        )
        now[0] += sink_state.RECENT
        assert runner.remark() == ""
    assert (written, runner.lost, opened) == ([1, 4, 5], 3, [0])
    counts = [record.count for record in caplog.records if hasattr(record, "count")]
    assert counts == [1, 2], "the log tells of the 1st, 2nd, 4th, 8th..."


def test_what_fails_for_no_reason_of_disk_or_network_is_tried_once_more_and_then_left() -> None:
    opened: List[int] = []
    written: List[int] = []
    tried: List[int] = []

    def allow(index: int) -> None:
        tried.append(index)
        if index == 1:
            raise KeyError("no such landmark")

    def open_sink(attempt: int) -> Sink:
        opened.append(attempt)
        return Script(written, allow)

    with SinkRunner("list", open_sink, backoff=quick()) as runner:
        for index in range(4):
            runner.offer(observation(index), Rates())
        until(lambda: len(written) == 3)
    assert (written, tried, runner.lost) == ([0, 2, 3], [0, 1, 1, 2, 3], 1)


@pytest.mark.parametrize("error", [DiskFull("The disk is full."), OSError("no route to host")])
def test_what_fails_for_a_disk_or_network_is_tried_until_it_can_be_written(error: Exception) -> None:
    written: List[int] = []
    tried: List[int] = []

    def allow(index: int) -> None:
        tried.append(index)
        if 1 < len(tried) < 8:
            raise error

    with SinkRunner("list", lambda attempt: Script(written, allow), backoff=quick()) as runner:
        for index in range(3):
            runner.offer(observation(index), Rates())
        until(lambda: len(written) == 3)
    assert (written, runner.lost) == ([0, 1, 2], 0)


def test_a_sink_of_a_file_s_results_is_waited_for_and_gets_all_of_them() -> None:
    written: List[int] = []
    slow = threading.Event()
    with SinkRunner("list", lambda attempt: Script(written, lambda index: bool(slow.wait(0.002)))) as runner:
        feed(runner, range(5 * MOST_WAITING))
    assert (written, runner.lost) == (list(range(5 * MOST_WAITING)), 0)


def test_the_first_failure_of_a_sink_of_a_file_s_results_ends_it() -> None:
    def allow(index: int) -> None:
        if index == 3:
            raise DiskFull("The disk is full.")

    opened: List[int] = []

    def open_sink(attempt: int) -> Sink:
        opened.append(attempt)
        return Script([], allow)

    with pytest.raises(DiskFull), SinkRunner("list", open_sink, backoff=quick(), required=True) as runner:
        feed(runner, range(3 * MOST_WAITING))
        assert isinstance(runner.ended, DiskFull)
    assert opened == [0]


def test_a_file_s_results_are_waited_for_no_longer_once_the_end_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(runners, "SLOW_AFTER", 0.0)
    release, stop = threading.Event(), threading.Event()
    runner = SinkRunner(
        "list", lambda attempt: Script([], lambda _: bool(release.wait(20)) and None), required=True, stop=stop
    )
    runner.open()
    try:
        feed(runner, range(MOST_WAITING + 1))
        assert not runner.room("")
        stop.set()
        with pytest.raises(OutputNotWritable, match="did not take the last results"):
            runner.close()
        assert runner.lost == MOST_WAITING + 1
    finally:
        release.set()


def test_a_sink_that_hangs_at_the_end_of_a_file_is_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "HUNG_AFTER", 0.3)
    monkeypatch.setattr(sink_policy, "HUNG_AFTER", 0.3)
    release = threading.Event()
    runner = SinkRunner("list", lambda attempt: Script([], lambda _: bool(release.wait(20)) and None))
    runner.open()
    try:
        runner.offer(observation(0), Rates(), live=False)
        with pytest.raises(OutputNotWritable, match="did not take the last results"):
            runner.close()
    finally:
        release.set()


def test_the_reader_of_a_file_s_results_that_went_away_is_told_at_the_end_if_not_before() -> None:
    def gone(index: int) -> None:
        raise OutputClosed("The reader went away.")

    with pytest.raises(OutputClosed), SinkRunner("pipe", lambda attempt: Script([], gone), required=True) as runner:
        runner.offer(observation(0), Rates(), live=False)


def test_a_disk_that_hangs_at_the_start_ends_the_program_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "OPEN_SECONDS", 0.2)
    release = threading.Event()
    runner = SinkRunner("list", lambda attempt: later(release, []), required=True)
    try:
        with pytest.raises(OutputNotWritable, match="List could not be opened within"):
            runner.open()
    finally:
        release.set()


def test_a_disk_that_hangs_at_the_start_is_waited_for_while_the_analysis_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runners, "OPEN_SECONDS", 0.2)
    monkeypatch.setattr(sink_state, "SLOW_AFTER", 0.0)
    release = threading.Event()
    written: List[int] = []
    with SinkRunner("list", lambda attempt: later(release, written)) as runner:
        runner.offer(observation(0), Rates())
        assert "list has been opening for" in runner.trouble()
        release.set()
        until(lambda: written)
    assert (written, runner.lost) == ([0], 0)


def test_the_end_does_not_wait_for_a_disk_that_hangs_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(runners, "SLOW_AFTER", 0.0)
    release, stop = threading.Event(), threading.Event()
    runner = SinkRunner("list", lambda attempt: later(release, []), stop=stop)
    stop.set()
    try:
        runner.open()
        with pytest.raises(OutputNotWritable):
            runner.close()
    finally:
        release.set()


def test_delays_begin_anew_once_a_sink_has_worked_and_not_before() -> None:
    """Told apart by the delays themselves: 1, 2, 4... of which none is drawn here."""
    resets: List[str] = []

    class Watched(Backoff):
        def reset(self) -> None:
            resets.append("reset")
            super().reset()

    now = [0.0]
    full = [False]

    def allow(index: int) -> None:
        if full[0]:
            full[0] = False
            raise DiskFull("The disk is full.")

    written: List[int] = []
    backoff = Watched(0.01, 60.0, lambda: 1.0)
    with SinkRunner("list", lambda opened: Script(written, allow), backoff=backoff, clock=lambda: now[0]) as runner:
        for index in range(6):
            if index in (1, 2):
                full[0] = True
            runner.offer(observation(index), Rates())
            until(lambda expected=index + 1: len(written) == expected)  # type: ignore[misc]
            if index < 4:
                assert resets == []
            now[0] += sink_state.STEADY_AFTER / 2
        until(lambda: resets)
        assert resets == ["reset"]
        assert backoff.next() == 0.01


class Opening(MemorySink):
    """Runs something when it is opened."""

    def __init__(self, at_opening: Callable[[], object]) -> None:
        super().__init__()
        self._at_opening = at_opening

    def open(self, info: StreamInfo) -> None:
        super().open(info)
        self._at_opening()


def test_a_sink_is_made_at_the_start_and_opened_in_the_same_thread_when_the_first_observation_comes() -> None:
    done: List[str] = []
    sink = Opening(lambda: done.append(f"opened by {threading.current_thread().name}"))

    def make(opened: int) -> Sink:
        done.append(f"made by {threading.current_thread().name}")
        return sink

    with SinkRunner("list", make) as runner:
        assert (done, sink.info) == (["made by fer-edge-list"], None)
        runner.offer(observation(0), Rates())
        until(lambda: sink.items)
    assert done == ["made by fer-edge-list", "opened by fer-edge-list"]
    assert sink.info == StreamInfo("", 4, 4, 0.0, True)
    assert sink.closed


class Losing(MemorySink):
    """Lost something, and takes its time to close."""

    def __init__(self, lost: int, release: threading.Event) -> None:
        super().__init__()
        self._lost, self._release = lost, release

    @property
    def lost(self) -> int:
        return self._lost

    def close(self) -> None:
        self._release.wait(20)
        super().close()


def test_what_a_sink_says_that_it_lost_never_becomes_less_also_not_while_it_closes_or_where_another_takes_over() -> (
    None
):
    release = threading.Event()
    closing = CurrentSink(lambda opened: Losing((3, 1)[opened], release), SinkState("list", time.monotonic))
    closing.write(observation(0), Rates(), lambda first: StreamInfo())
    thread = threading.Thread(target=closing.drop)
    thread.start()
    try:
        assert closing.lost == 3
    finally:
        release.set()
        thread.join()
    assert closing.lost == 3
    closing.write(observation(1), Rates(), lambda first: StreamInfo())
    assert closing.lost == 3
    closing.close()


def test_a_sink_that_nothing_came_for_is_closed_without_having_been_opened() -> None:
    sink = MemorySink()
    with SinkRunner("list", lambda opened: sink):
        pass
    assert (sink.info, sink.closed) == (None, True)


def test_a_sink_that_is_made_anew_is_told_anew_what_comes() -> None:
    def refuse() -> None:
        raise OSError("no route to host")

    sinks = [Opening(refuse), Opening(lambda: None)]
    described: List[int] = []
    made = iter(sinks)

    def describe(first: Observation) -> StreamInfo:
        described.append(first.frame.index)
        return StreamInfo("door", fps=len(described))

    runner = SinkRunner("list", lambda opened: next(made), backoff=quick())
    runner.open(describe)
    runner.offer(observation(7), Rates())
    until(lambda: sinks[1].items)
    runner.close()
    assert described == [7, 7]
    assert [sink.info.fps for sink in sinks if sink.info is not None] == [1, 2]
    assert all(sink.closed for sink in sinks)


def test_a_sink_whose_opening_hangs_ends_as_a_mistake_and_is_seen_by_whoever_has_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runners, "OPEN_SECONDS", 0.1)
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.1)
    release = threading.Event()
    runner = SinkRunner("list", lambda opened: Opening(lambda: release.wait(20)), required=True)
    try:
        runner.open()
        feed(runner, range(3))
        until(lambda: runner.room("") and runner.ended)
        assert "could not be opened within" in str(runner.ended)
    finally:
        release.set()
        with pytest.raises(OutputNotWritable):
            runner.close()


def test_a_failure_of_a_required_sink_ends_it_only_where_all_results_are_those_of_files() -> None:
    full = [False]

    def allow(index: int) -> None:
        if full[0]:
            raise DiskFull("The disk is full.")

    written: List[int] = []
    with SinkRunner("list", lambda opened: Script(written, allow), required=True, backoff=quick()) as runner:
        runner.offer(observation(0), Rates(), live=True)
        until(lambda: written)
        full[0] = True
        camera = observation(1)
        clip = replace(camera, frame=replace(camera.frame, source="clip"))
        for _ in range(MOST_WAITING + 1):  # with the one that it tries to write
            until(lambda: runner.room("clip"))
            runner.offer(clip, Rates(), live=False)
        until(runner.trouble)
        assert not runner.room("clip"), "nothing of a file is left out for a disk that is full"
        full[0] = False
        until(lambda: len(written) == 2 + MOST_WAITING)
    assert (runner.lost, runner.ended) == (0, None)


def test_a_sink_of_a_program_that_fails_holds_up_no_file_and_what_it_lost_is_counted() -> None:
    gone = [True]

    def allow(index: int) -> None:
        if gone[0]:
            raise OSError("no route to host")

    written: List[int] = []
    with SinkRunner("collector", lambda opened: Script(written, allow), backoff=quick()) as runner:
        runner.offer(observation(0), Rates(), live=False)
        until(runner.trouble)
        feed(runner, range(1, 5 * MOST_WAITING))
        assert runner.ended is None
        gone[0] = False
        until(lambda: written and written[-1] == 5 * MOST_WAITING - 1)
        feed(runner, range(5 * MOST_WAITING, 10 * MOST_WAITING))
    assert runner.lost == 10 * MOST_WAITING - len(written) > 0
    assert written[-5 * MOST_WAITING :] == list(range(5 * MOST_WAITING, 10 * MOST_WAITING))


def test_a_sink_of_a_program_that_hangs_holds_up_a_file_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_policy, "HUNG_AFTER", 0.2)
    release = threading.Event()
    with SinkRunner("list", lambda opened: Script([], lambda _: bool(release.wait(20)) and None)) as runner:
        try:
            feed(runner, range(3 * MOST_WAITING))
            until(lambda: runner.lost)
        finally:
            release.set()


def test_whoever_has_the_results_of_a_file_is_told_when_there_is_room_again() -> None:
    release, news = threading.Event(), threading.Event()
    runner = SinkRunner("list", lambda opened: Script([], lambda _: bool(release.wait(20)) and None))
    runner.open(notify=news.set)
    for index in range(MOST_WAITING + 1):
        until(lambda: runner.room(""))
        runner.offer(observation(index), Rates(), live=False)
    news.clear()
    assert not runner.room("")
    release.set()
    assert news.wait(20)
    assert runner.room("")
    runner.close()


def test_a_run_that_ends_by_itself_tells_that_its_last_results_were_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.2)
    monkeypatch.setattr(runners, "STUCK_AFTER", 0.1)
    for wanted in (False, True):
        release, stop = threading.Event(), threading.Event()
        runner = SinkRunner("list", lambda _, on=release: Script([], lambda _: bool(on.wait(20)) and None), stop=stop)
        runner.open()
        try:
            for index in range(3):
                runner.offer(observation(index), Rates())
            if wanted:  # Somebody wants the end, whatever becomes of the last results.
                stop.set()
                runner.close()
            else:
                with pytest.raises(OutputNotWritable, match="did not take the last results"):
                    runner.close()
            assert runner.lost == 3, "with the one that it was writing"
        finally:
            release.set()


def test_a_sink_that_is_merely_slow_is_left_behind_at_the_end_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.4)
    release = threading.Event()
    runner = SinkRunner("list", lambda attempt: Script([], lambda _: bool(release.wait(1.0)) and None))
    runner.open()
    for index in range(MOST_WAITING):
        runner.offer(observation(index), Rates())
    runner.close()
    release.set()
    assert runner.lost > 0


def test_the_end_of_many_sinks_that_hang_takes_no_longer_than_that_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # By a clock that goes on a little with each look at it.
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.2)
    release, stop, looks = threading.Event(), threading.Event(), itertools.count()

    def clock() -> float:
        return next(looks) / 100

    def hang(_: int) -> None:
        release.wait(20)

    hanging = [SinkRunner("list", lambda _: Script([], hang), clock=clock, stop=stop) for _ in range(8)]
    written: List[int] = []
    working = SinkRunner("the one that works", lambda _: Script(written), clock=clock, stop=stop)
    try:
        for runner in (working, *hanging):
            runner.open()
            runner.offer(observation(0), Rates())
        until(lambda: written)
        stop.set()
        begun = clock()
        close_together((working, *hanging), clock)
        assert clock() - begun < 6 * 0.2
        assert [runner.lost for runner in (working, *hanging)] == [0] + [1] * 8
    finally:
        release.set()


def test_of_sinks_that_end_together_the_one_that_failed_is_told_and_all_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.1)
    release, stop = threading.Event(), threading.Event()
    stop.set()

    def hang(_: int) -> None:
        release.wait(20)

    def fail(_: int) -> None:
        raise OutputNotWritable("The disk is gone.")

    together = [
        SinkRunner("list", lambda _, allow=allow: Script([], allow), required=True, stop=stop)  # type: ignore[misc]
        for allow in (hang, fail, hang)
    ]
    try:
        for runner in together:
            runner.open()
            runner.offer(observation(0), Rates())
        with pytest.raises(OutputNotWritable, match="The disk is gone"):
            close_together(together)
        assert [runner.lost for runner in together] == [1] * 3, "each was given up in its turn"
    finally:
        release.set()


def test_a_sink_whose_every_result_takes_long_is_slow_and_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_deadline, "CLOSE_SECONDS", 0.1)
    now, go, release = [0.0], threading.Semaphore(0), threading.Event()

    def take(index: int) -> None:
        if index < 8:
            now[0] += 1.2
        else:
            now[0] += 1.5
            go.release()
            release.wait(20)

    runner = SinkRunner("list", lambda _: Script([], take), clock=lambda: now[0])
    runner.open()
    for index in range(9):
        runner.offer(observation(index), Rates())
    assert go.acquire(timeout=20)
    try:
        runner.close(Deadline(time.monotonic))  # nothing is raised: results were left out, and that is told
        assert runner.lost == 1
    finally:
        release.set()


def test_whoever_tells_a_sink_nothing_else_tells_whether_what_comes_is_live() -> None:
    for live in (True, False):
        sink = MemorySink()
        with SinkRunner("list", lambda _, sink=sink: sink) as runner:  # type: ignore[misc]
            runner.offer(observation(0), Rates(), live=live)
        assert sink.info == StreamInfo("", 4, 4, 0.0, live)
