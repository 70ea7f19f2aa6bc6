from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Tuple

import pytest

from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, SourceStalled, SourceUnreachable, SourceUnreadable

SERVER = Path(__file__).with_name("rtsp_server.py")
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's bindings for GStreamer are for its own Python alone


def _bindings_are_missing() -> bool:
    program = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        return subprocess.call([SYSTEM_PYTHON, "-c", program], stderr=subprocess.DEVNULL, timeout=60) != 0
    except (OSError, subprocess.TimeoutExpired):
        return True


needs_server = pytest.mark.skipif(
    _bindings_are_missing(),
    reason="no RTSP server (apt: gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good)",
)


@contextmanager
def server(mode: str) -> Iterator[Tuple[str, int]]:
    """Run a real RTSP server; gives its host and port, and its process number."""
    process = subprocess.Popen([SYSTEM_PYTHON, str(SERVER), mode], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 30)
        assert ready, "the server did not start"
        yield f"127.0.0.1:{int(process.stdout.readline())}", process.pid
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@needs_server
def test_frames_of_an_rtsp_server_arrive_and_closing_leaves_nothing_behind() -> None:
    with server("live") as (place, _):
        source = open_source(f"rtsp://{place}/cam", CaptureSettings(connect_timeout=20))
        assert source.live
        info = source.open()
        assert (info.width, info.height) == (320, 240)
        count = 0
        while count < 5:
            if source.grab():
                count += 1
                blue, green, red = source.retrieve().mean(axis=(0, 1))
                assert red > 200 > 60 > max(blue, green)
        source.close()
        source.close()


@needs_server
def test_a_stream_that_ends_is_reported_with_the_number_of_frames() -> None:
    with server("short") as (place, _), open_source(
        f"rtsp://{place}/cam", CaptureSettings(connect_timeout=20)
    ) as source:
        count = 0
        with pytest.raises(SourceStalled, match="ended the stream after") as caught:
            while True:
                count += bool(source.grab())
        assert 0 < count <= 10
        assert f"after {count} frames" in str(caught.value)


@needs_server
def test_a_stream_that_stops_within_its_course_is_reported_as_stalled() -> None:
    settings = CaptureSettings(connect_timeout=20, stall_timeout=1.0)
    with server("live") as (place, process), open_source(f"rtsp://{place}/cam", settings) as source:
        assert source.grab() is True
        os.kill(process, signal.SIGSTOP)
        with pytest.raises(SourceStalled, match="no frame for 1 s"):
            for _ in range(200):
                source.grab()


@needs_server
@pytest.mark.parametrize(
    ("mode", "address", "words"),
    [
        ("live", "rtsp://{}/elsewhere", "404"),
        ("locked", "rtsp://{}/cam", "401"),
        ("locked", "rtsp://eileen:hush@{}/cam", "401"),
    ],
)
def test_a_refusal_says_its_status_and_shows_no_password(mode: str, address: str, words: str) -> None:
    with server(mode) as (place, _), pytest.raises(SourceUnreachable, match=f"answers: {words}") as caught:
        open_source(address.format(place), CaptureSettings(connect_timeout=20)).open()
    assert "hush" not in str(caught.value)
    assert "eileen" not in str(caught.value)


@needs_server
def test_the_right_password_opens_and_is_not_in_the_list_of_processes() -> None:
    settings = CaptureSettings(connect_timeout=20)
    with server("locked") as (place, _), open_source(f"rtsp://eileen:secret@{place}/cam", settings) as source:
        assert source.grab() is True
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        shown = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
        assert any(b"fer_edge.capture.reader" in line for line in shown)
        assert not any(b"secret" in line for line in shown)


def test_a_server_that_speaks_something_else_is_refused() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ending = threading.Event()

        def reply() -> None:
            listening.settimeout(0.05)
            while not ending.is_set():
                try:
                    connection, _ = listening.accept()
                except socket.timeout:
                    continue
                with connection:
                    connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(SourceUnreadable, match="none that is RTSP"):
            open_source(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/cam").open()
        ending.set()
        thread.join()


def test_waiting_for_a_silent_server_ends_soon_after_it_is_interrupted() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = open_source(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/cam", CaptureSettings(connect_timeout=60))
        timer = threading.Timer(0.5, source.interrupt)
        timer.start()
        with pytest.raises(SourceError):
            source.open()
        timer.join()
