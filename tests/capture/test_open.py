from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Type

import pytest

from fer_edge.capture.base import Source
from fer_edge.capture.file.images import ImageSource
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.gstreamer import GStreamerSource
from fer_edge.capture.media.source import MediaSource
from fer_edge.capture.open import open_source
from fer_edge.capture.registry import FORMS, KINDS, kind_of
from fer_edge.capture.rtsp.source import RtspSource
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.capture.v4l2.camera import CameraSource
from fer_edge.capture.web import WebSource
from fer_edge.errors import MissingExtra, UsageError


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", CameraSource),
        (" 12 ", CameraSource),
        ("/dev/video0", CameraSource),
        ("/dev/v4l/by-id/usb-HD_Pro:1-index0", CameraSource),
        ("csi:0", GStreamerSource),
        ("gst:videotestsrc ! video/x-raw,width=320", GStreamerSource),
        ("gst:rtspsrc location=rtsp://host/x ! decodebin", GStreamerSource),
        ("rtsp://me:secret@host/live", RtspSource),
        ("http://host:8080/video", WebSource),
        ("HTTPS://host/video.jpg", WebSource),
        ("demo", DemoSource),
        ("demo:8", DemoSource),
        ("clip.mp4", MediaSource),
        ("demo.mp4", MediaSource),
        ("./demo", MediaSource),
        ("10:30 talk.mkv", MediaSource),
        ("a.gif", ImageSource),
        ("-", MediaSource),
        ("/dev/stdin", MediaSource),
        ("/dev/fd/63", MediaSource),
        ("rtmp://host/live/one", MediaSource),
        ("srt://host:9000", MediaSource),
        ("udp://@:1234", MediaSource),
        ("tcp://host:1234", MediaSource),
        ("https://host/live/index.m3u8?token=1", MediaSource),
        ("camera.sdp", MediaSource),
        ("list.m3u8", MediaSource),
        ("face.JPG", ImageSource),
        ("shots/*.png", ImageSource),
    ],
)
def test_each_form_gives_its_kind_of_source_and_closing_it_unopened_is_fine(text: str, kind: Type[Source]) -> None:
    source = open_source(text)
    assert type(source) is kind
    source.interrupt()
    source.close()
    source.close()


def test_what_the_help_tells_of_is_what_is_taken(tmp_path: Path) -> None:
    examples = {
        "camera": ("0", "/dev/video0", "/dev/v4l/by-id/..."),
        "csi": ("csi:0",),
        "gstreamer": ("gst:PIPELINE",),
        "rtsp": ("rtsp://...",),
        "stream": ("rtmp://...", "udp://...", "http://.../live.m3u8"),
        "http": ("http://...",),
        "video": ("a video file",),
        "pipe": ("-", "/dev/stdin", "/dev/fd/63"),
        "images": (str(tmp_path), "shots/*.jpg"),
        "demo": ("demo", "demo:1"),
    }
    assert list(examples) == [kind.name for kind in KINDS]
    for kind in KINDS:
        for text in examples[kind.name]:
            assert kind_of(text) is kind
        for form in kind.forms:
            assert form in FORMS


@pytest.mark.parametrize(
    "text", ["0", "demo", "clip.mp4", "face.png", "http://host/", "rtsp://host/", "csi:0", "-", "udp://host:1"]
)
def test_a_kind_says_beforehand_whether_its_sources_are_live(text: str) -> None:
    assert open_source(text).live is kind_of(text).live


def test_without_pyav_files_go_through_opencv_and_a_stream_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.capture.registry.has_av", lambda: False)
    assert type(open_source("clip.mp4")) is VideoFileSource
    assert type(open_source("-")) is MediaSource
    for text in ("rtmp://me:secret@host/live", "https://me:secret@host/live/a.m3u8", "camera.sdp"):
        with pytest.raises(MissingExtra) as caught:
            open_source(text)
        assert "[media]" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_a_folder_is_a_folder_of_pictures(tmp_path: Path) -> None:
    assert isinstance(open_source(str(tmp_path)), ImageSource)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "ftp://host/x", "csi:", "csi:front", "gst:", "http://", "demo:9", "mms://a/b", "ftp://host/face.jpg"],
)
def test_what_makes_no_sense_is_refused_at_once_with_advice(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"height": 10**6},
        {"fps": 0.0},
        {"fourcc": "MJPEG"},
        {"stall_timeout": 0.0},
        {"connect_timeout": -1.0},
    ],
)
def test_settings_that_no_source_could_fulfil_are_refused(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError):
        CaptureSettings(**wrong)


def test_choosing_a_source_loads_no_inference_library_and_looking_for_one_no_other() -> None:
    program = (
        "import sys, fer_edge.capture\n"
        "for kind in fer_edge.capture.KINDS: fer_edge.capture.kind_of('clip.mp4')\n"
        "print([name for name in ('cv2', 'h11', 'torch', 'onnxruntime') if name in sys.modules])\n"
        "for text in ('0', 'clip.mp4', 'demo', 'http://host/'): fer_edge.capture.open_source(text)\n"
        "print([name for name in ('torch', 'onnxruntime', 'mediapipe', 'tensorrt') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.split() == ["[]", "[]"]
