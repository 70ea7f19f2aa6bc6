"""Where a video ends, and when: damage is what the file's structure or its decoder tells, and no number in a header."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import List, Optional, Tuple

import cv2
import pytest
from ffmpeg_program import SECOND, ffmpeg, video
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.file.container import is_cut
from fer_edge.capture.file.media_clock import MediaClock
from fer_edge.capture.file.rate import rate_of
from fer_edge.capture.file.sample_table import presented_samples
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.errors import SourceTruncated, SourceUnreadable

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
"""The name with which a WMV begins."""


def play(path: Path) -> Tuple[List[Optional[float]], float]:
    """Read it to its end; the time of each image, and the rate."""
    times = []
    with VideoFileSource(path) as source:
        rate = source.open().fps
        while source.grab():
            source.retrieve()
            times.append(source.media_time)
    return times, rate


def trimmed(folder: Path, begin: str = "0.4") -> Path:
    """Write an MP4 whose beginning is cut away by an edit list, as phones and ``ffmpeg -c copy`` do."""
    whole = video(folder / "whole.mp4", "-c:v", "libx264", "-g", "100")
    ffmpeg("-ss", begin, "-i", str(whole), "-c", "copy", str(folder / "trimmed.mp4"))
    return folder / "trimmed.mp4"


def piped(folder: Path, kind: str, *arguments: str) -> Path:
    path = folder / f"piped.{kind}"
    path.write_bytes(ffmpeg(*SECOND, *arguments, "-f", kind, "-"))
    return path


def without_rate(path: Path) -> Path:
    """Void the DefaultDuration of a WebM, as a browser's recorder has none."""
    data = path.read_bytes()
    at = data.index(b"\x23\xe3\x83\x84")
    path.write_bytes(data[:at] + b"\xec\x86" + bytes(6) + data[at + 8 :])
    return path


def test_a_trimmed_file_ends_without_damage_and_begins_at_nought(tmp_path: Path) -> None:
    path = trimmed(tmp_path)
    times, _ = play(path)
    assert presented_samples(path) == pytest.approx(len(times), abs=2)
    assert 10 < len(times) < 20
    assert times[:2] == pytest.approx([0, 0.04], abs=0.002)


@pytest.mark.parametrize("kind", ["avi", "webm"])
def test_a_film_that_was_written_to_a_pipe_ends_without_damage(tmp_path: Path, kind: str) -> None:
    times, rate = play(piped(tmp_path, kind, "-c:v", "mjpeg" if kind == "avi" else "libvpx"))
    assert len(times) == 25
    assert rate == pytest.approx(25)


@pytest.mark.parametrize("kind", ["avi", "webm"])
@pytest.mark.parametrize("part", [0.35, 0.8])
def test_one_that_was_cut_off_on_its_way_says_so(tmp_path: Path, kind: str, part: float) -> None:
    path = piped(tmp_path, kind, "-c:v", "mjpeg" if kind == "avi" else "libvpx", "-g", "1")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(SourceTruncated, match="cut off") as caught:
        play(path)
    assert " of " not in str(caught.value), "nobody knows how many there were"


@pytest.mark.parametrize(("kind", "codec"), [("ogv", "libtheora"), ("flv", "flv1"), ("wmv", "wmv2")])
def test_a_film_in_pages_tags_or_objects_tells_that_it_was_cut_off(tmp_path: Path, kind: str, codec: str) -> None:
    path = video(tmp_path / f"a.{kind}", "-c:v", codec, "-q:v", "8")
    assert len(play(path)[0]) == 25
    data = path.read_bytes()
    path.write_bytes(data + bytes(1000))
    assert len(play(path)[0]) == 25, "what stands behind the end is no damage"
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(SourceTruncated, match="cut off"):
        play(path)
    path.write_bytes(data[:-8])
    assert is_cut(path)


@given(head=st.sampled_from([b"OggS", b"FLV\1\1\0\0\0\x09\0\0\0\0\x09", ASF]), rest=st.binary(max_size=300))
def test_any_bytes_are_cut_off_or_not(head: bytes, rest: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(head + rest)
    assert is_cut(path) in (True, False)


def test_one_that_was_cut_off_before_its_first_image_is_called_that(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "-c:v", "libx264", "-movflags", "faststart")
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(SourceUnreadable, match="cut off before its first image") as caught:
        play(path)
    assert "Copy the file again" in caught.value.remedy


def test_a_file_that_is_removed_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = video(tmp_path / "a.avi", "-c:v", "mjpeg")
    with VideoFileSource(path) as source:
        source.open()
        path.unlink()
        assert sum(1 for _ in iter(source.grab, False)) == 25


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_an_avi_with_images_that_lean_on_later_ones_begins_at_nought(tmp_path: Path, codec: str) -> None:
    times, _ = play(video(tmp_path / "a.avi", "-c:v", codec, "-bf", "2"))
    assert times == pytest.approx([index / 25 for index in range(25)], abs=0.002)


@pytest.mark.parametrize("kind", ["mp3", "m4a"])
def test_the_cover_of_a_song_is_one_image_and_no_damage(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"song.{kind}"
    cover = ("-f", "lavfi", "-i", "testsrc=size=64x96:duration=0.04", "-map", "0", "-map", "1", "-c:v", "mjpeg")
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", *cover, "-disposition:v", "attached_pic", str(path))
    times, rate = play(path)
    assert len(times) == 1
    assert rate == 0


def test_a_header_that_promises_more_images_than_there_are_is_not_believed(tmp_path: Path) -> None:
    path = video(tmp_path / "a.avi", "-c:v", "mjpeg")
    data = bytearray(path.read_bytes())
    for name, offset in ((b"avih", 24), (b"strh", 40)):
        at = data.index(name) + offset
        assert struct.unpack_from("<I", data, at) == (25,)
        struct.pack_into("<I", data, at, 100)
    path.write_bytes(data)
    assert len(play(path)[0]) == 25


def test_an_mp4_of_which_the_decoder_gives_too_little_is_called_damaged(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "-c:v", "mjpeg")
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") + 4
    end = begin + int.from_bytes(data[begin - 8 : begin - 4], "big") - 8
    middle = (begin + end) // 2
    data[middle:end] = bytes(end - middle)
    path.write_bytes(data)
    with pytest.raises(SourceTruncated, match=r"1\d of 25"):
        play(path)


def test_the_rate_of_a_browsers_recording_is_that_of_its_images(tmp_path: Path) -> None:
    uneven = [index * 40 + index * 7 % 5 * 3 for index in range(25)]
    path = without_rate(
        piped(
            tmp_path,
            "webm",
            "-vf",
            "settb=1/1000,setpts=N*40+mod(N*7\\,5)*3",
            "-enc_time_base",
            "1:1000",
            "-c:v",
            "libvpx",
        )
    )
    capture = cv2.VideoCapture(str(path))
    assert not 20 < capture.get(cv2.CAP_PROP_FPS) < 30, "that is what the source must not believe"
    capture.release()
    times, rate = play(path)
    assert rate == pytest.approx(25, abs=1)
    assert times == pytest.approx([milliseconds / 1000 for milliseconds in uneven], abs=0.002)


def test_images_of_changing_length_tell_the_times_that_stand_in_the_file(tmp_path: Path) -> None:
    slower = "setpts='if(lt(N,10),N,10+(N-10)*3)/25/TB'"
    path = video(tmp_path / "a.mkv", "-vf", slower, "-c:v", "libx264")
    times, _ = play(path)
    assert times == pytest.approx([(n if n < 10 else 10 + (n - 10) * 3) / 25 for n in range(25)], abs=0.002)


@given(st.floats(1, 240), st.integers(2, 60), st.floats(-10, 10))
def test_the_rate_of_even_times_is_found_wherever_they_begin(fps: float, images: int, start: float) -> None:
    assert rate_of(start + index / fps for index in range(images)) == pytest.approx(fps, rel=1e-6)


@pytest.mark.parametrize(
    ("positions", "rate"),
    [([], 0.0), ([0.0], 0.0), ([0.0, 0.0, 0.0], 0.0), ([-9.2e15, 0.0, 0.1], 10.0), ([0.0, 1e-6], 0.0)],
)
def test_times_that_tell_nothing_give_no_rate(positions: List[float], rate: float) -> None:
    assert rate_of(positions) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("positions", "times"),
    [
        ([-0.2, -0.1, 0.0, 0.1], [0.0, 0.1, 0.2, 0.3]),
        ([-7.6e12, -7.6e12], [0.0, 0.1]),
        ([0.2, 0.3, 0.0], [0.0, 0.1, 0.2]),
        ([3.0, 3.1], [3.0, 3.1]),
    ],
)
def test_the_first_image_is_at_nought_where_it_comes_before_an_edit_list_or_a_little_late(
    positions: List[float], times: List[float]
) -> None:
    clock = MediaClock(10.0)
    assert [clock.read(position) for position in positions] == pytest.approx(times)


def test_a_table_is_counted_as_it_is_shown(tmp_path: Path) -> None:
    whole = video(tmp_path / "whole.mp4", "-c:v", "libx264")
    assert presented_samples(whole) == pytest.approx(25, abs=2)
    fragments = video(tmp_path / "f.mp4", "-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov")
    assert presented_samples(fragments) is None
    assert presented_samples(video(tmp_path / "a.mkv", "-c:v", "libx264")) is None
    assert presented_samples(tmp_path / "none.mp4") is None


@given(data=st.data())
def test_a_table_of_any_bytes_can_be_looked_at(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "tables"
    if not folder.exists():
        folder.mkdir()
        trimmed(folder)
    content = bytearray((folder / "trimmed.mp4").read_bytes())
    begin = content.index(b"moov") - 4
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(begin, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "fuzzed.mp4").write_bytes(content)
    counted = presented_samples(folder / "fuzzed.mp4")
    assert counted is None or counted >= 0
