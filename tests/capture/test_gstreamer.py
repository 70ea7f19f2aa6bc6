from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from fer_edge.capture.gstreamer import GStreamerSource, csi_pipeline
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceNotFound, SourceStalled, SourceUnreadable, UsageError

needs_gstreamer = pytest.mark.skipif(
    shutil.which("gst-launch-1.0") is None, reason="gst-launch-1.0 is not installed (apt: gstreamer1.0-tools)"
)


@needs_gstreamer
def test_a_pipeline_gives_its_pictures_and_then_ends() -> None:
    pictures = []
    with open_source("gst:videotestsrc num-buffers=4 pattern=blue") as source:
        while source.grab():
            pictures.append(source.retrieve())
    assert len(pictures) == 4
    for picture in pictures:
        assert picture.shape == (480, 640, 3)
        assert (picture == (255, 0, 0)).all()
        picture[:] = 0


@needs_gstreamer
@pytest.mark.parametrize(("width", "height"), [(641, 477), (322, 240), (16, 16)])
def test_rows_that_gstreamer_pads_come_out_straight(width: int, height: int) -> None:
    with GStreamerSource("videotestsrc pattern=smpte", CaptureSettings(width=width, height=height)) as source:
        assert source.grab()
        picture = source.retrieve()
    assert picture.shape == (height, width, 3)
    # The upper half of the pattern is vertical bars: every row is the same.
    upper = picture[: height // 2]
    assert np.abs(upper.astype(int) - upper[0]).max() <= 2


def test_a_pipeline_that_ends_with_an_error_says_so_though_its_status_is_0(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.buffer.write(bytes(640 * 480 * 3))\n"
        "sys.stderr.write('ERROR: from element /x: The cable is loose.\\n')\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    with GStreamerSource("videotestsrc", program=str(program)) as source:
        assert source.grab() is True
        with pytest.raises(SourceUnreadable, match="The cable is loose"):
            while source.grab() is not False:
                pass


@needs_gstreamer
def test_the_frame_rate_that_is_asked_for_is_what_the_pipeline_gives() -> None:
    pipeline = "videotestsrc num-buffers=60 ! video/x-raw,framerate=30/1"
    count = 0
    with GStreamerSource(pipeline, CaptureSettings(fps=10)) as source:
        while source.grab():
            count += 1
    assert count == pytest.approx(20, abs=1)


@needs_gstreamer
@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ("videotestsrc ! nosuchelement", 'no element "nosuchelement"'),
        ("filesrc location=/nowhere/at/all ! decodebin", "/nowhere/at/all"),
        ("videotestsrc ! audioconvert", "could not link"),
    ],
)
def test_what_gstreamer_says_about_a_wrong_pipeline_is_in_the_error(pipeline: str, words: str) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        open_source(f"gst:{pipeline}").open()
    assert words in str(caught.value)
    assert pipeline in str(caught.value)


@needs_gstreamer
@pytest.mark.skipif(Path("/etc/nv_tegra_release").exists(), reason="this is a Jetson")
def test_a_csi_camera_elsewhere_than_on_a_jetson_is_refused_with_the_reason() -> None:
    with pytest.raises(SourceUnreadable, match="works on a Jetson"):
        open_source("csi:0").open()


@needs_gstreamer
def test_a_pipeline_that_is_slow_to_start_can_be_interrupted() -> None:
    source = open_source("gst:videotestsrc num-buffers=5 ! identity sleep-time=60000000")
    timer = threading.Timer(0.3, source.interrupt)
    timer.start()
    with pytest.raises(SourceStalled, match="interrupted"):
        source.open()
    timer.join()


def fake_program(folder: Path, body: str) -> str:
    program = folder / "gst-launch-1.0"
    program.write_text(f"#!{sys.executable}\nimport sys, time\nout = sys.stdout.buffer\n{body}", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_frames_stop_after_a_while_and_that_is_a_stall(tmp_path: Path) -> None:
    program = fake_program(tmp_path, "out.write(bytes(3 * 16 * 16 + 100)); out.flush(); time.sleep(60)")
    settings = CaptureSettings(width=16, height=16, stall_timeout=0.6)
    with GStreamerSource("x", settings, program=program) as source:
        assert source.grab() is True
        with pytest.raises(SourceStalled, match=r"no frame for 0\.6 s"):
            for _ in range(10):
                assert source.grab() is None


def test_a_program_that_ignores_being_asked_to_end_is_ended_all_the_same(tmp_path: Path) -> None:
    body = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    program = fake_program(tmp_path, body + "out.write(bytes(768)); out.flush(); time.sleep(60)")
    source = GStreamerSource("x", CaptureSettings(width=16, height=16), program=program)
    source.open()
    source.close()
    source.close()


def test_a_flood_of_messages_does_not_stop_the_frames(tmp_path: Path) -> None:
    body = "for _ in range(50):\n    sys.stderr.write('noise ' * 20000); out.write(bytes(768)); out.flush()\n"
    count = 0
    with GStreamerSource("x", CaptureSettings(width=16, height=16), program=fake_program(tmp_path, body)) as source:
        while source.grab():
            count += 1
    assert count == 50


def test_a_program_that_dies_in_the_middle_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    program = fake_program(tmp_path, "out.write(bytes(768 + 99)); out.flush(); sys.exit(3)")
    with GStreamerSource("x", CaptureSettings(width=16, height=16), program=program) as source:
        assert source.grab() is True
        with pytest.raises(SourceUnreadable, match="status 3"):
            source.grab()


def test_the_source_can_be_opened_again_after_a_failure(tmp_path: Path) -> None:
    program = fake_program(tmp_path, "out.write(bytes(768 + 99)); out.flush(); sys.exit(3)")
    source = GStreamerSource("x", CaptureSettings(width=16, height=16), program=program)
    for _ in range(2):
        with source:
            assert source.grab() is True
            assert source.retrieve().shape == (16, 16, 3)


@needs_gstreamer
def test_a_password_in_a_pipeline_is_not_shown() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        open_source("gst:filesrc location=/x/://eileen:hush@y ! fdsink").open()
    assert "hush" not in str(caught.value)
    assert "filesrc" in str(caught.value)


def test_without_gstreamer_the_message_says_what_to_install(tmp_path: Path) -> None:
    source = GStreamerSource("videotestsrc", program=str(tmp_path / "gst-launch-1.0"))
    with pytest.raises(SourceNotFound, match="apt install gstreamer1.0-tools"):
        source.open()


def test_a_pipeline_that_makes_no_sense_is_refused_before_anything_runs() -> None:
    for text in ("gst:", "gst:   ", "gst:videotestsrc 'open"):
        with pytest.raises(UsageError):
            open_source(text)


def test_the_csi_pipeline_asks_the_sensor_and_the_scaler_for_what_is_wanted() -> None:
    pipeline = csi_pipeline(1, CaptureSettings(width=800, height=600, fps=21))
    assert "sensor-id=1 " in pipeline
    assert "framerate=21/1" in pipeline
    assert pipeline.endswith("width=800,height=600,format=BGRx")
    assert "width=1920,height=1080" in csi_pipeline(0, CaptureSettings(width=1920, height=1080))
