from __future__ import annotations

import logging
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Sequence, Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observations import moving, observation, opened
from waiting import wait_until

from fer_edge.errors import EncoderFailed
from fer_edge.sinks.video import program
from fer_edge.sinks.video.encoder import EncoderMissing, VideoFormat
from fer_edge.sinks.video.encoders import H264, EncoderKind, look
from fer_edge.sinks.video.gstreamer import MultipartSplitter
from fer_edge.sinks.video.h264 import nal_units, parameter_sets
from fer_edge.sinks.video.opencv import OpencvEncoder
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.system.child_processes import child_processes
from fer_edge.types import Image, Rates

ROOT = Path(__file__).parents[2]
PYAV, FFMPEG, GSTREAMER = H264


class Nothing:
    bars = False

    def draw(self, image: Image, *rest: object, **more: object) -> Image:
        return image


def recorder(path: Path, encoders: Sequence[EncoderKind], live: bool = True) -> VideoSink:
    return opened(VideoSink(path, overlay=Nothing(), encoders=encoders), live=live)  # type: ignore[arg-type]


def real_ffmpeg() -> str:
    try:
        import imageio_ffmpeg
    except ImportError:
        return shutil.which("ffmpeg") or ""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture(autouse=True)
def path_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a folder before the PATH, with the real ffmpeg where there is one, and forget what was tried."""
    folder = tmp_path_factory.mktemp("bin")
    if real_ffmpeg():
        (folder / "ffmpeg").symlink_to(real_ffmpeg())
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(program, "_tried", {})
    yield folder
    assert not [pid for pid in child_processes(os.getpid()) if b"rawvideo" in command_of(pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def has(kind: EncoderKind) -> None:
    """Skip where an encoder is missing."""
    name, reasons = look([kind])
    if not name:
        pytest.skip(reasons[kind.name])


def levels(path: Path) -> List[int]:
    capture = cv2.VideoCapture(str(path))
    found = []
    while True:
        there, picture = capture.read()
        if not there:
            break
        found.append(round(float(picture[picture.shape[0] // 2, picture.shape[1] // 2].mean())))
    capture.release()
    return found


def samples(path: Path) -> Iterator[List[bytes]]:
    """Give the units of each picture of a finished recording, by its tables."""
    data = path.read_bytes()
    at = data.rindex(b"stsz") + 12
    (count,) = struct.unpack_from(">I", data, at)
    sizes = struct.unpack_from(f">{count}I", data, at + 4)
    at = data.rindex(b"co64") + 8
    (chunks,) = struct.unpack_from(">I", data, at)
    offsets = struct.unpack_from(f">{chunks}Q", data, at + 4)
    at = data.rindex(b"stsc") + 8
    (runs,) = struct.unpack_from(">I", data, at)
    table = [struct.unpack_from(">III", data, at + 4 + 12 * run) for run in range(runs)]
    number = 0
    for chunk, offset in enumerate(offsets, 1):
        place = offset
        for _ in range([run[1] for run in table if run[0] <= chunk][-1]):
            sample, units = data[place : place + sizes[number]], []
            place, number = place + sizes[number], number + 1
            while sample:
                (size,) = struct.unpack_from(">I", sample)
                units.append(sample[4 : 4 + size])
                sample = sample[4 + size :]
            yield units


@pytest.mark.parametrize("kind", H264, ids=lambda kind: kind.name)
@pytest.mark.parametrize("size", [(320, 240), (321, 239), (50, 34)])
def test_each_encoder_gives_every_picture_its_key_pictures_and_a_description(
    tmp_path: Path, kind: EncoderKind, size: Tuple[int, int]
) -> None:
    has(kind)
    path = tmp_path / "out.mp4"
    with recorder(path, [kind]) as sink:
        for index in range(130):
            sink.write(observation(index, image=moving(index, *size)), Rates())
    assert np.abs(np.subtract(levels(path), 20 + np.arange(130))).max() <= 6
    data = path.read_bytes()
    assert b"avc1" in data
    assert b"mp4v" not in data
    assert b"colrnclx" + struct.pack(">HHHB", 1, 1, 6, 0) in data
    kinds = [[unit[0] & 31 for unit in units] for units in samples(path)]
    assert len(kinds) == 130
    assert not {7, 8, 9} & {one for units in kinds for one in units}, "what describes the stream stands in the header"
    at = data.rindex(b"stss") + 8
    keys = struct.unpack_from(f">{struct.unpack_from('>I', data, at)[0]}I", data, at + 4)
    assert max(np.diff([*keys, 131])) <= 60, "every two seconds at least"
    assert [number for number, units in enumerate(kinds, 1) if 5 in units] == list(keys)


@pytest.mark.parametrize("kind", H264, ids=lambda kind: kind.name)
def test_a_slow_camera_has_a_key_picture_every_two_seconds_as_well(tmp_path: Path, kind: EncoderKind) -> None:
    has(kind)
    path = tmp_path / "out.mp4"
    made = VideoSink(path, overlay=Nothing(), encoders=[kind])  # type: ignore[arg-type]
    with opened(made, fps=5.0) as sink:
        for index in range(40):
            sink.write(observation(index, at=index / 5, image=moving(0)), Rates())
    keys = [number for number, units in enumerate(samples(path)) if 5 in {unit[0] & 31 for unit in units}]
    assert keys == [0, 10, 20, 30]


@pytest.mark.parametrize("kind", H264, ids=lambda kind: kind.name)
def test_colours_are_those_that_were_recorded(tmp_path: Path, kind: EncoderKind) -> None:
    has(kind)
    path = tmp_path / "out.mp4"
    image = np.zeros((240, 320, 3), np.uint8)
    colours = [
        (0, 0, 255),
        (0, 255, 0),
        (255, 0, 0),
        (200, 120, 40),
        (255, 255, 255),
        (0, 0, 0),
        (30, 200, 230),
        (90, 90, 90),
    ]
    for number, colour in enumerate(colours):
        image[:, 40 * number : 40 * number + 40] = colour
    with recorder(path, [kind]) as sink:
        for index in range(5):
            sink.write(observation(index, image=image), Rates())
    capture = cv2.VideoCapture(str(path))
    for _ in range(5):
        _, played = capture.read()
    capture.release()
    for number, colour in enumerate(colours):
        assert played[120, 40 * number + 20] == pytest.approx(colour, abs=10)


@pytest.mark.parametrize("kind", [FFMPEG, GSTREAMER], ids=lambda kind: kind.name)
def test_when_the_encoder_is_killed_the_error_says_so_once_and_what_it_encoded_plays(
    tmp_path: Path, kind: EncoderKind
) -> None:
    has(kind)
    path = tmp_path / "out.mp4"
    sink = recorder(path, [kind])
    for index in range(40):
        sink.write(observation(index), Rates())
    (encoder,) = (pid for pid in child_processes(os.getpid()) if kind.name.encode() in command_of(pid))
    os.kill(encoder, signal.SIGKILL)
    with pytest.raises(EncoderFailed, match="ended by itself") as caught:
        for index in range(40, 1000):
            sink.write(observation(index), Rates())
    assert "signal 9" in caught.value.message
    assert kind.name in caught.value.message
    sink.write(observation(1000), Rates())
    sink.close()
    sink.close()
    assert len(levels(path)) >= 40
    assert b"co64" in path.read_bytes()[-5000:], "it is a finished file"
    with recorder(tmp_path / "next.mp4", [kind]) as again:
        again.write(observation(), Rates())
    assert len(levels(tmp_path / "next.mp4")) == 1


def test_when_this_program_is_killed_the_encoder_ends_and_the_recording_plays(tmp_path: Path) -> None:
    has(FFMPEG)
    path = tmp_path / "out.mp4"
    code = f"""
import sys
sys.path[:0] = ["tests/sinks", "."]
from observations import observation, opened
from fer_edge.sinks.video.encoders import H264
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
sink = opened(VideoSink({str(path)!r}, encoders=H264[1:2]))
for index in range(90):
    sink.write(observation(index), Rates())
print("ready", flush=True)
sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (encoder,) = child_processes(process.pid)
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not command_of(encoder), "the end of the encoder")
    assert len(levels(path)) >= 75


HANGS = "#!/bin/sh\nexec sleep 600\n"
DIES = "#!/bin/sh\necho 'no such thing: libfoo.so' >&2\nexit 3\n"
TALKS = "#!/bin/sh\ncat >/dev/null\necho nonsense\n"


@pytest.mark.parametrize(("script", "word"), [(HANGS, "did not"), (DIES, "libfoo.so"), (TALKS, "left out 3 images")])
def test_a_program_that_does_not_encode_is_found_out_and_the_recording_is_made_all_the_same(
    tmp_path: Path,
    path_folder: Path,
    script: str,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (path_folder / "ffmpeg").unlink(missing_ok=True)
    (path_folder / "ffmpeg").write_text(script)
    (path_folder / "ffmpeg").chmod(0o755)
    monkeypatch.setattr(program, "PATIENCE", 0.3)
    path = tmp_path / "out.mp4"
    with caplog.at_level(logging.WARNING), recorder(path, [FFMPEG]) as sink:
        for index in range(40):
            sink.write(observation(index), Rates())
    with recorder(tmp_path / "next.mp4", [FFMPEG]) as sink:
        sink.write(observation(), Rates())
    (line,) = (line for line in caplog.records if getattr(line, "event", "") == "recording_without_h264")
    assert "browsers and phones do not play" in line.getMessage()
    assert word in line.reasons["ffmpeg"]  # type: ignore[attr-defined]
    assert b"mp4v" in path.read_bytes()
    assert len(levels(path)) == 40


def test_an_encoder_that_stops_to_take_images_is_ended_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(FFMPEG)
    path = tmp_path / "out.mp4"
    sink = recorder(path, [FFMPEG])
    for index in range(20):
        sink.write(observation(index), Rates())
    (encoder,) = (pid for pid in child_processes(os.getpid()) if b"rawvideo" in command_of(pid))
    os.kill(encoder, signal.SIGSTOP)
    monkeypatch.setattr(program, "PATIENCE", 0.3)
    with pytest.raises(EncoderFailed, match="did not take an image"):
        for index in range(20, 1000):
            sink.write(observation(index), Rates())
    sink.close()
    assert len(levels(path)) == 20
    assert not command_of(encoder)


@pytest.mark.parametrize("kind", H264, ids=lambda kind: kind.name)
def test_a_full_disk_is_told_once_by_each_encoder(tmp_path: Path, kind: EncoderKind) -> None:
    has(kind)
    path = tmp_path / "out.mp4"
    code = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.path[:0] = ["tests/sinks", "."]
import numpy as np
from observations import observation, opened
from fer_edge.errors import DiskFull
from fer_edge.sinks.video.encoders import EncoderKind
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
sink = opened(VideoSink({str(path)!r}, encoders=[{kind!r}]))
raised = 0
for index in range(600):
    try:
        sink.write(observation(index, image=np.roll(noise, 7 * index, 1)), Rates())
    except DiskFull as error:
        raised += 1
try:
    sink.close()
except DiskFull:
    raised += 1
sink.close()
print(raised)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert path.stat().st_size <= 700_000
    assert len(levels(path)) >= 5


def test_without_anything_that_encodes_the_reasons_are_told(path_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(path_folder / "nothing"))
    monkeypatch.setitem(sys.modules, "av", None)
    name, reasons = look()
    assert name == ""
    assert list(reasons) == ["PyAV", "ffmpeg", "gst-launch-1.0"]
    assert "'av', which is not installed" in reasons["PyAV"]
    assert "no program 'ffmpeg'" in reasons["ffmpeg"]


def test_a_size_that_an_encoder_does_not_take_is_no_reason_to_fail() -> None:
    has(PYAV)
    with pytest.raises(EncoderMissing):
        PYAV.open(VideoFormat((20_000, 2), 30.0), lambda unit: None)


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda unit: b"\0\0" not in unit and unit[-1] and unit[0])))
def test_units_are_found_again_behind_their_start_codes(units: List[bytes]) -> None:
    for code in (b"\0\0\1", b"\0\0\0\1"):
        assert nal_units(b"".join(code + unit for unit in units)) == units


@pytest.mark.parametrize("stream", [b"", b"\0\0\1", b"\0\0\1\x67\x42\0\x1e", b"\0\0\1\x68\xce", b"nonsense"])
def test_a_stream_without_a_description_has_none(stream: bytes) -> None:
    assert parameter_sets(stream) == []


@given(
    st.lists(st.binary(max_size=300), max_size=8),
    st.lists(st.integers(1, 200), min_size=1, max_size=20),
)
def test_parts_are_the_same_however_they_are_cut(parts: List[bytes], cuts: List[int]) -> None:
    head = "--image\r\nContent-Type: video/x-h264\r\nContent-Length: {}\r\n\r\n"
    stream = b"".join(b"\r\n" + head.format(len(part)).encode() + part for part in parts)
    splitter, found, at, turn = MultipartSplitter(), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += list(splitter.feed(stream[at : at + size]))
        at, turn = at + size, turn + 1
    assert found == parts


def test_a_folder_for_temporary_files_whose_name_is_no_text_does_no_harm(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    code = """
import sys
sys.path[:0] = ["tests/sinks", "."]
from observations import observation, opened
from fer_edge.sinks.video.sink import VideoSink
from fer_edge.types import Rates
for name in sys.argv[1:]:
    with opened(VideoSink(name, encoders=())) as sink:
        for index in range(20):
            sink.write(observation(index), Rates())
"""
    names = [str(tmp_path / name) for name in ("out.mp4", "out.avi")]
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=ROOT,
        env={**{os.fsencode(key): os.fsencode(value) for key, value in os.environ.items()}, b"TMPDIR": folder},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [len(levels(Path(name))) for name in names] == [20, 20]
    assert os.listdir(folder) == []


def test_an_encoder_of_opencv_says_what_it_is() -> None:
    encoder = OpencvEncoder("mp4v", VideoFormat((64, 48), 30.0), lambda unit: None)
    encoder.close()
    assert encoder.name == f"mp4v by OpenCV {cv2.__version__}"
