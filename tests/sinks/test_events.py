from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, Sequence
from unittest.mock import Mock

import pytest
from observations import observation, opened, tracked

from fer_edge.errors import DiskFull, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.settings import Settings
from fer_edge.sinks import pieces as pieces_module
from fer_edge.sinks.dates import DatedName
from fer_edge.sinks.event_lines import COLUMNS
from fer_edge.sinks.events import EventSink
from fer_edge.sinks.pieces import find_pieces
from fer_edge.sinks.request import SinkRequest
from fer_edge.types import Observation, Rates

ROOT = Path(__file__).parents[2]
LABELS = ("happy", "sad", "neutral")


def sink(
    path: Path | str, memory: Dict[str, Any] | None = None, stop: Any = lambda: False, **options: object
) -> EventSink:
    return EventSink(
        SinkRequest(str(path), Settings.of(**options).outputs, stop=stop, memory={} if memory is None else memory)
    )


def changing(count: int, camera: str = "front", media: bool = False, first: int = 0) -> List[Observation]:
    """A face that shows another label after every ten frames, of ten a second."""
    return [tracked(index, LABELS[index // 10 % 3], camera, media) for index in range(first, first + count)]


def write(path: Path, observations: Sequence[Observation], **options: object) -> None:
    with opened(sink(path, **options)) as writing:
        for one in observations:
            writing.write(one, Rates())


def records(path: Path) -> List[Dict[str, Any]]:
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def rows(path: Path) -> List[Dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(path: Path) -> List[str]:
    return [row["expression"] for row in (rows(path) if path.suffix == ".csv" else records(path))]


def run_python(code: str, **options: object) -> subprocess.Popen[bytes]:
    preamble = (
        "import sys; sys.path[:0] = ['tests/sinks', '.']\n"
        "from observations import opened, tracked\n"
        "from fer_edge.errors import DiskFull\n"
        "from test_events import changing, sink\n"
        "from fer_edge.types import Rates\n"
    )
    return subprocess.Popen([sys.executable, "-c", preamble + code], cwd=ROOT, **options)  # type: ignore[call-overload]


def test_a_line_of_json_tells_a_state_that_is_over(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    write(path, changing(15))
    first, second = records(path)
    assert first == {
        "camera": "front",
        "track": 1,
        "expression": "happy",
        "start": "2024-02-29T23:59:59.987Z",
        "end": "2024-03-01T00:00:00.987Z",
        "duration_s": 1.0,
        "confidence": 0.7,
        "valence": 0.65,
        "intensity": 0.95,
        "uncertain": False,
        "frames": 10,
    }
    assert (second["start"], second["duration_s"], second["valence"]) == (first["end"], 0.4, -0.65)


def test_a_row_tells_the_same_in_plain_numbers_under_the_names_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "out.CSV"
    write(path, changing(15, media=True))
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1] == (
        "front,1,happy,2024-02-29T23:59:59.987Z,2024-03-01T00:00:00.987Z,1.0,0.7,0.65,0.95,false,10,0.0,1.0"
    )
    json_path = tmp_path / "out.jsonl"
    write(json_path, changing(15, media=True))
    for row, record in zip(rows(path), records(json_path)):
        assert list(record) == list(COLUMNS)
        assert [
            json.loads(cell) if name not in ("camera", "expression", "start", "end") else cell
            for name, cell in row.items()
        ] == [*record.values()]


def test_only_of_a_video_there_are_moments_in_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, changing(5))
    assert [(row["media_start_s"], row["media_end_s"]) for row in rows(path)] == [("", "")]


def test_small_and_missing_numbers_are_plain(tmp_path: Path) -> None:
    for name in ("out.csv", "out.jsonl"):
        one = tracked(0)
        face = one.faces[0]
        assert face.track is not None
        strange = replace(
            face.track.expression, confidence=float("nan"), probabilities=face.expression.probabilities * 0
        )
        strange.probabilities[0] = 1e-6
        write(tmp_path / name, [replace(one, faces=(replace(face, track=replace(face.track, expression=strange)),))])
    (row,), (record,) = rows(tmp_path / "out.csv"), records(tmp_path / "out.jsonl")
    assert (row["confidence"], row["valence"], row["intensity"], row["duration_s"]) == ("", "0.0", "1.0", "0.0")
    assert (record["confidence"], record["intensity"]) == (None, 1.0)


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-front", "@x", "\tx"])
def test_no_name_of_a_camera_is_a_formula_in_a_spreadsheet(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.csv"
    write(path, changing(5, name))
    assert [row["camera"] for row in rows(path)] == [f"'{name}"]


@pytest.mark.parametrize("name", ["hall, left", 'the "door"', "caf\xe9", ""])
def test_a_name_with_marks_of_a_table_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out.csv"
    write(path, changing(5, name))
    write(path, changing(5, name), append=True)
    assert [row["camera"] for row in rows(path)] == [name] * 2


def test_a_name_of_two_lines_is_told_in_one(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, changing(5, "a\r\nb"))
    assert [row["camera"] for row in rows(path)] == ["a  b"]
    assert len(path.read_text().splitlines()) == 2


def test_a_table_can_be_read_by_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "out.csv"
    write(path, changing(25))
    table = pandas.read_csv(path, parse_dates=["start", "end"])
    assert list(table["expression"]) == ["happy", "sad", "neutral"]
    assert table["uncertain"].dtype == bool
    assert table["duration_s"].sum() == pytest.approx(2.4)
    assert str(table["start"].dt.tz) == "UTC"


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_state_can_be_read_as_soon_as_it_is_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with opened(sink(path)) as writing:
        for index, one in enumerate(changing(31)):
            writing.write(one, Rates())
            assert names(path) == [LABELS[over % 3] for over in range(index // 10)]
    assert len(names(path)) == 4


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_killed_program_loses_the_state_that_is_open_and_leaves_whole_lines(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    code = f"""
writing = opened(sink({str(path)!r}))
index = 0
while True:
    (one,) = changing(1, first=index)
    writing.write(one, Rates())
    index += 1
    if index % 500 == 0:
        print(index, flush=True)
"""
    with run_python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        given = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    told = names(path)
    assert path.read_bytes().endswith(b"\n")
    assert len(told) >= given // 10 - 1
    assert told == [LABELS[over % 3] for over in range(len(told))]
    write(path, changing(5), append=True)
    assert names(path) == [*told, "happy"]


@pytest.mark.parametrize(
    ("name", "half"), [("out.jsonl", b'{"camera":"fro'), ("out.csv", b"front,1,hap"), ("out.csv", b'"ha')]
)
def test_what_a_power_cut_left_half_written_is_taken_away_and_the_rest_gone_on_with(
    tmp_path: Path, name: str, half: bytes
) -> None:
    path = tmp_path / name
    write(path, changing(15))
    whole = path.read_bytes()
    path.write_bytes(whole + half + b"\0" * 20)
    write(path, changing(5), append=True)
    assert path.read_bytes().startswith(whole)
    assert names(path) == ["happy", "sad", "happy"]


def test_a_table_that_is_gone_on_with_names_its_columns_once(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    for _ in range(3):
        write(path, changing(5), append=True)
    assert path.read_text().count("camera") == 1
    assert names(path) == ["happy"] * 3


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_file_of_an_earlier_run_is_replaced_also_where_nobody_is_seen(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write(path, changing(25))
    write(path, changing(5))
    assert names(path) == ["happy"]
    with opened(sink(path)) as writing:
        assert names(path) == ["happy"]
        writing.write(observation(0, faces=0), Rates())
    assert names(path) == []
    assert path.read_bytes() == (b"" if name == "out.jsonl" else (",".join(COLUMNS) + "\n").encode())
    write(path, changing(5), append=True)
    assert names(path) == ["happy"]


FOREIGN = {
    "out.csv": {
        "another table": b"name,age\nAnn,7\n",
        "a table with one column more": (",".join((*COLUMNS, "note")) + "\n").encode(),
        "no rows of ours": (",".join(COLUMNS) + "\n1,2,3\n").encode(),
        "a note behind ours": (",".join(COLUMNS) + "\nremember: the blue, and the red, and the green one").encode(),
        "lines of results": b'{"frame":1,"timestamp":"","faces":[]}\n',
        "bytes": bytes(range(1, 256)) * 9,
    },
    "out.jsonl": {
        "another table": b"name,age\nAnn,7\n",
        "lines of results": b'{"frame":1,"timestamp":"","faces":[]}\n',
        "events with a name of one's own": b'{"camera":"a","track":1,"expression":"sad","person":"Ann"}\n',
    },
}


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize(("name", "what"), [(name, what) for name, all_ in FOREIGN.items() for what in all_])
def test_a_file_that_is_none_of_ours_is_refused_and_stays_as_it_is(
    tmp_path: Path, name: str, what: str, append: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(FOREIGN[name][what])
    with pytest.raises(OutputNotWritable, match="events file .* none that fer-edge wrote"):
        sink(path, append=append)
    assert path.read_bytes() == FOREIGN[name][what]


def test_a_results_file_is_no_events_file(tmp_path: Path) -> None:
    from fer_edge.sinks.jsonl import JsonlSink

    path = tmp_path / "out.jsonl"
    write(path, changing(5))
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        JsonlSink(path)


def test_a_folder_that_is_missing_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OutputNotWritable, match="there is no directory"):
        sink(tmp_path / "missing" / "out.csv")


def test_nothing_can_be_written_before_it_is_opened(tmp_path: Path) -> None:
    with sink(tmp_path / "out.csv") as writing, pytest.raises(UsageError, match="before it was opened"):
        writing.write(tracked(0), Rates())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_pieces_hold_whole_states_and_one_that_is_open_passes_on_to_the_next(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some pieces begin in one second and some in the next: sorted as text their names are not in the order of writing.
    begun = datetime(2026, 11, 26, 10, 15, 0, 600_000, timezone.utc)
    moments = (begun + timedelta(milliseconds=20 * reading) for reading in itertools.count())
    monkeypatch.setattr(pieces_module, "datetime", Mock(now=lambda _: next(moments)))
    alone = tmp_path / name
    write(alone, changing(400))
    told, size = names(alone), alone.stat().st_size
    for share, kept_all in ((1.3, True), (0.4, False)):
        folder = tmp_path / str(share)
        folder.mkdir()
        write(folder / name, changing(400), keep=share * size)
        pieces = [Path(one.path) for one in find_pieces(DatedName(str(folder / name)).with_beginning())]
        assert len(pieces) == len(list(folder.iterdir())) > 2
        assert sum(path.stat().st_size for path in pieces) <= share * size * 1.25
        in_pieces = [label for one in pieces for label in names(one)]
        assert in_pieces == told[-len(in_pieces) :]
        assert (in_pieces == told) == kept_all


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_on_a_full_disk_the_file_ends_after_a_whole_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
writing = opened(sink({str(path)!r}))
try:
    for one in changing(1000):
        writing.write(one, Rates())
except DiskFull:
    sys.stderr.write("full")
writing.close()
"""
    with run_python(code, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"full"
    told = names(path)
    assert len(told) > 3
    assert told == [LABELS[over % 3] for over in range(len(told))]


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_sink_that_failed_hands_its_states_on_to_the_next_of_its_place(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, memory = tmp_path / name, {}
    observations = changing(35)
    failing = opened(sink(path, memory, append=True))
    for one in observations[:10]:
        failing.write(one, Rates())
    with monkeypatch.context() as full:

        def refuse(descriptor: int, data: object) -> int:
            raise OSError(28, "No space left on device")

        full.setattr(os, "write", refuse)
        with pytest.raises(DiskFull):
            failing.write(observations[10], Rates())
    failing.close()  # as whoever makes a new one does; there is room again, and still nothing is over
    with opened(sink(path, memory, append=True)) as writing:
        for one in observations[10:]:
            writing.write(one, Rates())
    assert names(path) == ["happy", "sad", "neutral", "happy"]
    told = rows(path) if name == "out.csv" else records(path)
    assert [int(one["frames"]) for one in told] == [10, 10, 10, 5]


def test_a_state_that_cannot_be_told_is_left_out_and_the_next_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    strange = tracked(0)
    face = strange.faces[0]
    assert face.track is not None
    strange = replace(
        strange,
        faces=(replace(face, track=replace(face.track, expression=replace(face.track.expression, label=object()))),),
    )  # type: ignore[arg-type]
    with opened(sink(path)) as writing:
        writing.write(strange, Rates())
        with pytest.raises(ResultUnwritable, match="track 1 of the camera 'front' showed cannot be told"):
            writing.write(tracked(1), Rates())
    assert names(path) == ["happy"]


def test_lines_go_to_the_standard_output_as_they_come_and_open_states_at_the_end() -> None:
    code = "with opened(sink('-')) as writing:\n    for one in changing(25): writing.write(one, Rates())\n"
    with run_python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    assert [json.loads(line)["expression"] for line in lines] == ["happy", "sad", "neutral"]


def test_a_reader_that_went_away_is_told_as_for_results() -> None:
    code = """
from fer_edge.errors import OutputClosed
writing = opened(sink('-'))
sys.stdin.readline()
try:
    for one in changing(25): writing.write(one, Rates())
except OutputClosed as error:
    sys.stderr.write("gone")
writing.close()
"""
    with run_python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stderr.read() == b"gone"


def test_a_table_into_a_pipe_names_its_columns_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    got: List[bytes] = []
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write(path, changing(25))
    got.append(os.read(reader, 100_000))
    os.close(reader)
    lines = b"".join(got).decode().splitlines()
    assert (lines[0], len(lines)) == (",".join(COLUMNS), 4)


def test_what_is_open_when_nobody_reads_at_the_end_is_told_to_be_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stop = threading.Event()
    try:
        writing = opened(sink(path, stop=stop.is_set))
        fill = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        writing.write(tracked(0), Rates())
        try:
            while True:
                os.write(fill, b"x" * 4096)
        except BlockingIOError:
            os.close(fill)
        stop.set()
        writing.close()
    finally:
        os.close(reader)
    assert "1 events of the end were left out" in caplog.text
