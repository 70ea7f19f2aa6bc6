from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import List

import numpy as np
import pytest
from observations import observation, opened

from fer_edge.errors import DiskFull, OutputClosed, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import LABELS, Box, Observation, Rates, StageRate

ROOT = Path(__file__).parents[2]
RATES = Rates(29.937, {"detection": StageRate(410.2), "classification": StageRate(241.333)})


def run_python(code: str, **options: object) -> subprocess.Popen[bytes]:
    preamble = "import sys; sys.path[:0] = ['tests/sinks', '.']\nfrom observations import observation, opened\n"
    return subprocess.Popen([sys.executable, "-c", preamble + code], cwd=ROOT, **options)  # type: ignore[call-overload]


def test_a_line_holds_what_was_seen_in_plain_numbers(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with opened(JsonlSink(path, clock=lambda: 1000.0254)) as sink:
        sink.write(observation(0), RATES)
        sink.write(observation(1, faces=0), RATES)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert (first["frame"], first["camera"]) == (0, "")
    assert "media_time_s" not in first
    assert first["timestamp"] == "2024-02-29T23:59:59.987Z"
    assert first["latency_ms"] == 25.4
    assert first["fps"] == {"total": 29.94, "classification": 241.33, "detection": 410.2}
    (face,) = first["faces"]
    assert face["box"] == [10.1, 20.0, 30.5, 40.0]
    assert face["score"] == 0.9877
    assert face["landmarks"] == {"left_eye": [30.0, 40.0], "right_eye": [15.0, 40.0]}
    assert (face["expression"], face["confidence"], face["uncertain"]) == ("happy", 0.7, False)
    assert list(face["probabilities"]) == list(LABELS)
    assert face["probabilities"]["happy"] == 0.7
    assert (second["frame"], second["faces"]) == (1, [])


def test_a_line_names_its_camera_and_of_a_file_the_moment_in_it(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = observation()
    with opened(JsonlSink(path)) as sink:
        for camera, at in (("door", None), ("clip", 1.00049), ("clip", float("nan"))):
            sink.write(replace(whole, frame=replace(whole.frame, source=camera, media_time=at)), RATES)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["camera"], line.get("media_time_s", "none")) for line in lines] == [
        ("door", "none"),
        ("clip", 1.0),
        ("clip", None),
    ]


def test_nothing_is_touched_before_it_is_opened_and_nothing_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with JsonlSink(path) as sink:
        assert not path.exists()
        with pytest.raises(UsageError, match="before it was opened"):
            sink.write(observation(), RATES)
    assert not path.exists()


def test_numbers_that_are_not_finite_become_null_and_the_line_stays_strict_json(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = observation()
    face = whole.faces[0]
    broken = replace(
        face,
        face=replace(face.face, box=Box(float("nan"), 1.0, float("inf"), 2.0)),
        expression=replace(face.expression, probabilities=np.full(7, np.nan, np.float32), confidence=float("nan")),
    )
    with opened(JsonlSink(path)) as sink:
        sink.write(Observation(whole.frame, (broken,)), Rates(total=float("inf")))

    def refuse(word: str) -> None:
        raise AssertionError(word)

    line = json.loads(path.read_text(), parse_constant=refuse)
    assert line["faces"][0]["box"] == [None, 1.0, None, 2.0]
    assert line["fps"]["total"] is None


def test_the_time_is_utc_whatever_the_stamp_s_zone_is(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = observation()
    there = datetime.fromisoformat("2024-03-01T05:29:59.001999+05:30")
    with opened(JsonlSink(path)) as sink:
        sink.write(replace(whole, frame=replace(whole.frame, timestamp=there)), RATES)
    assert json.loads(path.read_text())["timestamp"] == "2024-02-29T23:59:59.001Z"


def test_each_line_can_be_read_before_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with opened(JsonlSink(path)) as sink:
        for index in range(3):
            sink.write(observation(index), RATES)
            assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == list(range(index + 1))


def test_a_killed_program_leaves_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code = f"""
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import Rates, StageRate
sink = opened(JsonlSink({str(path)!r}))
index = 0
while True:
    sink.write(observation(index, faces=5), Rates())
    index += 1
    if index == 50:
        print("going", flush=True)
"""
    with run_python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"going\n"
        process.send_signal(signal.SIGKILL)
    text = path.read_text()
    assert text.endswith("\n")
    frames = [json.loads(line)["frame"] for line in text.splitlines()]
    assert len(frames) >= 50
    assert frames == list(range(len(frames)))


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with opened(JsonlSink(path)) as sink:
        for index in range(100):
            sink.write(observation(index), RATES)
    with opened(JsonlSink(path)) as sink:
        sink.write(observation(), RATES)
    assert len(path.read_text().splitlines()) == 1


def test_what_really_is_missing_for_a_new_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("gone/out.jsonl")
    for name, words, remedy in (
        ("/proc/x", "takes no new files", "another place"),
        ("./x/../a.jsonl", "no directory './x'", "mkdir -p './x'"),
        ("x/y/a.jsonl", "no directory 'x'", "mkdir -p 'x/y'"),
        ("link", "link to 'gone/out.jsonl'", "Remove the link"),
    ):
        with pytest.raises(OutputNotWritable) as caught:
            opened(JsonlSink(name))
        assert words in caught.value.message
        assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "word", "remedy"),
    [
        ("missing/out.jsonl", "no directory", "mkdir -p"),
        (".", "directory", "file in it"),
        ("file/out", "file", "place"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str, word: str, remedy: str) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputNotWritable, match=word) as caught:
        JsonlSink(tmp_path / name)
    assert str(tmp_path) in caught.value.message
    assert remedy in caught.value.remedy
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_without_permission_is_refused_at_once_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("kept")
    path.chmod(0o400)
    with pytest.raises(OutputNotWritable, match="may not write"):
        JsonlSink(path)
    assert path.read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_permission_is_told_so(public_folder: Path) -> None:
    path = public_folder / "out.jsonl"
    path.write_text("kept")
    path.chmod(0o600)
    code = f"""
import os
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.errors import OutputNotWritable
os.setuid(65534)
try:
    JsonlSink({str(path)!r})
except OutputNotWritable as error:
    print(error)
"""
    with run_python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode()
        assert "may not write" in said
        assert f"ls -l '{path}'" in said, "the rights are those of the file"
    assert path.read_text() == "kept"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this machine has no /dev/full")
def test_a_full_device_is_named_as_such() -> None:
    with opened(JsonlSink("/dev/full")) as sink, pytest.raises(DiskFull, match="/dev/full"):
        sink.write(observation(), RATES)


def limited(path: Path, opening: str) -> str:
    """Give code that writes to a file which may have 10000 bytes, as on a full disk."""
    return f"""
import resource
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import Rates, StageRate
from fer_edge.errors import DiskFull
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
sink = opened(JsonlSink({opening}))
try:
    for index in range(1000):
        sink.write(observation(index), Rates())
except DiskFull as error:
    sys.stderr.write("full")
sink.close()
"""


def whole_frames(path: Path) -> List[int]:
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line)["frame"] for line in text.splitlines()]


def test_on_a_full_disk_the_file_ends_after_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with run_python(limited(path, repr(str(path))), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"full"
    frames = whole_frames(path)
    assert len(frames) > 10
    assert frames == list(range(len(frames)))


def test_standard_output_into_a_file_on_a_full_disk_ends_after_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with path.open("wb") as out, run_python(limited(path, "'-'"), stdout=out, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b"full"
    assert len(whole_frames(path)) > 10


def test_lines_go_to_the_standard_output_as_they_come(tmp_path: Path) -> None:
    code = """
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import Rates, StageRate
with opened(JsonlSink("-")) as sink:
    for index in range(3):
        sink.write(observation(index, faces=40), Rates())
        sys.stdin.readline()
"""
    with run_python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for index in range(3):
            assert json.loads(process.stdout.readline())["frame"] == index
            process.stdin.write(b"\n")
            process.stdin.flush()
    assert process.returncode == 0


def test_a_reader_that_goes_away_is_told_apart_from_a_fault() -> None:
    code = """
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import Rates, StageRate
from fer_edge.errors import OutputClosed
sink = opened(JsonlSink("-"))
try:
    for index in range(100000):
        sink.write(observation(index), Rates())
except OutputClosed as error:
    sys.exit(error.exit_code)
"""
    with run_python(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 141


def test_a_closed_standard_output_is_refused_at_once() -> None:
    code = """
import os
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.errors import OutputNotWritable
os.close(1)
try:
    JsonlSink("-")
except OutputNotWritable as error:
    sys.exit(error.exit_code)
"""
    with run_python(code) as process:
        assert process.wait(30) == 30


def test_a_reader_that_does_not_read_holds_the_writer_only_until_it_is_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stop = threading.Event()
    written: List[int] = []

    def fill() -> None:
        with opened(JsonlSink(path, stop=stop.is_set)) as sink:
            with pytest.raises(ResultUnwritable, match="Nobody reads"):
                while True:
                    sink.write(observation(len(written), faces=20), RATES)
                    written.append(1)
            with pytest.raises(ResultUnwritable, match="Nobody reads"):
                sink.write(observation(), RATES)

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        thread.join(0.5)
        assert thread.is_alive(), "it waits for the reader"
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        os.set_blocking(reader, True)
        lines = b"".join(iter(lambda: os.read(reader, 1 << 16), b"")).split(b"\n")
    finally:
        stop.set()
        thread.join()
        os.close(reader)
    for line in lines[:-1]:
        assert json.loads(line)["faces"]


def test_a_slow_reader_gets_every_line_whole(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def fill() -> None:
        with opened(JsonlSink(path)) as sink:
            for index in range(60):
                sink.write(observation(index, faces=20), RATES)

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        thread.join(0.3)
        os.set_blocking(reader, True)
        data = b"".join(iter(lambda: os.read(reader, 3000), b""))
    finally:
        thread.join(30)
        os.close(reader)
    assert [json.loads(line)["frame"] for line in data.splitlines()] == list(range(60))


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OutputNotWritable, match="Nobody reads"):
        JsonlSink(path)


def test_the_reader_of_a_named_pipe_that_goes_away_is_a_fault_since_another_may_come(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with opened(JsonlSink(path)) as sink:
        sink.write(observation(), RATES)
        os.close(reader)
        with pytest.raises(OutputNotWritable, match="went away"):
            sink.write(observation(1), RATES)


def test_the_reader_of_a_pipe_without_a_name_that_goes_away_ends_the_output() -> None:
    reader, writer = os.pipe()
    with opened(JsonlSink(f"/dev/fd/{writer}")) as sink:
        os.close(writer)
        sink.write(observation(), RATES)
        os.close(reader)
        with pytest.raises(OutputClosed):
            sink.write(observation(1), RATES)


@pytest.mark.parametrize("fate", ["removed", "renamed", "cut"])
def test_a_results_file_that_somebody_takes_away_is_begun_anew_with_the_next_line(tmp_path: Path, fate: str) -> None:
    path = tmp_path / "out.jsonl"
    with opened(JsonlSink(path)) as sink:
        sink.write(observation(), RATES)
        if fate == "removed":
            path.unlink()
        elif fate == "renamed":
            path.rename(tmp_path / "old.jsonl")
        else:
            os.truncate(path, 0)
        sink.write(observation(1), RATES)
        sink.write(observation(2), RATES)
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [1, 2]
    if fate == "renamed":
        assert [json.loads(line)["frame"] for line in (tmp_path / "old.jsonl").read_text().splitlines()] == [0]


def test_a_file_that_another_program_writes_to_is_refused_and_left_as_it_is_until_that_one_ends(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    code = f"""
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import Rates, StageRate
sink = opened(JsonlSink({str(path)!r}))
sink.write(observation(7), Rates())
print("written", flush=True)
sys.stdin.read()
"""
    checked = JsonlSink(path)
    other = run_python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"written\n"
    for append in (False, True):
        with pytest.raises(OutputNotWritable, match="Another program writes to the results file") as caught:
            JsonlSink(path, append=append)
        assert "fuser" in str(caught.value)
        with pytest.raises(OutputNotWritable, match="Another program writes to the results file"):
            opened(checked)
    assert json.loads(path.read_text())["frame"] == 7
    other.kill()
    other.communicate()
    with opened(JsonlSink(path, append=True)) as sink:
        sink.write(observation(8), RATES)
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [7, 8]


def test_an_attempt_that_failed_does_not_stand_in_the_way_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"{")
    with monkeypatch.context() as patch:
        for append in (False, True):
            patch.undo()
            sink = JsonlSink(path, append=append)
            patch.setattr(os.path, "samestat", refuse)
            with pytest.raises(OutputNotWritable, match="Input/output error"):
                opened(sink)
            with pytest.raises(OutputNotWritable, match="Input/output error"):
                JsonlSink(path, append=append)
    opened(JsonlSink(path)).close()
    with monkeypatch.context() as patch, opened(JsonlSink(path)) as sink:
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(OutputNotWritable, match="Input/output error"):
            sink.write(observation(), RATES)
    opened(JsonlSink(path)).close()


def refuse(*arguments: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_closing_twice_is_allowed(tmp_path: Path) -> None:
    sink = opened(JsonlSink(tmp_path / "out.jsonl"))
    sink.close()
    sink.close()


def test_a_result_that_json_cannot_hold_is_refused_and_the_next_one_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    whole = observation(1)
    broken = replace(whole, frame=replace(whole.frame, index={1, 2}))  # type: ignore[arg-type]
    with opened(JsonlSink(path)) as sink:
        sink.write(observation(0), RATES)
        with pytest.raises(ResultUnwritable, match="cannot be told in JSON"):
            sink.write(broken, RATES)
        sink.write(observation(2), RATES)
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [0, 2]


def test_a_file_whose_folder_is_gone_is_begun_anew_once_there_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    with opened(JsonlSink(folder / "out.jsonl")) as sink:
        sink.write(observation(0), RATES)
        (folder / "out.jsonl").unlink()
        folder.rmdir()
        for _ in range(2):
            with pytest.raises(OutputNotWritable, match="no directory"):
                sink.write(observation(1), RATES)
        folder.mkdir()
        sink.write(observation(1), RATES)
    assert whole_frames(folder / "out.jsonl") == [1]


def test_a_file_that_somebody_put_in_place_of_an_empty_one_is_not_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with opened(JsonlSink(path)):
        path.unlink()
        path.write_text("of somebody else")
    assert path.read_text() == "of somebody else"


def test_what_must_be_so_before_the_file_is_opened_is_asked_each_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    mounted = [True]

    def check(opened_path: str) -> None:
        assert opened_path == str(path)
        if not mounted[0]:
            raise OutputNotWritable("The disk is not mounted.")

    with opened(JsonlSink(path, before_opening=check)) as sink:
        sink.write(observation(0), RATES)
        path.rename(tmp_path / "old.jsonl")
        mounted[0] = False
        with pytest.raises(OutputNotWritable, match="not mounted"):
            sink.write(observation(1), RATES)
        assert not path.exists()
    mounted[0] = False
    with pytest.raises(OutputNotWritable, match="not mounted"):
        opened(JsonlSink(path, before_opening=check))
