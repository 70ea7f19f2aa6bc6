"""The history: what is kept, for how long, and that nothing tears its file."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest
from observations import START, tracked

from fer_edge.errors import DiskFull, OutputError, OutputNotWritable
from fer_edge.settings import Settings
from fer_edge.sinks import SinkRequest, StreamInfo
from fer_edge.sinks.history import ledger
from fer_edge.sinks.history import store as store_module
from fer_edge.sinks.history.reading import HistoryReader, size_of
from fer_edge.sinks.history.sink import PATIENCE, HistorySink
from fer_edge.sinks.history.store import HistoryStore, RunRow
from fer_edge.sinks.minutes import CountedMinute
from fer_edge.sinks.run_view import KnownRun
from fer_edge.track.minutes import MinuteFigures
from fer_edge.types import LABELS, FrameBalance, Observation, Rates, StateChange

HERE = Path(__file__).parent
AGES = 1e9
"""Seconds: nothing is too old."""


class Time:
    """A clock that a test turns; the wall clock goes with it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return START.timestamp() + self.now


def sink(path: Path, clock: Optional[Time] = None, **asked: Any) -> HistorySink:
    clock, memory, run = clock or Time(), asked.pop("memory", {}), asked.pop("run", KnownRun(("front",), "fernet-r"))
    options = Settings.of(history=str(path), **asked).history
    made = HistorySink(
        SinkRequest(str(path), options, memory=memory, again=bool(memory), run=run), clock.monotonic, clock.wall
    )
    made.open(StreamInfo("front"))
    return made


def stream(seconds: int, camera: str = "front", first: int = 0) -> Iterator[Observation]:
    """Give ten observations a second; the label changes every five seconds."""
    for index in range(first * 10, (first + seconds) * 10):
        yield tracked(index, "happy" if index // 50 % 2 else "sad", camera, frames=50)


def state(number: float, camera: str = "front") -> StateChange:
    begin = START + timedelta(seconds=number)
    return StateChange(camera, 1, "happy", begin, begin + timedelta(seconds=1), 1.0, 0.9, 0.8, 0.7, False, 30)


def minute(number: int, persons: float = 1.0, valence: Optional[float] = 0.5) -> CountedMinute:
    start = START.replace(second=0, microsecond=0) + timedelta(minutes=number)
    shown = {**dict.fromkeys(LABELS, 0.0), "happy": 60.0 * persons}
    return CountedMinute(MinuteFigures("front", start, 900, 60.0, persons, 2, shown, valence), 1000, 100, 51.5)


def store(path: Path, size: float = 500e6, age: float = AGES) -> HistoryStore:
    return HistoryStore(str(path), age, size)


def counts(path: Path) -> Tuple[int, int]:
    with HistoryReader(str(path)) as reader:
        assert reader.faults() == []
        return reader.counts()


def test_a_run_leaves_states_minutes_cameras_and_itself(tmp_path: Path) -> None:
    path, clock = tmp_path / "week.db", Time()
    run = KnownRun(("front", "door"), "fernet-r", balances={"front": FrameBalance(1300, 1200, 90, 10)}, degrees=51.5)
    with sink(path, clock, run=run) as written:
        for one, other in zip(stream(120), stream(120, "door")):
            clock.now = one.frame.captured_at
            written.write(one, Rates())
            written.write(other, Rates())
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0
    assert list(tmp_path.iterdir()) == [path]
    with HistoryReader(str(path)) as reader:
        assert reader.cameras() == ["front", "door"]
        states = list(reader.states("front"))
        assert [change.label for change in states[:3]] == ["sad", "happy", "sad"]
        assert [(change.duration, change.frames) for change in states[:3]] == [(5.0, 50)] * 3
        assert states[0].start == START.replace(microsecond=987654)
        assert (states[0].confidence, states[0].valence) == (pytest.approx(0.7), pytest.approx(-0.65))
        minutes = list(reader.minutes("front"))
        assert [one.figures.frames for one in minutes] == [1, 600, 599]
        assert minutes[1].figures.persons == pytest.approx(1.0)
        assert minutes[1].figures.expressions["happy"] + minutes[1].figures.expressions["sad"] == pytest.approx(60.0)
        assert (sum(one.captured for one in minutes), sum(one.dropped for one in minutes)) == (1300, 90)
        assert minutes[1].temperature == 51.5
        (told,) = reader.runs()
        assert (told.model, told.began < told.ended) == ("fernet-r", True)
        span = reader.span()
        assert span is not None
        assert span[0] == START.replace(second=0, microsecond=0)


def test_there_is_at_most_one_transaction_a_second_and_nothing_is_written_while_nothing_is_over(tmp_path: Path) -> None:
    path, clock, commits = tmp_path / "week.db", Time(), []
    written = sink(path, clock)
    assert written._store is not None
    written._store._connection.set_trace_callback(lambda text: commits.append(clock.now) if text == "COMMIT" else None)
    for one in stream(4):
        written.write(one, Rates())
    assert commits == [0.0]  # of the minute that the first image was the last of
    for index in range(100, 400):  # a face whose label changes with every frame
        clock.now = index / 10
        written.write(tracked(index, "happy" if index % 2 else "sad", frames=1), Rates())
    assert 25 <= len(commits) <= 32
    assert min(later - earlier for earlier, later in zip(commits, commits[1:])) >= 1.0
    written.close()


def test_two_services_and_several_readers_share_one_file(tmp_path: Path) -> None:
    path, clock = tmp_path / "week.db", Time()
    with sink(path, clock) as one, sink(path, clock) as other, HistoryReader(str(path)) as early:
        for first, second in zip(stream(70, "front"), stream(70, "door")):
            clock.now = first.frame.captured_at
            one.write(first, Rates())
            other.write(second, Rates())
        assert early.counts()[0] > 10
        reading = early.states()
        next(reading)
        with HistoryReader(str(path)) as late:
            assert sorted(late.cameras()) == ["door", "front"]
    with HistoryReader(str(path)) as reader:
        assert reader.faults() == []
        assert {camera: len(list(reader.states(camera))) for camera in reader.cameras()} == {"front": 14, "door": 14}
        assert len(reader.runs()) == 2


def test_parts_of_one_minute_become_one(tmp_path: Path) -> None:
    path = tmp_path / "week.db"
    with closing(store(path)) as written:
        run = RunRow(0.0, "0", "m")
        written.write([minute(0, 1.0, 0.5), minute(1, 0.0, None)], run, 1.0)
        written.write([minute(0, 3.0, 0.1), minute(1, 1.0, -0.5)], run, 2.0)
    with HistoryReader(str(path)) as reader:
        first, second = reader.minutes()
        (told,) = reader.runs()
    assert (first.figures.seconds, first.figures.frames, first.captured, first.dropped) == (120.0, 1800, 2000, 200)
    assert first.figures.persons == pytest.approx(2.0)
    assert first.figures.valence == pytest.approx((0.5 + 3 * 0.1) / 4)
    assert first.figures.expressions["happy"] == pytest.approx(240.0)
    assert second.figures.valence == -0.5
    assert told.ended.timestamp() == 2.0


def test_what_is_too_old_is_forgotten_within_a_minute(tmp_path: Path) -> None:
    path, clock = tmp_path / "week.db", Time()
    with sink(path, clock, history_age=60.0) as written:
        for one in stream(300):
            clock.now = one.frame.captured_at - 1000
            written.write(one, Rates())
    with HistoryReader(str(path)) as reader:
        ends = [change.end for change in reader.states() if change.end is not None]
        starts = [one.figures.start for one in reader.minutes()]
    oldest = START + timedelta(seconds=300 - 60 - 61)
    assert ends[0] >= oldest
    assert starts[0] >= oldest - timedelta(seconds=60)
    assert ends[-1] >= START + timedelta(seconds=299)


@pytest.mark.slow
def test_the_file_and_its_log_stay_below_the_bound_and_the_newest_stays(tmp_path: Path) -> None:
    path, bound, largest = tmp_path / "week.db", 2_200_000, 0
    with closing(store(path, bound)) as written:
        run = RunRow(0.0, "0", "m")
        for batch in range(60):
            rows = [state(batch * 500 + number) for number in range(500)]
            written.write(rows, run, START.timestamp() + (batch + 1) * 500)
            largest = max(largest, size_of(str(path)))
    assert 0.5 * bound < largest <= bound
    with HistoryReader(str(path)) as reader:
        starts = [(change.start - START).total_seconds() for change in reader.states()]
        assert reader.faults() == []
    assert starts == [float(number) for number in range(int(starts[0]), 30_000)]
    assert 3_000 < len(starts) < 15_000


def test_a_reader_that_never_ends_makes_the_history_stop_at_its_bound_and_lose_nothing(tmp_path: Path) -> None:
    path, bound = tmp_path / "week.db", 2_500_000
    run = RunRow(0.0, "0", "m")
    with closing(store(path, bound)) as written:
        written.write([state(number) for number in range(3_000)], run, START.timestamp() + 3_000)
        with HistoryReader(str(path)) as reader:
            reading = reader.states()
            next(reading)
            with pytest.raises(OutputNotWritable, match="larger than it may be.*read it"):
                for batch in range(100):
                    written.write(
                        [state(3_000 + batch * 300 + number) for number in range(300)], run, START.timestamp()
                    )
            assert len(list(reading)) == 2_999
        before = counts(path)[0]
        written.write([state(90_000)], run, START.timestamp())
    assert counts(path)[0] >= before
    assert size_of(str(path)) <= bound


def test_what_another_program_locks_is_waited_for_then_told_and_written_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.02)
    path, clock, memory = tmp_path / "week.db", Time(), {}  # type: Path, Time, Dict[str, Any]
    written = sink(path, clock, memory=memory)
    with closing(sqlite3.connect(str(path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told: List[OutputError] = []
        for one in stream(60):
            clock.now = one.frame.captured_at
            try:
                written.write(one, Rates())
            except OutputNotWritable as error:
                told.append(error)
                break
        assert "is locked by another program" in told[0].message
        assert PATIENCE <= clock.now - 1000 <= PATIENCE + 3
        written.close()
        other.execute("ROLLBACK")
    with sink(path, clock, memory=memory) as again:
        for one in stream(30, first=int(clock.now - 1000) + 1):
            again.write(one, Rates())
    with HistoryReader(str(path)) as reader:
        states = list(reader.states())
        assert len(reader.runs()) == 1
    assert states[0].start == START
    assert sum(change.frames for change in states) > 600
    assert all(earlier.end == later.start for earlier, later in zip(states, states[1:]))


def test_of_too_many_rows_that_wait_the_oldest_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ledger, "MOST_WAITING", 5)
    path = tmp_path / "week.db"
    with sink(path) as written, closing(sqlite3.connect(str(path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for index in range(20):
            written.write(tracked(index, "happy" if index % 2 else "sad", frames=1), Rates())
        other.execute("ROLLBACK")
    assert "left out 17 rows" in caplog.text
    assert written.lost == 17
    assert counts(path) == (4, 1)


def test_a_full_disk_is_told_as_such_and_leaves_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "week.db"
    run = RunRow(0.0, "0", "m")
    with closing(store(path)) as written:
        written.write([state(0)], run, 1.0)
        written._connection.execute("PRAGMA max_page_count = 20")
        with pytest.raises(DiskFull, match="What was written before is kept"):
            written.write([state(number) for number in range(5_000)], run, 1.0)
        written._connection.execute("PRAGMA max_page_count = 1000000")
        assert counts(path) == (1, 0)
        written.write([state(1)], run, 1.0)
    assert counts(path) == (2, 0)


def test_a_file_that_somebody_takes_away_is_begun_anew(tmp_path: Path) -> None:
    path, clock, memory = tmp_path / "week.db", Time(), {}  # type: Path, Time, Dict[str, Any]
    written = sink(path, clock, memory=memory)
    written.write(tracked(0, "happy", frames=1), Rates())
    written.write(tracked(1, "sad", frames=1), Rates())
    path.rename(tmp_path / "old.db")
    clock.now = 2.0
    with pytest.raises(OutputNotWritable, match="removed or renamed"):
        written.write(tracked(2, "happy", frames=1), Rates())
    with sink(path, clock, memory=memory) as again:
        again.write(tracked(2, "happy", frames=1), Rates())
    assert counts(tmp_path / "old.db")[1] == 0
    with HistoryReader(str(path)) as reader:
        assert [change.frames for change in reader.states()] == [1, 1]  # the third was given twice
    assert counts(path) == (2, 1)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(str(path))) as other:
        other.execute("CREATE TABLE things (name TEXT)")


def later(path: Path) -> None:
    store(path).close()
    with closing(sqlite3.connect(str(path))) as other:
        other.execute("PRAGMA user_version = 99")


PLACES: Dict[str, Tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("dear diary\n" * 20), "no SQLite database"),
    "a database of others": (foreign, "database of another program"),
    "a later version": (later, "version 99"),
    "a directory": (lambda path: path.mkdir(), "is a directory"),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_history_is_refused_and_left_as_it_is(tmp_path: Path, place: str) -> None:
    path = tmp_path / "week.db"
    make, words = PLACES[place]
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(OutputNotWritable, match=words):
        sink(path)
    if path.is_file():
        # Also where it came there since the start.
        with pytest.raises(OutputNotWritable):
            store(path)
        with pytest.raises(OutputError):
            HistoryReader(str(path))
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_damaged_history_is_told_as_such_by_the_writer_and_by_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "week.db"
    run = RunRow(0.0, "0", "m")
    with closing(store(path)) as written:
        written.write([state(number) for number in range(3_000)], run, 1.0)
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192 - 4096))
    with HistoryReader(str(path)) as reader, pytest.raises(OutputError, match="damaged") as told:
        assert reader.faults() == []
        list(reader.states())
        list(reader.minutes())
    assert ".recover" in told.value.remedy
    with closing(store(path)) as written, pytest.raises(OutputNotWritable, match="damaged"):
        for number in range(3_000):
            written.write([state(number), minute(number)], run, 2.0)


WRITER = """
import itertools, sys
sys.path.insert(0, sys.argv[1])
from test_history import minute, state, store
from pathlib import Path
from fer_edge.sinks.history.store import RunRow
written, run = store(Path(sys.argv[2]), 2_200_000), RunRow(0.0, "0", "m")
for batch in itertools.count(int(sys.argv[3])):
    rows = [state(batch * 10 + number) for number in range(10)]
    written.write([*rows, minute(batch)], run, rows[-1].start.timestamp())
    written.forget(rows[-1].start.timestamp())
    if batch % 20 == 0:
        print(batch, flush=True)
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_at_any_moment_leaves_whole_batches_and_a_file_without_fault(tmp_path: Path) -> None:
    path, batch = tmp_path / "week.db", 0
    drawn = random.Random(7)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE.parent), str(HERE)])}
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(HERE), str(path), str(batch + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline()
            time.sleep(drawn.uniform(0.0, 0.5))
            writer.send_signal(signal.SIGKILL)
            told = writer.stdout.read().split()
        with HistoryReader(str(path)) as reader:
            assert reader.faults() == []
            ends = [round((change.start - START).total_seconds()) for change in reader.states()]
            starts = [one.figures.start for one in reader.minutes()]
        assert (ends[-1] + 1) % 10 == 0
        batch = ends[-1] // 10
        assert batch >= int(told[-1]) if told else True
        assert starts[-1] == minute(batch).figures.start


def test_a_reader_of_a_folder_where_it_may_not_write_sees_a_file_that_nobody_has_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "week.db"
    with closing(store(path)) as written:
        written.write([state(0)], RunRow(0.0, "0", "m"), 1.0)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert counts(path) == (1, 0)
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_gives_what_lies_between_two_moments_and_no_more_than_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "week.db"
    with closing(store(path)) as written:
        rows = [*map(state, range(100)), *(state(number, "door") for number in range(5)), *map(minute, range(9))]
        written.write(rows, RunRow(0.0, "0", "m"), 1.0)
    since, until = START + timedelta(seconds=10.5), START + timedelta(seconds=20.5)
    with HistoryReader(str(path)) as reader:
        found = [(change.start - START).total_seconds() for change in reader.states("front", since, until)]
        assert found == list(range(10, 21))
        naive = list(reader.states("front", since.replace(tzinfo=None), until.replace(tzinfo=None)))
        assert len(naive) == 11
        assert len(list(reader.states("door"))) == 5
        assert len(list(reader.states(limit=7))) == 7
        assert len(list(reader.minutes(since=START + timedelta(minutes=2), until=START + timedelta(minutes=4)))) == 3
        assert list(reader.minutes("door")) == []


def test_an_empty_file_is_a_history_in_which_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "week.db"
    path.touch()
    with HistoryReader(str(path)) as reader:
        assert (reader.cameras(), reader.span(), list(reader.states()), reader.counts()) == ([], None, [], (0, 0))
    with sink(path) as written:
        written.write(tracked(0), Rates())
    assert counts(path) == (1, 1)
