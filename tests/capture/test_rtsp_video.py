"""Cameras with long key-frame intervals, few pictures, one transport alone, wide pixels or interlaced pictures."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import Any, List, Tuple

import numpy as np
import pytest
from rtsp_camera import camera
from test_rtsp import OPENING, PICTURE, Reader

pytest.importorskip("av")

from rtsp_video import HEIGHT, WIDTH, Video, encoded, is_whole, video_camera

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.file.aspect import shown_size
from fer_edge.capture.open import open_source
from fer_edge.capture.rtsp.options import RtspOptions
from fer_edge.capture.rtsp.outlet import FRAME, HEADER, Outlet
from fer_edge.capture.rtsp.refusal import refused
from fer_edge.capture.rtsp.source import RtspSource
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceStalled, SourceUnreachable, SourceUnreadable

PATIENT = CaptureSettings(connect_timeout=20)


@pytest.fixture(params=["PyAV", "OpenCV"])
def decoder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "OpenCV":
        # For the child process, which finds no PyAV then.
        tmp_path.joinpath("av.py").write_text("raise ImportError", encoding="ascii")
        monkeypatch.syspath_prepend(str(tmp_path))
    return str(request.param)


def images(text: str, count: int, settings: CaptureSettings = PATIENT) -> List[Any]:
    found: List[Any] = []
    with open_source(text, settings) as source:
        while len(found) < count:
            if source.grab():
                found.append(source.retrieve())
    return found


@pytest.mark.parametrize("describes", [True, False], ids=["described", "undescribed"])
def test_the_first_key_frame_may_be_long_in_coming(decoder: str, describes: bool) -> None:
    # 60 pictures come before it: more than the fifty packets that FFmpeg would wait for times in.
    video = Video(encoded(80, 80), first=20, describes=describes)
    with video_camera(video, []) as place:
        assert all(is_whole(image) for image in images(f"rtsp://{place}/cam", 3))


def test_a_key_frame_that_does_not_come_in_time_is_told_with_the_setting_that_waits_longer() -> None:
    with video_camera(Video(encoded(1, 1) + encoded(200, 200)[1:], first=1), []) as place:
        settings = CaptureSettings(connect_timeout=20, first_image_timeout=1.0)
        with pytest.raises(SourceStalled, match="gave no picture for 1 s.*\n.*--first-image-timeout") as caught:
            open_source(f"rtsp://{place}/cam", settings).open()
    assert "key-frame interval" in str(caught.value)


def test_what_comes_before_the_first_key_frame_is_no_image(decoder: str) -> None:
    with video_camera(Video(encoded(30, 30, "libx265"), first=10, hevc=True), []) as place:
        assert all(is_whole(image) for image in images(f"rtsp://{place}/cam", 5))


def test_a_camera_that_sends_a_picture_now_and_then_opens_with_one_of_the_first(decoder: str) -> None:
    with video_camera(Video(encoded(8, 8), most=4), []) as place:
        assert is_whole(images(f"rtsp://{place}/cam", 1)[0])


def test_a_camera_that_is_slow_to_answer_has_the_time_of_the_setting() -> None:
    released = threading.Event()
    video = Video(encoded(10, 10), before_answer=lambda: released.wait(60) and None)
    with video_camera(video, []) as place:
        with pytest.raises(SourceUnreachable, match="did not answer within 0.5 s.*\n.*--connect-timeout"):
            open_source(f"rtsp://{place}/cam", CaptureSettings(connect_timeout=0.5)).open()
        timer = threading.Timer(1.0, released.set)
        timer.start()
        assert is_whole(images(f"rtsp://{place}/cam", 1)[0])
        timer.join()


def transports(asked: List[str]) -> List[str]:
    return ["tcp" if "TCP" in request else "udp" for request in asked if request.startswith("SETUP")]


@pytest.mark.parametrize(
    ("wanted", "granted", "tried"),
    [
        ("auto", ("tcp", "udp"), ["tcp"]),
        ("auto", ("udp",), ["tcp", "udp"]),
        ("udp", ("tcp", "udp"), ["udp"]),
        ("tcp", ("tcp",), ["tcp"]),
    ],
)
def test_images_come_over_the_transport_that_is_asked_for_and_granted(
    decoder: str, wanted: str, granted: Tuple[str, ...], tried: List[str]
) -> None:
    asked: List[str] = []
    with video_camera(Video(encoded(10, 10), transports=granted), asked) as place:
        settings = CaptureSettings(connect_timeout=20, transport=wanted)
        assert is_whole(images(f"rtsp://{place}/cam", 1, settings)[0])
    assert transports(asked) == tried


@pytest.mark.parametrize(
    ("wanted", "granted", "advice"),
    [("tcp", ("udp",), "--transport udp"), ("udp", ("tcp",), "--transport tcp"), ("auto", (), "neither over TCP nor")],
)
def test_a_transport_that_is_refused_is_told_with_the_other(
    decoder: str, wanted: str, granted: Tuple[str, ...], advice: str
) -> None:
    with video_camera(Video(encoded(10, 10), transports=granted), []) as place:
        settings = CaptureSettings(connect_timeout=20, transport=wanted)
        with pytest.raises(SourceUnreachable, match=f"answers: 461.*\n.*{advice}"):
            open_source(f"rtsp://{place}/cam", settings).open()


@pytest.mark.parametrize(
    "status", ["403 Forbidden", "404 Not Found", "453 Not Enough Bandwidth", "503 Service Unavailable"]
)
def test_a_refusal_is_told_by_its_number_with_advice_of_its_own(decoder: str, status: str) -> None:
    def reply(request: str) -> str:
        return "200 OK\r\nPublic: DESCRIBE" if request.startswith("OPTIONS") else status

    told = pytest.raises(SourceUnreachable, match=f"answers: {status}\\.")
    with camera([], reply) as place, told as caught:
        open_source(f"rtsp://{place}/cam", PATIENT).open()
    code, _, reason = status.partition(" ")
    address = CameraAddress.parse("rtsp://camera/")
    others = {refused(address, other, "").remedy for other in (400, 401, 403, 404, 453, 454, 461, 503, 551)}
    assert len(others) == 9
    assert caught.value.remedy == refused(address, int(code), reason).remedy in others


def test_every_status_of_a_refusal_has_advice_and_shows_nothing_of_a_password() -> None:
    address = CameraAddress.parse("rtsp://eileen:secret@camera/")
    for status in range(400, 600):
        error = refused(address, status, "no\x1b[2J rtsp://eileen:secret@there/", "tcp")
        assert error.remedy
        assert "secret" not in str(error)
        assert "\x1b" not in str(error)


def test_pixels_that_are_not_square_are_made_so(decoder: str) -> None:
    with video_camera(Video(encoded(10, 10, pixel=(2, 1), sar="2/1")), []) as place:
        assert images(f"rtsp://{place}/cam", 1)[0].shape == (HEIGHT, 2 * WIDTH, 3)


def test_the_side_that_is_too_short_is_made_longer() -> None:
    assert shown_size(320, 480, 2, 1) == (640, 480)
    assert shown_size(640, 240, 1, 2) == (640, 480)
    assert shown_size(720, 576, 0, 1) == (720, 576)
    assert shown_size(720, 576, 1000, 1) == (720, 576)


def test_interlaced_pictures_are_made_progressive() -> None:
    with video_camera(Video(encoded(10, 10, tff="1")), []) as place:
        assert all(is_whole(image) for image in images(f"rtsp://{place}/cam", 3))


def test_what_a_newer_opencv_gives_for_interlaced_pictures_is_not_shown(camera_of_messages: Any) -> None:
    source, reader = camera_of_messages
    reader.errors = "[OPENCV:FFMPEG:16] Cannot convert interlaced to progressive frames or vice versa.\n"
    with pytest.raises(SourceUnreadable, match=r"interlaced.*\n.*media.*opencv-python<4.13"):
        source.open()


@pytest.fixture
def camera_of_messages(monkeypatch: pytest.MonkeyPatch) -> Tuple[RtspSource, Reader]:
    monkeypatch.setattr("fer_edge.capture.rtsp.source.connect", lambda *_: socket.socket())
    now = [0.0]
    reader = Reader(now, OPENING, PICTURE)
    source = RtspSource("rtsp://camera/", clock=lambda: now[0])
    source._pipe = reader  # type: ignore[assignment]
    return source, reader


def test_a_viewer_that_is_slow_gets_the_newest_image_and_none_queue() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as received, open(writing, "wb", 0) as output:
        outlet = Outlet(output)
        for index in range(100):
            outlet.show(np.full((4, 6, 3), index, np.uint8))
            time.sleep(0.002)  # enough to write it, if it were
        ending = threading.Thread(target=outlet.finish)
        ending.start()
        shades: List[int] = []
        while not shades or shades[-1] != 99:
            kind, width, height, length = HEADER.unpack(received.read(HEADER.size))
            assert (kind, width, height, length) == (FRAME, 6, 4, 72)
            shades.append(received.read(length)[0])
        ending.join()
    assert shades == sorted(shades)
    # One was in the pipe.
    assert len(shades) <= 2


def test_the_limit_of_opening_is_above_all_that_it_waits_for() -> None:
    settings = CaptureSettings(connect_timeout=100, first_image_timeout=200)
    assert open_source("rtsp://camera/", settings).opening_limit > 2 * 100 + 200


def test_settings_say_whom_to_trust_where_the_environment_does_not() -> None:
    address = CameraAddress.parse("rtsps://camera/")
    asked = CaptureSettings(tls_ca="ca.pem", tls_insecure=True)
    own = RtspOptions(address, {}, asked)
    assert (own.tls.verify, own.tls.ca_file, own.unsafe_because) == (False, "ca.pem", "tls_insecure")
    others = {"OPENCV_FFMPEG_CAPTURE_OPTIONS": "tls_verify;1|ca_file;other.pem"}
    given = RtspOptions(address, others, asked)
    assert (given.tls.verify, given.tls.ca_file, given.unsafe_because) == (True, "other.pem", "")
    assert RtspOptions(CameraAddress.parse("rtsp://camera/"), {}, asked).unsafe_because == ""


def test_what_the_environment_says_to_ffmpeg_wins_over_the_settings() -> None:
    given = {"OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;udp|probesize;5"}
    options = RtspOptions(CameraAddress.parse("rtsp://camera/"), given, CaptureSettings(transport="tcp")).ffmpeg
    assert (options["rtsp_transport"], options["probesize"]) == ("udp", "5")
    assert "rtsp_flags" not in options
