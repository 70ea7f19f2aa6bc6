from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import List

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from observations import moving, observation, opened

from fer_edge.errors import OutputNotWritable
from fer_edge.sinks.jsonl import JsonlSink, as_record
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates

OURS = (json.dumps({**as_record(observation(0), Rates()), "latency_ms": 1.0}, separators=(",", ":")) + "\n").encode()

FOREIGN = {
    "a text without an end of a line": b"my notes, which nobody may touch",
    "a text": b"first\nsecond\n",
    "a settings file": b'camera = "0"\nappend = true\n',
    "JSON lines of another program": b'{"frame": 1, "car": "red"}\n' * 3,
    "a network": b"\x08\x07\x12\x08fer-edge\x1a\x062.13.0" + bytes(range(256)) * 40,
    "results with a note behind them": OURS * 3 + b"remember: the blue one",
    "results with a foreign last line": OURS * 3 + b'{"total": 3}\n',
    "results with a foreign first line": b"# of Tuesday\n" + OURS * 3,
    "results to which somebody added names": OURS.replace(b'{"frame"', b'{"person":"Ann","frame"') + OURS,
    "a line that has no end": b"x" * (17 << 20),
    "results and a line that has no end": OURS + b"x" * (17 << 20),
    "a list": b"[1, 2]\n",
    "brackets": b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("what", FOREIGN)
def test_a_results_file_that_is_none_is_refused_and_stays_as_it_is(tmp_path: Path, what: str, append: bool) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(FOREIGN[what])
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote") as caught:
        JsonlSink(path, append=append)
    assert "another name" in caught.value.remedy
    assert "delete it yourself" in caught.value.remedy
    assert path.read_bytes() == FOREIGN[what]


@pytest.mark.parametrize("name", ["out.jsonl", "out.mp4"])
def test_what_somebody_puts_there_between_the_check_and_the_opening_stays(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    sink = JsonlSink(path) if name == "out.jsonl" else VideoSink(path)
    path.write_bytes(b"a letter")
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        opened(sink)
    sink.close()
    assert path.read_bytes() == b"a letter"


OLDER = {
    "before cameras had names": OURS.replace(b'"camera":"",', b""),
    "without figures": json.dumps({"frame": 1, "timestamp": "", "faces": []}, separators=(",", ":")).encode() + b"\n",
    "of a file": OURS.replace(b'"camera":"",', b'"camera":"clip","media_time_s":1.5,'),
}


@pytest.mark.parametrize("what", OLDER)
def test_results_of_every_release_are_known_as_ours(tmp_path: Path, what: str) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(OLDER[what])
    assert OLDER[what] != OURS
    with opened(JsonlSink(path, append=True)) as sink:
        sink.write(observation(5), Rates())
    assert path.read_bytes().startswith(OLDER[what])


def frames(path: Path) -> List[int]:
    return [json.loads(line)["frame"] for line in path.read_bytes().splitlines()]


TORN = {
    "nothing": b"",
    "half a line": b'{"frame":99999,"timest',
    "half a line of another writer of JSON": b'{"frame": 99999, "timest',
    "a few letters": b'{"fr',
    "zeros, as a power cut leaves them": bytes(5000),
    "letters and zeros": b'{"frame":7,"ti' + bytes(300),
    "more than 64 KiB": b'{"frame":5,"faces":[' + b'{"box":[1,2,3,4]},' * 8000,
}


@pytest.mark.parametrize("rest", TORN)
@pytest.mark.parametrize("lines", [0, 3])
def test_half_a_line_of_ours_is_cut_off_with_the_next_line_and_not_before(
    tmp_path: Path, rest: str, lines: int
) -> None:
    path = tmp_path / "out.jsonl"
    before = OURS * lines + TORN[rest]
    path.write_bytes(before)
    with opened(JsonlSink(path, append=True)) as sink:
        assert path.read_bytes() == before
        sink.write(observation(5), Rates())
        sink.write(observation(6), Rates())
    assert frames(path) == [0] * lines + [5, 6]


def test_a_last_line_that_is_longer_than_any_piece_that_is_read_at_once_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with opened(JsonlSink(path)) as sink:
        for index in range(2):
            sink.write(observation(index, faces=800), Rates())
    assert path.stat().st_size > 2 * 3 * 65536
    with opened(JsonlSink(path, append=True)) as sink:
        sink.write(observation(2), Rates())
    assert frames(path) == [0, 1, 2]


def test_old_results_stay_until_the_first_line_of_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(OURS * 3)
    opened(JsonlSink(path)).close()
    assert path.read_bytes() == OURS * 3
    with opened(JsonlSink(path)) as sink:
        assert path.read_bytes() == OURS * 3
        sink.write(observation(8), Rates())
    assert frames(path) == [8]


def test_what_somebody_writes_into_the_file_before_the_first_line_is_not_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(OURS)
    for append in (False, True):
        with opened(JsonlSink(path, append=append)) as sink:
            path.write_bytes(b"a letter")
            with pytest.raises(OutputNotWritable):
                sink.write(observation(1), Rates())
        assert path.read_bytes() == b"a letter"
        path.write_bytes(OURS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_be_written_but_not_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(OURS)
    path.chmod(0o200)
    with pytest.raises(OutputNotWritable, match="cannot be read"):
        JsonlSink(path)


@pytest.mark.parametrize("ending", [".mp4", ".avi"])
@pytest.mark.parametrize(
    "content", [b"kept", b"\x08\x07\x12\x08fer-edge" * 90, bytes(4096), b"RIFF\0\0\0\0WAVEfmt " * 40]
)
def test_a_recording_that_is_none_is_refused_and_stays_as_it_is(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"out{ending}"
    path.write_bytes(content)
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        VideoSink(path)
    assert path.read_bytes() == content


def test_a_film_of_another_program_is_not_recorded_over(tmp_path: Path) -> None:
    path = tmp_path / "holiday.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 30, (64, 48))
    for index in range(5):
        writer.write(np.ascontiguousarray(moving(index, 64, 48)))
    writer.release()
    before = path.read_bytes()
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        VideoSink(path)
    assert path.read_bytes() == before


def test_an_avi_that_another_program_wrote_to_a_pipe_is_not_recorded_over(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1", "-c:v", "mjpeg", "-f", "avi", "-")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *source]
    path = tmp_path / "out.avi"
    path.write_bytes(subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout)
    before = path.read_bytes()
    with pytest.raises(OutputNotWritable, match="none that fer-edge wrote"):
        VideoSink(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("ending", [".mp4", ".avi"])
@pytest.mark.parametrize("finished", [True, False])
def test_an_older_recording_of_ours_stays_until_the_first_picture_of_the_new_one(
    tmp_path: Path, ending: str, finished: bool
) -> None:
    path, copy = tmp_path / f"out{ending}", tmp_path / f"copy{ending}"
    with opened(VideoSink(path)) as sink:
        for index in range(40):
            sink.write(observation(index), Rates())
        while not path.stat().st_size:
            sink.write(observation(index), Rates())
        copy.write_bytes(path.read_bytes())
    if not finished:
        path.write_bytes(copy.read_bytes())
    before = path.read_bytes()
    opened(VideoSink(path)).close()
    assert path.read_bytes() == before
    with opened(VideoSink(path)) as sink:
        sink.write(observation(0), Rates())
    assert path.read_bytes() != before


@pytest.mark.parametrize("name", ["out.jsonl", "out.mp4", "out.avi"])
def test_new_files_are_for_this_user_and_group_and_old_ones_keep_their_mode(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    before = os.umask(0)
    try:
        for mode in (0o640, 0o604):
            with opened(JsonlSink(path) if name == "out.jsonl" else VideoSink(path)) as sink:
                sink.write(observation(0), Rates())
            assert path.stat().st_mode & 0o777 == mode
            path.chmod(0o604)
    finally:
        os.umask(before)
