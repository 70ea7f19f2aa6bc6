from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

import cv2
import numpy as np
import pytest

from fer_edge.capture.base import Source
from fer_edge.capture.file.media_clock import MediaClock
from fer_edge.capture.limits import LARGEST
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceNotFound, SourceTruncated, SourceUnreadable
from fer_edge.types import Image

OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2])
FRAMES, BITS = 60, 6
CODECS = {"mp4": "mp4v", "mov": "mp4v", "avi": "MJPG", "mkv": "MJPG"}


def write_video(path: Path, frames: int = FRAMES) -> Path:
    """Write a real video whose frames show their number as six black or white bars, beside noise that gives it some size."""
    codec = cv2.VideoWriter.fourcc(*CODECS[path.suffix[1:]])
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, 25.0, (160, 120))
    assert writer.isOpened()
    noise = np.random.default_rng(1)
    for index in range(frames):
        picture = noise.integers(0, 256, (120, 160, 3), np.uint8)
        for bit in range(BITS):
            picture[20 * bit : 20 * bit + 20, :80] = 255 * (index >> bit & 1)
        writer.write(picture)
    writer.release()
    return path


def cut(path: Path, part: float) -> Path:
    """Write a copy that ends in the middle."""
    data = path.read_bytes()
    copy = path.with_name(f"cut-{path.name}")
    copy.write_bytes(data[: int(len(data) * part)])
    return copy


def number(picture: Image) -> int:
    """Read a frame's number back."""
    return sum(int(picture[20 * bit + 5 : 20 * bit + 15, 10:60].mean() > 127) << bit for bit in range(BITS))


def numbers(source: Source) -> List[int]:
    seen = []
    while source.grab():
        seen.append(number(source.retrieve()))
    return seen


@pytest.mark.parametrize("kind", CODECS)
def test_every_frame_of_a_video_comes_once_and_in_order(tmp_path: Path, kind: str) -> None:
    path = write_video(tmp_path / f"clip.{kind}")
    with open_source(str(path)) as source:
        assert not source.live
        info = source.open()
        assert (info.name, info.width, info.height) == (f"clip.{kind}", 160, 120)
        assert info.fps == pytest.approx(25)
        assert numbers(source) == list(range(FRAMES))
        assert source.grab() is False
    source.close()


def test_a_looped_video_starts_again(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=3)
    with open_source(str(path), CaptureSettings(loop=True)) as source:
        assert all(source.grab() for _ in range(10))
        assert number(source.retrieve()) == 0


@pytest.mark.parametrize("kind", ["avi", "mkv"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_video_that_is_cut_off_gives_its_frames_and_then_says_so(tmp_path: Path, kind: str, part: float) -> None:
    path = cut(write_video(tmp_path / f"clip.{kind}"), part)
    seen = 0
    with open_source(str(path)) as source, pytest.raises(SourceTruncated, match="cut off") as caught:
        while source.grab():
            assert number(source.retrieve()) == seen
            seen += 1
    assert part * FRAMES * 0.8 - 3 <= seen < FRAMES
    assert f" {seen} " in str(caught.value)
    assert str(path) in str(caught.value)


def front_index(path: Path) -> Path:
    """Move the index of an MP4 to its front, as is done for the web."""
    data = path.read_bytes()
    boxes, at = {}, 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big") or len(data) - at
        boxes[data[at + 4 : at + 8]] = data[at : at + length]
        at += length
    index = bytearray(boxes[b"moov"])
    table = index.index(b"stco")
    count = int.from_bytes(index[table + 8 : table + 12], "big")
    for entry in range(count):
        place = table + 12 + 4 * entry
        moved = int.from_bytes(index[place : place + 4], "big") + len(index)
        index[place : place + 4] = moved.to_bytes(4, "big")
    order = [name for name in boxes if name not in (b"moov", b"mdat", b"free")]
    copy = path.with_name(f"front-{path.name}")
    parts = [boxes[name] for name in order] + [bytes(index)] + [boxes[n] for n in (b"free", b"mdat") if n in boxes]
    copy.write_bytes(b"".join(parts))
    return copy


@pytest.mark.parametrize("part", [0.4, 0.97])
def test_an_mp4_with_its_index_in_front_that_is_cut_off_says_how_many_of_how_many(tmp_path: Path, part: float) -> None:
    path = cut(front_index(write_video(tmp_path / "clip.mp4")), part)
    seen = 0
    with open_source(str(path)) as source, pytest.raises(SourceTruncated) as caught:
        while source.grab():
            seen += 1
    assert 0 < seen < FRAMES
    assert f"{seen} of {FRAMES} frames" in str(caught.value)


def test_an_mp4_whose_index_was_never_written_is_unreadable_with_the_reason(tmp_path: Path) -> None:
    path = cut(write_video(tmp_path / "clip.mp4"), 0.7)
    with pytest.raises(SourceUnreadable, match="recording was cut off"):
        open_source(str(path)).open()


def gif(path: Path, frames: int = 12) -> Path:
    from PIL import Image as Pillow

    noise = np.random.default_rng(2)
    pictures = [Pillow.fromarray(noise.integers(0, 256, (120, 160, 3), np.uint8)) for _ in range(frames)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, loop=0)
    return path


def test_an_animated_gif_is_a_video(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    with open_source(str(gif(tmp_path / "a.gif"))) as source:
        assert len(numbers(source)) == 12


def test_a_gif_that_is_cut_off_says_so(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    path = cut(gif(tmp_path / "a.gif"), 0.5)
    with open_source(str(path)) as source, pytest.raises(SourceTruncated):
        numbers(source)


@pytest.mark.parametrize("kind", ["mp4", "avi", "mkv", "txt"])
def test_a_file_that_is_no_video_is_named_with_the_kinds_that_work(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"letter.{kind}"
    path.write_text("Dear reader,\nthis is no video.\n" * 50, encoding="utf-8")
    with pytest.raises(SourceUnreadable, match="mkv") as caught, open_source(str(path)) as source:
        source.grab()
    assert str(path) in str(caught.value)


def test_a_video_with_larger_pictures_than_can_be_worked_on_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.avi"
    for width, can_be_read in ((LARGEST - 2, True), (LARGEST + 2, False)):
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (width, 16))
        assert writer.isOpened()
        writer.write(np.zeros((16, width, 3), np.uint8))
        writer.release()
        if can_be_read:
            with open_source(str(path)) as source:
                assert source.grab()
        else:
            with pytest.raises(SourceUnreadable, match="no video that can be read"):
                open_source(str(path)).open()


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(SourceUnreadable, match="is empty"):
        open_source(str(tmp_path / "a.mp4")).open()


def test_a_file_that_does_not_exist_is_answered_with_what_a_source_can_be() -> None:
    with pytest.raises(SourceNotFound, match="demo"):
        open_source("webcam").open()


@pytest.mark.skipif(OPENCV < (4, 6), reason="FFmpeg cannot be silenced before OpenCV 4.6")
def test_the_standard_error_stays_quiet_whatever_the_file(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "clip.mp4")
    broken = bytearray(whole.read_bytes())
    broken[3000:9000] = os.urandom(6000)
    (tmp_path / "broken.mp4").write_bytes(broken)
    (tmp_path / "junk.mp4").write_bytes(os.urandom(5000))
    places = [
        str(cut(whole, 0.5)),
        str(tmp_path / "broken.mp4"),
        str(tmp_path / "junk.mp4"),
        str(tmp_path / "none.mp4"),
    ]
    program = (
        "import sys\n"
        "from fer_edge.capture.open import open_source\n"
        "from fer_edge.errors import SourceError\n"
        "for place in sys.argv[1:]:\n"
        "    try:\n"
        "        with open_source(place) as source:\n"
        "            while source.grab():\n                source.retrieve()\n"
        "    except SourceError as error:\n        print(type(error).__name__)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, *places], capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert answer.stdout.split()[0] == "SourceUnreadable"
    assert answer.stdout.split()[-1] == "SourceNotFound"


def test_a_clip_of_people_is_played_to_its_end(shared: Path) -> None:
    clips = sorted((shared / "clips").glob("*.gif"))
    for clip in clips[:2]:
        with open_source(str(clip)) as source:
            assert len(numbers(source)) > 10


def media_times(source: Source) -> List[Optional[float]]:
    times = []
    while source.grab():
        source.retrieve()
        times.append(source.media_time)
    return times


@pytest.mark.parametrize("kind", CODECS)
def test_each_frame_of_a_video_tells_its_time_within_the_file(tmp_path: Path, kind: str) -> None:
    with open_source(str(write_video(tmp_path / f"a.{kind}", frames=10))) as source:
        assert source.media_time is None
        assert media_times(source) == pytest.approx([index / 25 for index in range(10)], abs=0.002)


def test_frames_of_unequal_length_tell_the_times_that_stand_in_the_file(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    from PIL import Image as Pillow

    frames = [Pillow.new("RGB", (64, 48), (40 * level, 0, 0)) for level in range(5)]
    place = tmp_path / "a.gif"
    frames[0].save(place, save_all=True, append_images=frames[1:], duration=[100, 300, 100, 500, 100])
    with open_source(str(place)) as source:
        assert media_times(source) == pytest.approx([0.0, 0.1, 0.4, 0.5, 1.0])


def test_a_frame_that_is_passed_over_takes_its_time_with_it(tmp_path: Path) -> None:
    with open_source(str(write_video(tmp_path / "a.mp4", frames=5))) as source:
        source.grab()
        source.retrieve()
        source.grab()
        assert source.media_time == 0.0
        source.grab()
        source.retrieve()
        assert source.media_time == pytest.approx(0.08)


def test_a_file_that_begins_again_begins_its_time_again(tmp_path: Path) -> None:
    with open_source(str(write_video(tmp_path / "a.avi", frames=3)), CaptureSettings(loop=True)) as source:
        times = []
        for _ in range(7):
            source.grab()
            source.retrieve()
            times.append(source.media_time)
        assert times == pytest.approx([0.0, 0.04, 0.08, 0.0, 0.04, 0.08, 0.0])


@pytest.mark.parametrize(
    ("fps", "positions", "times"),
    [
        (10.0, [0.0, 0.0, 0.0], [0.0, 0.1, 0.2]),
        (0.0, [0.0, 0.0, 0.5], [0.0, None, 0.5]),
        (10.0, [0.5, 0.6, 0.1, 0.2, 0.9], [0.5, 0.6, 0.6, 0.6, 0.9]),
        (10.0, [math.nan, -1.0, math.inf], [0.0, 0.1, 0.2]),
        (0.0, [math.nan], [None]),
    ],
)
def test_where_the_file_has_no_times_the_rate_must_do_and_none_goes_back(
    fps: float, positions: List[float], times: List[Optional[float]]
) -> None:
    clock = MediaClock(fps)
    assert [clock.read(position) for position in positions] == times
