from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
import time
from typing import Callable, List, Optional

import pytest
from http_server import HEAD, jpeg, part, server

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.base import Source
from fer_edge.capture.http.source import HttpSource
from fer_edge.capture.http.stream import HttpStream
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, SourceStalled, SourceUnreachable, SourceUnreadable, UsageError


def levels(source: Source, count: int) -> List[int]:
    """Grab `count` frames and give their brightness."""
    seen: List[int] = []
    while len(seen) < count:
        if source.grab():
            seen.append(round(float(source.retrieve().mean())))
    return seen


@pytest.mark.parametrize("length", [True, False])
def test_frames_of_an_mjpeg_server_come_in_order_with_and_without_their_length(length: bool) -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        assert head.startswith("GET /cam?a=1 HTTP/1.1\r\n")
        send(HEAD)
        for level in range(10, 60, 10):
            send(part(level, length))
        ending.wait(10)

    with server(answer) as place, open_source(f"http://{place}/cam?a=1") as source:
        assert source.live
        assert levels(source, 5) == pytest.approx([10, 20, 30, 40, 50], abs=1)
        assert source.grab() is None


def test_a_chunked_body_is_put_together_again() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n")
        body = part(40) + part(80)
        for start in range(0, len(body), 100):
            piece = body[start : start + 100]
            send(b"%x;x=y\r\n%b\r\n" % (len(piece), piece))
        ending.wait(10)

    with server(answer) as place, open_source(f"http://{place}/") as source:
        assert levels(source, 2) == pytest.approx([40, 80], abs=1)


def test_a_single_picture_is_fetched_again_and_again() -> None:
    asked: List[str] = []

    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        data = jpeg(20 * len(asked))
        send(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data) + data)

    with server(answer) as place, open_source(f"http://{place}/snapshot.jpg", CaptureSettings(fps=50)) as source:
        assert levels(source, 4) == pytest.approx([20, 40, 60, 80], abs=1)


def test_a_server_that_stalls_within_a_frame_is_reported_after_the_timeout() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD + part(10) + part(20)[:200])
        ending.wait(20)

    with server(answer) as place, open_source(f"http://{place}/", CaptureSettings(stall_timeout=0.7)) as source:
        assert levels(source, 1) == pytest.approx([10], abs=1)
        with pytest.raises(SourceStalled, match=r"no frame for 0\.7 s"):
            for _ in range(10):
                assert source.grab() is None


def test_a_server_that_closes_is_reported_with_the_number_of_frames() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD + part(10) + part(20) + part(30)[:-9])

    with server(answer) as place, open_source(f"http://{place}/") as source:
        levels(source, 2)
        with pytest.raises(SourceStalled, match="after 2 frames"):
            source.grab()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"text/html", b"<html>hello</html>"),
        (b"multipart/x-mixed-replace; boundary=x", b"\x00\xff\x12garbage" * 1000),
        (b"multipart/x-mixed-replace; boundary=x", b"\xff\xd8\xff\xda\x00\x02not a picture\xff\xd9" * 10),
        (b"image/jpeg", b""),
    ],
)
def test_an_answer_that_is_no_video_is_refused(content_type: bytes, body: bytes) -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(b"HTTP/1.0 200 OK\r\nContent-Type: " + content_type + b"\r\n\r\n" + body)

    with server(answer) as place, pytest.raises(SourceUnreadable, match="no MJPEG stream"):
        open_source(f"http://{place}/").open()


def test_endless_garbage_is_refused_and_not_collected() -> None:
    sent = [0]

    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD)
        while not ending.is_set() and sent[0] < 1 << 28:
            send(bytes(65536))
            sent[0] += 65536

    with server(answer) as place, pytest.raises(SourceUnreadable, match="no MJPEG stream"):
        open_source(f"http://{place}/", CaptureSettings(connect_timeout=20)).open()
    # What is looked at, and what the system holds of a connection.
    assert sent[0] < 1 << 26


def test_the_head_of_an_answer_is_not_collected_without_limit() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 20_000)
        ending.wait(60)

    with server(answer) as place, pytest.raises(SourceUnreachable, match="does not speak HTTP"):
        open_source(f"http://{place}/", CaptureSettings(connect_timeout=20)).open()


def test_what_follows_the_announced_length_is_not_part_of_the_answer() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        body = jpeg(10)
        send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body + jpeg(90))
        ending.wait(20)

    with server(answer) as place, open_source(f"http://{place}/") as source:
        assert levels(source, 3) == pytest.approx([10, 10, 10], abs=1)


@pytest.mark.parametrize(
    ("status", "words"),
    [("401 Unauthorized", "http://USER:PASSWORD@127.0.0.1:"), ("404 Not Found", "not this path"), ("503 Busy", "503")],
)
def test_a_refusal_says_its_status_and_what_to_do(status: str, words: str) -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    with server(answer) as place, pytest.raises(SourceUnreachable) as caught:
        open_source(f"http://{place}/").open()
    assert f"answers: {status}." in str(caught.value)
    assert words in str(caught.value)


def test_credentials_are_sent_but_never_shown() -> None:
    wanted = "Basic " + base64.b64encode(b"eileen:p@ss").decode()

    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        if f"Authorization: {wanted}\r\n" not in head:
            send(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n\r\n")
            return
        send(HEAD + part(10) + part(20))

    with server(answer) as place:
        with open_source(f"http://eileen:p%40ss@{place}/") as source:
            assert levels(source, 2)
            with pytest.raises(SourceStalled) as stalled:
                source.grab()
        wrong = open_source(f"http://eileen:wrong@{place}/?pwd=hush")
        with pytest.raises(SourceUnreachable, match="password is wrong") as refused:
            wrong.open()
    for message in (str(stalled.value), str(refused.value)):
        assert "127.0.0.1" in message
        assert not re.search("eileen|p%40ss|p@ss|wrong@|hush", message)


def test_a_digest_challenge_is_answered() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        given_fields = dict(re.findall(r'(\w+)="?([^",\r]*)"?', head.partition("Authorization: Digest ")[2]))
        ha1 = hashlib.md5(b"eileen:Camera:secret").hexdigest()
        ha2 = hashlib.md5(b"GET:/video?x=1").hexdigest()
        parts = [ha1, "abc", given_fields.get("nc", ""), given_fields.get("cnonce", ""), "auth", ha2]
        if given_fields.get("response") != hashlib.md5(":".join(parts).encode()).hexdigest():
            challenge = 'Digest realm="Camera", nonce="abc", qop="auth", algorithm=MD5'
            send(f"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\n\r\n".encode())
            return
        send(HEAD + part(70))

    with server(answer) as place, open_source(f"http://eileen:secret@{place}/video?x=1") as source:
        assert levels(source, 1) == pytest.approx([70], abs=1)


def test_a_redirect_is_followed_but_the_password_does_not_go_to_another_host() -> None:
    heads: List[str] = []

    def elsewhere(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        heads.append(head)
        send(HEAD + part(90))

    with server(elsewhere) as target:

        def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
            send(f"HTTP/1.1 302 Found\r\nLocation: http://{target}/there\r\n\r\n".encode())

        with server(answer) as place, open_source(f"http://a:b@{place}/") as source:
            assert levels(source, 1) == pytest.approx([90], abs=1)
    assert heads[0].startswith("GET /there ")
    assert "Authorization" not in heads[0]


def test_redirects_without_end_are_given_up() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(b"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n")

    with server(answer) as place, pytest.raises(SourceUnreachable, match="from one address to the next"):
        open_source(f"http://{place}/").open()


def test_a_server_that_does_not_speak_http_is_told_apart() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(b"SSH-2.0-OpenSSH\r\n\r\n")

    with server(answer) as place, pytest.raises(SourceUnreachable, match="does not speak HTTP"):
        open_source(f"http://{place}/").open()


def test_https_against_a_server_that_speaks_none_is_an_error_that_says_so() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def reply() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(SourceUnreachable, match="no safe connection"):
            open_source(f"https://127.0.0.1:{listening.getsockname()[1]}/").open()
        thread.join()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_port_where_nobody_listens_is_refused_by_name_and_port(scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(SourceUnreachable, match=f"refused .*port {port}"):
            open_source(f"{scheme}://127.0.0.1:{port}/x").open()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_host_without_an_address_is_named(scheme: str) -> None:
    with pytest.raises(SourceUnreachable, match=r"no-such-camera\.invalid"):
        open_source(f"{scheme}://no-such-camera.invalid/x", CaptureSettings(connect_timeout=2)).open()


def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = open_source(f"http://127.0.0.1:{silent.getsockname()[1]}/", CaptureSettings(connect_timeout=0.4))
        with pytest.raises(SourceUnreachable, match="did not answer within .*\n.*--connect-timeout"):
            source.open()


def test_a_stream_that_begins_late_names_the_limit_that_it_passed() -> None:
    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n")
        ending.wait(30)

    with server(answer) as place, pytest.raises(SourceStalled) as caught:
        open_source(f"http://{place}/", CaptureSettings(first_image_timeout=0.3)).open()
    assert "--first-image-timeout" in caught.value.remedy


def test_a_port_that_ends_the_connection_instead_of_tls_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.recv(4096)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(SourceUnreachable, match="ended the connection"):
            open_source(f"https://127.0.0.1:{listening.getsockname()[1]}/", CaptureSettings()).open()
        thread.join()


def test_an_open_that_waits_ends_soon_after_it_is_interrupted() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = open_source(f"http://127.0.0.1:{silent.getsockname()[1]}/", CaptureSettings(connect_timeout=60))
        timer = threading.Timer(0.2, source.interrupt)
        timer.start()
        with pytest.raises(SourceError):
            source.open()
        timer.join()


def test_an_address_is_taken_apart() -> None:
    address = CameraAddress.parse("RTSP://me:s%20x@[::1]/live?a=b")
    assert (address.scheme, address.host, address.port) == ("rtsp", "::1", 554)
    assert (address.path, address.user, address.password) == ("/live?a=b", "me", "s x")
    for wrong in (
        "http:///path",
        "http://host:99999/",
        "http://me:secret@host:port/",
        "rtsp://me:12/secret@host/",
        "rtsp://me:12?secret@host/",
        "rtsp://me:a@b/secret@host/",
        "rtsp://me:a@cam/?mail=secret@word@10.0.0.1/",
    ):
        with pytest.raises(UsageError) as caught:
            CameraAddress.parse(wrong)
        assert "secret" not in str(caught.value)
        assert "word@" not in str(caught.value)
    assert CameraAddress.parse("http://host/video@2?mail=me@home").host == "host"


def test_a_slow_stream_counts_as_alive_while_frames_come(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Semaphore(0)
    now = [0.0]
    is_silent = [False]
    read = HttpStream.read

    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD + part(10))
        for level in (20, 30, 40, 50):
            go_on.acquire(timeout=20)
            send(part(level))
        ending.wait(20)

    def reading(stream: HttpStream, timeout: float) -> Optional[bytes]:
        if is_silent[0]:
            now[0] += 0.8
            return None
        return read(stream, timeout)

    monkeypatch.setattr(HttpStream, "read", reading)
    # Each frame takes 0.8 s of the 1 s that are allowed.
    with server(answer) as place, HttpSource(
        f"http://{place}/", CaptureSettings(stall_timeout=1.0), clock=lambda: now[0]
    ) as source:
        assert levels(source, 1) == pytest.approx([10], abs=1)
        for level in (20, 30, 40, 50):
            is_silent[0] = True
            assert source.grab() is None
            is_silent[0] = False
            go_on.release()
            assert levels(source, 1) == pytest.approx([level], abs=1)
        is_silent[0] = True
        assert source.grab() is None
        with pytest.raises(SourceStalled, match="no frame for 1 s"):
            source.grab()


class Flood:
    """A connection on which one picture comes, and then bytes without a pause that never become another."""

    def __init__(self, *_: object) -> None:
        self._first = HEAD + part(10)
        self._end = time.monotonic() + 20  # lest a test hang
        self._socket, self._other = socket.socketpair()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> int:
        return len(data)

    def recv(self, most: int) -> bytes:
        data, self._first = self._first, b""
        return data or (bytes(most) if time.monotonic() < self._end else b"")

    def close(self) -> None:
        self._socket.close()
        self._other.close()


def test_a_grab_ends_while_bytes_come_that_never_become_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.capture.http.stream.connect", Flood)
    with open_source("http://camera/", CaptureSettings(stall_timeout=1.0)) as source:
        levels(source, 1)
        with pytest.raises(SourceStalled, match="no frame for 1 s"):
            for _ in range(10):
                assert source.grab() is None


def test_a_grab_can_be_interrupted_while_bytes_come_that_never_become_a_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fer_edge.capture.http.stream.connect", Flood)
    # No time passes on this clock, so that nothing else ends the grab.
    with HttpSource("http://camera/", clock=lambda: 0.0) as source:
        levels(source, 1)
        timer = threading.Timer(0.2, source.interrupt)
        timer.start()
        assert source.grab() is None
        timer.join()
