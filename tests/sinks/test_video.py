from __future__ import annotations

import resource
import signal
import struct
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import moving, observation, opened
from waiting import wait_until

from fer_edge.errors import DiskFull, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.sinks.video.avi import AviSplitter
from fer_edge.sinks.video.encoders import H264, EncoderKind
from fer_edge.sinks.video.opencv import StreamEncoder
from fer_edge.sinks.video.sink import LONGEST_GAP, VideoSink
from fer_edge.types import Image, Observation, Rates, Track

ROOT = Path(__file__).parents[2]
ENDINGS = [".mp4", ".avi"]
WAYS = [(".mp4", H264), (".mp4", ()), (".avi", ())]
"""Endings, and what may encode H.264: without any it is MPEG-4 Part 2."""


class Nothing:
    """An overlay that draws nothing, so that the level of grey tells which picture was recorded."""

    bars = False

    def draw(self, image: Image, *rest: object, **more: object) -> Image:
        return image


def levels(path: Path) -> List[int]:
    """Play a recording to its end and give the level of grey in the middle of each picture."""
    capture = cv2.VideoCapture(str(path))
    found = []
    while True:
        there, picture = capture.read()
        if not there:
            break
        found.append(round(float(picture[picture.shape[0] // 2, picture.shape[1] // 2].mean())))
    capture.release()
    return found


def properties(path: Path) -> Tuple[float, int, int, int]:
    capture = cv2.VideoCapture(str(path))
    values = [capture.get(key) for key in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)]
    size = [int(capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
    capture.release()
    return values[0], int(values[1]), size[0], size[1]


def recorder(path: Path, live: bool = True, claimed: float = 0.0, **options: object) -> VideoSink:
    return opened(VideoSink(path, overlay=Nothing(), **options), claimed, live)  # type: ignore[arg-type]


def record(path: Path, times: List[float], **options: object) -> List[int]:
    """Record pictures 0, 1, 2... seen at the given times, and give the numbers of those that are played back."""
    with recorder(path, **options) as sink:
        for index, at in enumerate(times):
            sink.write(observation(10 * index, at=at, image=moving(10 * index, 64, 48)), Rates())
    return [round((level - 20) / 10) for level in levels(path)]


def shown_at(path: Path) -> List[float]:
    """Give the seconds at which the pictures of a recording are shown."""
    capture = cv2.VideoCapture(str(path))
    times = []
    while capture.grab():
        times.append(round(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 3))
    capture.release()
    return times


@pytest.mark.parametrize(("ending", "encoders"), WAYS)
def test_a_recording_has_every_picture_its_rate_its_size_and_its_length(
    tmp_path: Path, ending: str, encoders: Sequence[EncoderKind]
) -> None:
    path = tmp_path / f"out{ending}"
    with recorder(path, fps=25.0, encoders=encoders) as sink:
        for index in range(60):
            sink.write(observation(index, at=index / 25), Rates())
    assert properties(path) == (25.0, 60, 320, 240)
    assert np.abs(np.subtract(levels(path), 20 + np.arange(60))).max() <= 4


@pytest.mark.parametrize(("ending", "encoders"), WAYS)
def test_a_player_can_go_to_any_picture_of_a_finished_recording(
    tmp_path: Path, ending: str, encoders: Sequence[EncoderKind]
) -> None:
    path = tmp_path / f"out{ending}"
    with recorder(path, encoders=encoders) as sink:
        for index in range(100):
            sink.write(observation(index), Rates())
    capture = cv2.VideoCapture(str(path))
    for wanted in (77, 3, 99, 50):
        capture.set(cv2.CAP_PROP_POS_FRAMES, wanted)
        there, picture = capture.read()
        assert there
        assert abs(float(picture.mean()) - (20 + wanted)) <= 4
    capture.release()


def test_the_table_of_an_mp4_names_the_pictures_that_stand_for_themselves(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with recorder(path, encoders=()) as sink:
        for index in range(100):
            sink.write(observation(index, image=moving(0)), Rates())
    data = path.read_bytes()
    at = data.rindex(b"stss") + 8
    (count,) = struct.unpack_from(">I", data, at)
    named = struct.unpack_from(f">{count}I", data, at + 4)
    assert named == tuple(range(1, 101, 12)), "FFmpeg's encoder begins anew with every twelfth"


def test_what_was_seen_is_drawn_into_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with opened(VideoSink(path)) as sink:
        sink.write(observation(), Rates())
    there, picture = cv2.VideoCapture(str(path)).read()
    assert there
    assert picture.max() > 180, "bright lines and letters on the dark picture"


def test_a_face_that_is_waited_for_fades_in_the_recording_as_in_the_window(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    (seen,) = observation().faces
    with opened(VideoSink(path)) as sink:
        for index, fade in enumerate((0.0, 0.5, 1.0)):
            followed = replace(seen, track=Track(1, 2.0, seen.expression, 1.0, fade, fade))
            sink.write(replace(observation(index, image=moving(0)), faces=(), hidden=(followed,)), Rates())
    film = cv2.VideoCapture(str(path))
    brightest = [film.read()[1][:120].max() for _ in range(3)]
    film.release()
    assert brightest[0] > brightest[1] + 40 > brightest[2] + 80


def killed_while_recording(path: Path) -> int:
    """Let a program record until it is killed, and give how many pictures it had written."""
    code = f"""
import sys
sys.path[:0] = ["tests/sinks", "."]
from observations import observation, opened
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
sink = opened(VideoSink({str(path)!r}))
for index in range(100000):
    sink.write(observation(index), Rates())
    print(index, flush=True)
    if index == 99:
        sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(100):
            process.stdout.readline()
        process.stdin.write(b"\n")
        process.stdin.flush()
        for _ in range(50):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    return 150 + len(rest)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_recording_of_a_killed_program_plays_up_to_the_last_half_second(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    written = killed_while_recording(path)
    played = levels(path)
    assert written - 31 <= len(played) <= written + 1, "30 pictures are a second"
    expected = 20 + np.arange(len(played)) % 200
    differing = np.abs(np.subtract(played, expected)) > 4
    assert not differing[:-1].any()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_on_a_full_disk_the_error_is_raised_once_and_what_was_recorded_plays(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    code = f"""
import resource, sys
sys.path[:0] = ["tests/sinks", "."]
import numpy as np
from observations import observation, opened
from fer_edge.errors import DiskFull
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
sink = opened(VideoSink({str(path)!r}))
raised = 0
for index in range(300):
    try:
        sink.write(observation(index, image=np.roll(noise, 7 * index, 1)), Rates())
    except DiskFull as error:
        raised += 1
        assert "out{ending}" in error.message
sink.close()
sink.close()
print(raised)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert path.stat().st_size <= 700_000
    assert len(levels(path)) >= 10


def test_a_recording_for_which_there_is_no_space_at_all_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    code = f"""
import resource, sys
from observations import observation, opened
from fer_edge.errors import DiskFull
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
sink = opened(VideoSink({str(path)!r}))
try:
    for index in range(100):
        sink.write(observation(index), Rates())
    sink.close()
except DiskFull:
    sink.close()
    sys.exit(31)
"""
    preamble = (
        "import signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.path[:0] = ['tests/sinks', '.']\n"
    )
    assert subprocess.call([sys.executable, "-c", preamble + code], cwd=ROOT, timeout=60) == 31
    assert not path.exists()


def test_a_full_disk_at_the_very_end_is_raised_by_close_and_the_recording_plays(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sink = recorder(path)
    for index in range(100):
        sink.write(observation(index), Rates())
    sink.write(observation(100), Rates())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        with pytest.raises(DiskFull):
            sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(levels(path)) >= 75


def test_a_slow_source_is_played_back_in_real_time(tmp_path: Path) -> None:
    assert record(tmp_path / "out.avi", [0.0, 0.4, 0.5], fps=10) == [0, 0, 0, 0, 1, 2]


@pytest.mark.parametrize("fps", [29.97, 30.0, 1000.0])
def test_a_picture_that_an_avi_shows_for_longer_is_encoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fps: float
) -> None:
    encoded: List[Image] = []
    encode = StreamEncoder.write
    monkeypatch.setattr(StreamEncoder, "write", lambda self, image: (encoded.append(image), encode(self, image))[1])
    path = tmp_path / "out.avi"
    shown = [0] * 4 + [1] + [2] * 8 + [3] * 27 + [4]
    assert record(path, [shown.index(number) / fps for number in range(5)], fps=fps) == shown
    assert properties(path)[:2] == (fps, 41)
    assert len(encoded) == 5, "an encoder that is slow would only fall further behind"


@pytest.mark.parametrize("encoders", [H264, ()])
def test_an_mp4_has_each_picture_once_and_shows_it_for_as_long_as_it_lasted(
    tmp_path: Path, encoders: Sequence[EncoderKind]
) -> None:
    times = [0.0, 0.033, 0.5, 0.501, 20.5, 20.6, 80.0, 85.0]
    assert record(tmp_path / "out.mp4", times, encoders=encoders) == list(range(8))
    assert shown_at(tmp_path / "out.mp4") == times
    assert properties(tmp_path / "out.mp4")[1] == 8


@pytest.mark.parametrize("encoders", [H264, ()])
def test_a_camera_of_a_picture_in_twenty_seconds_is_recorded_in_real_time_and_each_is_there_at_once(
    tmp_path: Path, encoders: Sequence[EncoderKind]
) -> None:
    path = tmp_path / "out.mp4"
    with recorder(path, encoders=encoders) as sink:
        for index in range(6):
            sink.write(observation(10 * index, at=20.0 * index, image=moving(10 * index, 64, 48)), Rates())
            if index in (0, 1, 4):
                wait_until(lambda index=index: len(shown_at(path)) == index + 1, "the newest picture, in the file")
    assert shown_at(path) == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]


@pytest.mark.parametrize("encoders", [H264, ()])
def test_each_picture_of_a_video_is_there_once_at_its_time_whatever_rate_the_file_claims(
    tmp_path: Path, encoders: Sequence[EncoderKind]
) -> None:
    path = tmp_path / "out.mp4"
    times = [3.0, 3.04, 3.04, 3.3, 3.301, 9.0, 9.5]
    with recorder(path, live=False, claimed=1000.0, encoders=encoders) as sink:
        for index, at in enumerate(times):
            sink.write(of_video(index, at), Rates())
    assert [round((level - 20) / 10) for level in levels(path)] == list(range(7))
    assert shown_at(path) == [0.0, 0.04, 0.041, 0.3, 0.301, 6.0, 6.5]


def test_an_avi_of_a_video_without_a_rate_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with recorder(path, live=False, claimed=1000.0) as sink:
        for index, at in enumerate([3.0, 3.1, 3.101, 3.4]):
            sink.write(of_video(index, at), Rates())
    assert properties(path)[0] == 30.0
    assert [round((level - 20) / 10) for level in levels(path)] == [0] * 3 + [1] * 9 + [3]


def of_video(index: int, media_time: Optional[float]) -> Observation:
    made = observation(10 * index, at=0.001 * index, image=moving(10 * index, 64, 48))
    return made.richer(frame=replace(made.frame, media_time=media_time))


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_animation_among_pictures_is_recorded_in_its_own_time_behind_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    files: List[Tuple[str, Optional[float]]] = [
        ("a.gif", 0.0),
        ("a.gif", 0.2),
        ("b.jpg", None),
        ("c.gif", 0.0),
        ("c.gif", 0.3),
    ]
    with recorder(path, live=False, claimed=10.0) as sink:
        for index, (file, at) in enumerate(files):
            made = of_video(index, at)
            sink.write(made.richer(frame=replace(made.frame, file=file)), Rates())
    played = [round((level - 20) / 10) for level in levels(path)]
    assert played == ([0, 1, 2, 3, 4] if ending == ".mp4" else [0, 0, 1, *[2] * 10, 3, 3, 3, 4])
    if ending == ".mp4":
        assert shown_at(path) == pytest.approx([0.0, 0.2, 0.3, 1.3, 1.6], abs=0.001)


def test_what_has_no_picture_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    broken = observation(1, image=np.zeros((0, 0, 3), np.uint8))
    with recorder(path, live=False, fps=10.0) as sink:
        sink.write(of_video(0, None), Rates())
        sink.write(broken.richer(frame=replace(broken.frame, problem="it is cut off")), Rates())
        sink.write(of_video(2, None), Rates())
    assert [round((level - 20) / 10) for level in levels(path)] == [0, 2]


def test_a_fast_source_is_thinned_out_to_the_rate_of_the_recording(tmp_path: Path) -> None:
    assert record(tmp_path / "out.avi", [0.0, 0.01, 0.02, 0.1, 0.11, 0.2], fps=10) == [0, 3, 5]


def test_of_a_file_every_picture_is_kept_however_fast_it_was_read(tmp_path: Path) -> None:
    assert record(tmp_path / "out.avi", [0.0, 0.001, 0.002, 0.5], fps=10, live=False) == [0, 1, 2, 3]


def test_a_very_long_gap_is_shortened_and_the_times_after_it_are_kept(tmp_path: Path) -> None:
    played = record(tmp_path / "out.avi", [0.0, 100000.0, 100000.3], fps=10)
    assert played[-4:] == [1, 1, 1, 2]
    assert len(played) == pytest.approx(10 * LONGEST_GAP[".avi"] + 5, abs=2)


def test_a_very_long_gap_in_an_mp4_is_shortened_to_an_hour(tmp_path: Path) -> None:
    record(tmp_path / "out.mp4", [0.0, 100000.0, 100000.3])
    assert shown_at(tmp_path / "out.mp4") == [0.0, 3600.0, 3600.3]


def test_at_the_end_a_gap_is_not_filled_any_more_so_that_it_comes_soon(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    ending = threading.Event()
    with recorder(path, fps=10, stop=ending.is_set) as sink:
        for index, at in enumerate((0.0, 0.3, 5.0, 9.0)):
            if index == 2:
                ending.set()
            sink.write(observation(10 * index, at=at, image=moving(10 * index, 64, 48)), Rates())
    assert [round((level - 20) / 10) for level in levels(path)] == [0, 0, 0, 1, 2, 3]


def test_time_that_runs_backwards_adds_nothing(tmp_path: Path) -> None:
    assert record(tmp_path / "out.avi", [0.0, 0.1, 0.05, 0.2], fps=10) == [0, 1, 3]


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.floats(0.001, 0.7), min_size=1, max_size=12))
def test_a_recording_is_as_long_as_what_it_shows(tmp_path_factory: pytest.TempPathFactory, steps: List[float]) -> None:
    times = np.cumsum([0.0, *steps])
    played = record(tmp_path_factory.mktemp("video") / "out.avi", list(times), fps=20)
    assert abs(len(played) / 20 - times[-1]) <= 0.1 + 1e-6
    assert played == sorted(played)


@pytest.mark.parametrize("ending", ENDINGS)
def test_odd_sizes_are_recorded_with_one_more_row_and_column(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out{ending}"
    with recorder(path) as sink:
        for index in range(20):
            sink.write(observation(index, image=moving(index, 321, 241)), Rates())
    assert properties(path)[2:] == (322, 242)
    assert len(levels(path)) == 20


def test_later_pictures_of_another_size_are_fitted_in_with_black_margins(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    with recorder(path) as sink:
        sink.write(observation(0, image=np.full((240, 320, 3), 200, np.uint8)), Rates())
        sink.write(observation(1, image=np.full((480, 320, 3), 200, np.uint8)), Rates())
    capture = cv2.VideoCapture(str(path))
    capture.read()
    there, picture = capture.read()
    capture.release()
    assert there
    assert picture.shape == (240, 320, 3)
    assert picture[:, :70].max() < 40, "margin"
    assert picture[:, 110:210].min() > 160, "picture"


def test_4k_pictures_that_do_not_fit_into_a_pipe_at_once_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    noise = np.random.default_rng(0).integers(0, 256, (2160, 3840, 3), dtype=np.uint8)
    with recorder(path) as sink:
        for index in range(3):
            sink.write(observation(index, image=noise), Rates())
    assert properties(path)[1:] == (3, 3840, 2160)
    assert len(levels(path)) == 3


@pytest.mark.parametrize(
    ("name", "word"),
    [("out.gif", "ending"), ("out", "ending"), ("missing/out.mp4", "no directory"), ("x.mp4", "is a dir")],
)
def test_a_recording_that_cannot_be_made_is_refused_at_once(tmp_path: Path, name: str, word: str) -> None:
    (tmp_path / "x.mp4").mkdir()
    with pytest.raises(OutputNotWritable, match=word) as caught:
        VideoSink(tmp_path / name)
    assert caught.value.remedy


def test_a_device_is_no_place_for_a_recording(tmp_path: Path) -> None:
    (tmp_path / "null.mp4").symlink_to("/dev/null")
    with pytest.raises(OutputNotWritable, match="no ordinary file"):
        VideoSink(tmp_path / "null.mp4")


def test_a_recording_that_is_being_written_is_no_place_for_another(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    checked = VideoSink(path)
    with opened(VideoSink(path)):
        for again in (lambda: VideoSink(path), lambda: opened(checked)):
            with pytest.raises(OutputNotWritable, match="Another program writes to the recording"):
                again()
    opened(VideoSink(path)).close()


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(OutputNotWritable, match="pictures per second"):
        VideoSink(tmp_path / "out.mp4", fps=fps)
    assert not (tmp_path / "out.mp4").exists()


def test_without_a_single_picture_an_older_recording_is_kept_and_no_empty_one_is_left(tmp_path: Path) -> None:
    older, new = tmp_path / "older.mp4", tmp_path / "new.mp4"
    record(older, [0.0, 0.1])
    before = older.read_bytes()
    for path in (older, new):
        opened(VideoSink(path)).close()
    assert older.read_bytes() == before
    assert not new.exists()


def test_an_older_recording_is_replaced_by_the_first_picture(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with recorder(path) as sink:
        for index in range(200):
            sink.write(observation(index), Rates())
    with recorder(path) as sink:
        sink.write(observation(), Rates())
    assert len(levels(path)) == 1


def test_with_append_a_recording_takes_the_name_that_is_free_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "out.avi"
    path.write_bytes(b"whatever this is")
    names: List[str] = []
    sink = VideoSink(path, append=True, before_opening=names.append)
    (tmp_path / "out+2.avi").write_bytes(b"come meanwhile")
    with opened(sink):
        sink.write(observation(), Rates())
    assert names == [str(tmp_path / "out+3.avi")]
    assert len(levels(tmp_path / "out+3.avi")) == 1
    assert path.read_bytes() == b"whatever this is"


def test_nothing_is_touched_before_a_recording_is_opened_and_nothing_can_be_written(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "out.mp4") as sink:
        assert (list(tmp_path.iterdir()), sink.bytes_written) == ([], 0)
        with pytest.raises(UsageError, match="before it was opened"):
            sink.write(observation(), Rates())


def test_closing_twice_is_allowed_and_no_thread_is_left(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    sink = recorder(tmp_path / "out.mp4")
    sink.write(observation(), Rates())
    sink.close()
    sink.close()
    sink.write(observation(1), Rates())
    assert set(threading.enumerate()) == before


def test_a_size_that_cannot_be_encoded_is_refused_in_words_and_leaves_nothing_behind(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    with pytest.raises(OutputNotWritable, match="cannot encode"):
        StreamEncoder("XXXX", 30.0, (64, 48), lambda piece: None)
    capfd.readouterr()
    assert set(threading.enumerate()) == before


def test_a_picture_that_is_too_large_for_the_codec_is_told_apart_from_a_codec_that_is_missing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ResultUnwritable, match="9000 x 1000"):
        StreamEncoder("mp4v", 30.0, (9000, 1000), lambda piece: None)
    capfd.readouterr()


@pytest.mark.parametrize(
    ("ending", "encoders", "width", "height", "size"),
    [
        (".mp4", (), 9000, 1000, (8190, 910)),
        (".mp4", (), 3, 8191, (2, 8190)),
        (".mp4", (), 8189, 16, (8190, 16)),
        (".avi", (), 9000, 1000, (9000, 1000)),
        (".avi", (), 65535, 2, (65500, 2)),
        (".mp4", (), 1, 1, (2, 2)),
        (".mp4", H264[:1], 9000, 1000, (4096, 456)),
        (".mp4", H264[:1], 4000, 3000, (3506, 2630)),
        (".mp4", H264[:1], 1, 1, (2, 2)),
    ],
)
def test_a_recording_takes_what_comes_scaled_down_to_what_its_codec_bears(
    tmp_path: Path, ending: str, encoders: Sequence[EncoderKind], width: int, height: int, size: Tuple[int, int]
) -> None:
    if encoders:
        pytest.importorskip("av")
    path = tmp_path / f"out{ending}"
    with recorder(path, encoders=encoders) as sink:
        sink.write(observation(0, image=moving(100, width, height)), Rates())
        sink.write(observation(1, image=moving(100, 320, 240)), Rates())
    assert properties(path)[1:] == (2, *size)
    if min(size) > 2:
        assert abs(levels(path)[0] - 120) <= 4


@pytest.mark.parametrize(
    "image", [np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3), np.float32), np.zeros((0, 64, 3), np.uint8)]
)
def test_a_picture_that_is_none_is_refused_and_the_recording_goes_on(tmp_path: Path, image: Image) -> None:
    path = tmp_path / "out.avi"
    with recorder(path, fps=10) as sink:
        for index in range(6):
            if index in (0, 3):
                with pytest.raises(ResultUnwritable, match=f"frame {index}"):
                    sink.write(observation(index, at=index / 10, image=image), Rates())
            else:
                sink.write(observation(index, at=index / 10), Rates())
    assert len(levels(path)) == 5, "the picture before stands for the one that is missing"


@pytest.mark.parametrize(
    ("live", "claimed", "fps"),
    [
        (False, 12.5, 12.5),
        (False, 240.0, 240.0),
        (False, 1000.0, 30.0),
        (False, 0.001, 30.0),
        (False, 0.0, 30.0),
        (False, float("nan"), 30.0),
        (True, 12.5, 30.0),
    ],
)
def test_an_avi_of_a_file_has_its_rate_where_that_makes_sense_and_of_a_camera_thirty(
    tmp_path: Path, live: bool, claimed: float, fps: float
) -> None:
    path = tmp_path / "out.avi"
    with recorder(path, live, claimed) as sink:
        sink.write(observation(0), Rates())
    assert properties(path)[0] == pytest.approx(fps)


def test_without_a_place_for_temporary_files_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    path = tmp_path / "out.mp4"
    with recorder(path, encoders=()) as sink, pytest.raises(OutputNotWritable, match="temporary") as caught:
        sink.write(observation(), Rates())
    assert "TMPDIR" in caught.value.remedy
    assert not (tmp_path / "out.mp4").exists()


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 3000), min_size=1, max_size=40))
def test_a_stream_gives_the_same_pictures_however_it_is_cut(cuts: List[int]) -> None:
    stream = avi_stream()
    whole = list(AviSplitter().feed(stream))
    assert len(whole) == 6
    splitter, found, at, turn = AviSplitter(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += list(splitter.feed(stream[at : at + size]))
        at, turn = at + size, turn + 1
    assert found == whole


def avi_stream() -> bytes:
    pieces: List[bytes] = []
    encoder = StreamEncoder("MJPG", 30.0, (64, 48), pieces.append)
    for index in range(6):
        encoder.write(moving(index, 64, 48))
    encoder.close()
    return b"".join(pieces)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("count", [1, 7, 40])
def test_a_recording_that_was_renamed_has_every_picture_up_to_then(tmp_path: Path, ending: str, count: int) -> None:
    path, moved = tmp_path / f"out{ending}", tmp_path / f"moved{ending}"
    sink = recorder(path)
    for index in range(count):
        sink.write(observation(index, at=index / 30, image=moving(index, 64, 48)), Rates())
    path.rename(moved)
    with pytest.raises(OutputNotWritable, match="removed or renamed"):
        sink.write(observation(count, at=count / 30, image=moving(count, 64, 48)), Rates())
    sink.close()
    assert len(levels(moved)) == count
    assert properties(moved)[1] == count, "it is a finished file"
    assert not path.exists()


def test_a_recording_whose_name_somebody_took_is_noticed_with_the_next_picture(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with recorder(path) as sink:
        sink.write(observation(0, image=moving(0, 64, 48)), Rates())
        path.unlink()
        path.write_bytes(b"somebody's")
        with pytest.raises(OutputNotWritable, match="removed or renamed"):
            sink.write(observation(1, at=1 / 30, image=moving(1, 64, 48)), Rates())
    assert path.read_bytes() == b"somebody's"
