from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

import pytest

from fer_edge.capture.open import open_source
from fer_edge.capture.rtsp.outlet import ANSWERED, FAILED, FRAME, HEADER, OPENED, STARTED
from fer_edge.capture.rtsp.source import RtspSource
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
        assert any(b"fer_edge.capture.rtsp.reader" in line for line in shown)
        assert not any(b"secret" in line for line in shown)


class Reader:
    """What the process of a stream writes, as a test says; silent while nothing is left, for 0.8 s of the test's clock."""

    def __init__(self, now: List[float], *messages: bytes) -> None:
        self.interrupted = threading.Event()
        self.errors = ""
        self.left = b"".join(messages)
        self._now = now

    def start(self, message: bytes) -> None:
        """Do what the process does, which is here already."""

    def fill(self, buffer: memoryview, timeout: float) -> bool:
        if not self.left:
            self._now[0] += 0.8
            return False
        assert len(self.left) >= len(buffer)
        buffer[:] = self.left[: len(buffer)]
        self.left = self.left[len(buffer) :]
        return True

    def finish(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


ANSWER = HEADER.pack(STARTED, 0, 0, 0) + HEADER.pack(ANSWERED, 0, 0, 0)
OPENING = ANSWER + HEADER.pack(OPENED, 0, 0, 13) + b'{"fps": 25.0}'
PICTURE = HEADER.pack(FRAME, 4, 2, 24) + bytes(24)


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RtspSource]:
    monkeypatch.setattr("fer_edge.capture.rtsp.source.connect", lambda *_: socket.socket())

    def build(reader: Reader, now: List[float]) -> RtspSource:
        source = RtspSource("rtsp://camera/", CaptureSettings(stall_timeout=1.0), clock=lambda: now[0])
        source._pipe = reader  # type: ignore[assignment]
        return source

    return build


def test_a_slow_stream_counts_as_alive_while_frames_come(camera: Callable[..., RtspSource]) -> None:
    now = [0.0]
    reader = Reader(now, OPENING, PICTURE)
    source = camera(reader, now)
    source.open()
    assert source.grab() is True
    for _ in range(5):
        assert source.grab() is None
        reader.left = PICTURE
        assert source.grab() is True
    assert source.grab() is None
    with pytest.raises(SourceStalled, match="no frame for 1 s"):
        source.grab()


@pytest.mark.parametrize(
    "message",
    [
        HEADER.pack(FRAME, 70_000, 70_000, 14_700_000_000 % 2**32),
        HEADER.pack(FRAME, 32_000, 32_000, 32_000 * 32_000 * 3),
        HEADER.pack(FRAME, 4, 2, 4_000_000_000),
        HEADER.pack(FRAME, 0, 0, 0),
        HEADER.pack(OPENED, 0, 0, 4_000_000_000),
        HEADER.pack(FAILED, 0, 0, 4_000_000_000),
        HEADER.pack(b"\xff\xfe\xfd\xfc", 1, 1, 4_000_000_000),
        ANSWER + HEADER.pack(OPENED, 0, 0, 100) + b"[" * 100,
    ],
)
def test_the_process_that_reads_is_not_believed_blindly(camera: Callable[..., RtspSource], message: bytes) -> None:
    now = [0.0]
    begin = [OPENING] if message.startswith(FRAME) else []
    with pytest.raises(SourceUnreadable, match="camera/ gives"):
        camera(Reader(now, *begin, message), now).open()


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
