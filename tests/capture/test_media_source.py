"""Files and pipes, read by PyAV in a process of its own."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest

pytest.importorskip("av")

from media_files import grays, write_video

from fer_edge.capture.base import Source
from fer_edge.capture.media.source import MediaSource
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceNotFound, SourceTruncated, SourceUnreachable, SourceUnreadable

ROOT = Path(__file__).parents[2]
QUICK = CaptureSettings(connect_timeout=0.5, first_image_timeout=20.0)


def read(source: Source) -> Tuple[List[int], List[Optional[float]]]:
    means, times = [], []
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        state = source.grab()
        if state is False:
            return means, times
        if state:
            means.append(round(float(source.retrieve().mean())))
            times.append(source.media_time)
    raise AssertionError("no end")


def assert_whole(source: Source, count: int = 12) -> None:
    with source:
        means, times = read(source)
    assert len(means) == count
    assert all(abs(mean - int(gray.mean())) <= 3 for mean, gray in zip(means, grays(count)))
    assert times == pytest.approx([index / 10 for index in range(count)], abs=0.002)


def trim(path: Path, count: int) -> None:
    """Have the edit list of an MP4 that PyAV wrote leave the first `count` frames out."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    duration, start = struct.unpack_from(">Ii", data, at + 8)
    scale = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)[0]
    ticks = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    struct.pack_into(">Ii", data, at + 8, duration - count * scale // 10, start + count * ticks // 10)
    path.write_bytes(data)


def test_a_file_gives_every_frame_in_order_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, grays(12))
    source = open_source(str(path))
    assert isinstance(source, MediaSource)
    assert not source.live
    info = source.open()
    assert (info.name, info.width, info.height, info.fps) == ("clip.mp4", 64, 48, 10.0)
    assert_whole(source)
    with source:
        read(source)
        assert source.grab() is False, "the end stays the end"


def test_a_file_waits_for_the_one_that_takes_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    write_video(path, grays(40, 640, 480))  # more than all pipes hold
    with open_source(str(path)) as source:
        assert source.grab()
        time.sleep(0.5)
        means, _ = read(source)
    assert len(means) == 39


def test_frames_that_an_edit_list_leaves_out_are_neither_shown_nor_missed(tmp_path: Path) -> None:
    path = tmp_path / "trimmed.mp4"
    write_video(path, grays(12), bf="2", g="4")
    trim(path, 5)
    with open_source(str(path)) as source:
        means, times = read(source)
    assert [abs(mean - int(gray.mean())) <= 3 for mean, gray in zip(means, grays(12)[5:])] == [True] * 7
    assert times == pytest.approx([index / 10 for index in range(7)], abs=0.002)


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_an_avi_that_was_written_to_a_pipe_is_whole(tmp_path: Path, length: bytes) -> None:
    path = tmp_path / "piped.avi"
    write_video(path, grays(12), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    data[4:8] = length
    at = data.index(b"avih") + 8 + 16  # frames in all: never filled in
    data[at : at + 4] = b"\0\0\0\x40"
    path.write_bytes(data[: data.rindex(b"idx1")])
    assert_whole(open_source(str(path)))


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv"])
def test_a_file_that_is_cut_gives_what_it_has_and_then_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    if suffix == "mp4":
        write_video(path, grays(30, 320, 240), movflags="faststart")
        write_video(path, grays(30, 320, 240), codec="mjpeg", pix_fmt="yuvj420p")
        data = path.read_bytes()
        moov = data.index(b"moov") - 4
        path.write_bytes(data[:moov][: moov * 2 // 3])
        with pytest.raises(SourceUnreadable, match="moov"), open_source(str(path)):
            pass
        return
    write_video(path, grays(30, 320, 240), codec="mjpeg", pix_fmt="yuvj420p")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    seen = 0
    with open_source(str(path)) as source, pytest.raises(SourceTruncated) as caught:
        while source.grab() is not False:
            seen += 1
    assert 5 < seen < 30
    assert str(path) in str(caught.value)


def test_damage_in_the_middle_is_told_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "disk.mkv"
    write_video(path, grays(12), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = [index for index in range(len(data)) if data[index : index + 3] == b"\xff\xd8\xff"][6]
    data[at : at + 590] = bytes(590)
    path.write_bytes(data)
    means: List[float] = []
    with open_source(str(path)) as source, pytest.raises(SourceTruncated, match="11 frames"):
        while source.grab() is not False:
            means.append(float(source.retrieve().mean()))
    assert len(means) == 11


def test_a_looped_file_begins_again_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, grays(3))
    times = []
    with open_source(str(path), CaptureSettings(loop=True)) as source:
        while len(times) < 7:
            if source.grab():
                source.retrieve()
                times.append(source.media_time)
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.0, 0.1, 0.2, 0.0])


@pytest.mark.parametrize(
    "name",
    [
        b"2026-11-25T21:43:00.mp4",
        b"name_caf\xe9.mp4",
        "Zoë 顔.mp4".encode(),
        b" led.mp4",
        b"trailed.mp4 ",
        b"http:",
        b"a%20b?c#d.mp4",
        b"-",
    ],
)
def test_a_file_may_have_any_name(tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "clip.mp4", grays(12))
    os.rename(tmp_path / "clip.mp4", os.fsencode(tmp_path) + b"/" + name)
    monkeypatch.chdir(tmp_path)
    assert_whole(open_source("./" + os.fsdecode(name)))
    if name not in (b"-", b"http:"):
        assert_whole(open_source(os.fsdecode(name)))


def test_spaces_around_a_name_are_no_part_of_it_where_no_file_is_called_so(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", grays(12))
    assert_whole(open_source(f"  {tmp_path}/clip.mp4 "))


@pytest.mark.parametrize("name", [b"name_caf\xe9.mp4", "café.mp4".encode()])
def test_a_name_that_the_locale_cannot_write_is_read(tmp_path: Path, name: bytes) -> None:
    write_video(tmp_path / "clip.mp4", grays(12))
    os.rename(tmp_path / "clip.mp4", os.fsencode(tmp_path) + b"/" + name)
    script = (
        "import os, sys\nfrom fer_edge.capture.open import open_source\n"
        "text = sys.argv[1] if len(sys.argv) > 1 else os.fsencode(os.environ['NAME']).decode('utf-8')\n"
        "count = 0\n"
        "with open_source(text) as source:\n    while source.grab() is not False: count += 1\n"
        "print(count)\n"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    place = os.fsencode(tmp_path) + b"/" + name
    done = subprocess.run(
        [sys.executable, "-c", script, place], env={**os.environ, **plain}, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"12\n"), done.stderr
    if name != b"name_caf\xe9.mp4":  # from a settings file it comes as letters
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environb, **{k.encode(): v.encode() for k, v in plain.items()}, b"NAME": place},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, b"12\n"), done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="missing"):
        open_source(str(tmp_path / "missing.mp4")).open()


def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def written(path: Path, *pieces: Any) -> threading.Thread:
    """Write to a named pipe in a thread: bytes, or numbers as pauses in seconds."""

    def write() -> None:
        try:
            with path.open("wb", buffering=0) as pipe:
                for piece in pieces:
                    if isinstance(piece, bytes):
                        view = memoryview(piece)
                        while view:
                            view = view[pipe.write(view) :]
                    else:
                        time.sleep(piece)
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def content(tmp_path: Path, suffix: str, **more: Any) -> bytes:
    path = tmp_path / f"content.{suffix}"
    write_video(path, grays(12), **more)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "more"),
    [
        ("nut", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("mkv", {}),
        ("ts", {"bf": "0"}),
        ("y4m", {"codec": "wrapped_avframe", "format": "yuv4mpegpipe"}),
    ],
)
def test_a_named_pipe_is_read_in_order_to_its_end(tmp_path: Path, suffix: str, more: Any) -> None:
    writer = written(fifo(tmp_path), content(tmp_path, suffix, **more))
    source = open_source(str(tmp_path / "pipe"))
    assert not source.live
    assert_whole(source)
    writer.join()


@pytest.mark.parametrize(("codec", "pix_fmt"), [("mjpeg", "yuvj420p"), ("png", "rgb24")])
def test_pictures_through_a_pipe_are_a_video(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    data = content(tmp_path, "pictures", codec=codec, pix_fmt=pix_fmt, format="image2pipe")
    writer = written(fifo(tmp_path), data)
    with open_source(str(tmp_path / "pipe")) as source:
        means, _ = read(source)
    writer.join()
    assert [abs(mean - int(gray.mean())) <= 3 for mean, gray in zip(means, grays(12))] == [True] * 12


def test_a_writer_may_pause_in_the_middle(tmp_path: Path) -> None:
    data = content(tmp_path, "nut", codec="mjpeg", pix_fmt="yuvj420p")
    writer = written(fifo(tmp_path), data[: len(data) // 2], 1.5, data[len(data) // 2 :])
    assert_whole(open_source(str(tmp_path / "pipe"), CaptureSettings(stall_timeout=0.2)))
    writer.join()


def test_a_pipe_that_nobody_writes_to_is_told_after_the_time_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match=r"Nobody wrote to .*pipe for 0.5 s"):
        open_source(str(fifo(tmp_path)), QUICK).open()


def test_a_pipe_whose_writer_writes_nothing_is_called_empty(tmp_path: Path) -> None:
    writer = written(fifo(tmp_path), 0.3)
    with pytest.raises(SourceUnreadable, match="empty"):
        open_source(str(tmp_path / "pipe")).open()
    writer.join()


def test_what_a_pipe_lacks_of_a_matroska_video_is_told(tmp_path: Path) -> None:
    data = content(tmp_path, "mkv")
    writer = written(fifo(tmp_path), data[: len(data) * 2 // 3])
    with open_source(str(tmp_path / "pipe")) as source, pytest.raises(SourceTruncated, match="prematurely"):
        while source.grab() is not False:
            pass
    writer.join()


def test_a_standard_input_of_nothing_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for place in ("/dev/null", str(tmp_path / "empty")):
        with open(place, "rb") as nothing:
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, "-"],
                check=False,
                stdin=nothing,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                timeout=60,
            )
        assert b"standard input is empty" in done.stderr


def test_a_reader_that_waits_for_a_silent_writer_can_be_left(tmp_path: Path) -> None:
    data = content(tmp_path, "mkv")
    done = threading.Event()
    path = fifo(tmp_path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            pipe.write(data[:500])
            done.wait(60)

    writer = threading.Thread(target=write)
    writer.start()
    source = open_source(str(path))
    threading.Timer(1.0, source.interrupt).start()
    with pytest.raises(
        SourceUnreachable if source.live else (SourceUnreachable, SourceUnreadable), match="interrupted"
    ):
        source.open()
    source.close()
    done.set()
    writer.join()


SCRIPT = (
    "import sys\nfrom fer_edge.capture.open import open_source\n"
    "count = 0\n"
    "with open_source(sys.argv[1]) as source:\n    while source.grab() is not False: count += 1\n"
    "print(count)\n"
)


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/proc/self/fd/0"])
@pytest.mark.parametrize("piped", [True, False])
def test_the_standard_input_is_read(tmp_path: Path, name: str, piped: bool) -> None:
    data = content(tmp_path, "mkv" if piped else "mp4")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    if piped:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, name], check=False, input=data, env=env, capture_output=True, timeout=60
        )
    else:
        with (tmp_path / "content.mp4").open("rb") as file:
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, name], check=False, stdin=file, env=env, capture_output=True, timeout=60
            )
    assert (done.returncode, done.stdout) == (0, b"12\n"), done.stderr


def test_what_a_shell_gives_for_another_program_is_read(tmp_path: Path) -> None:
    content(tmp_path, "mkv")
    line = 'exec "$0" -c "$1" <(cat content.mkv)'
    done = subprocess.run(
        ["bash", "-c", line, sys.executable, SCRIPT],
        cwd=str(tmp_path),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"12\n"), done.stderr


def test_a_closed_standard_input_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" -c "$1" - <&-', sys.executable, SCRIPT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"SourceNotFound" in done.stderr


@pytest.mark.parametrize("suffix", ["nut", "ts"])
def test_without_pyav_a_pipe_is_read_by_opencv(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.capture.media.pipe_input.has_av", lambda: False)
    more = {"codec": "mjpeg", "pix_fmt": "yuvj420p"} if suffix == "nut" else {"bf": "0"}
    writer = written(fifo(tmp_path), content(tmp_path, suffix, **more))
    with open_source(str(tmp_path / "pipe")) as source:
        means, _ = read(source)
    writer.join()
    assert len(means) == 12


def test_without_pyav_a_file_as_the_standard_input_may_have_its_index_at_its_end(tmp_path: Path) -> None:
    content(tmp_path, "mp4")
    script = "import fer_edge.capture.media.pipe_input as pipe\npipe.has_av = lambda: False\n" + SCRIPT
    with (tmp_path / "content.mp4").open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", script, "-"],
            check=False,
            stdin=file,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (0, b"12\n"), done.stderr


def test_the_reader_ends_with_its_parent(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mkv", grays(40, 640, 480))
    script = (
        "import os, sys\nfrom fer_edge.capture.open import open_source\n"
        "source = open_source(sys.argv[1])\nsource.open()\n"
        "print(source._pipe.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, str(tmp_path / "clip.mkv")]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, timeout=60, check=False)
    limit = time.monotonic() + 20
    while Path(f"/proc/{int(done.stdout)}/cmdline").exists() and time.monotonic() < limit:
        if not Path(f"/proc/{int(done.stdout)}/cmdline").read_bytes():  # ended, and not yet buried by init
            return
        time.sleep(0.05)
    assert time.monotonic() < limit, "the reader outlived its parent"
