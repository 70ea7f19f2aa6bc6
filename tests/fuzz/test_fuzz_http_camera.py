"""What a hostile or broken network camera answers, over real sockets."""

from __future__ import annotations

import socket
import threading
from typing import Iterator, List, Optional

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutation import examples, mutated

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.http.exchange import Exchange
from fer_edge.capture.http.source import HttpSource
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import FerEdgeError, SourceError
from fer_edge.system.masking import mask

QUICK = CaptureSettings(connect_timeout=0.3, stall_timeout=0.3)
PICTURE = cv2.imencode(".jpg", np.full((16, 16, 3), 90, np.uint8))[1].tobytes()


class Camera:
    """Sends the same bytes to everybody who connects, and hangs up."""

    def __init__(self) -> None:
        self.content = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection:
                try:
                    connection.settimeout(10)
                    if not self.content:
                        return
                    connection.recv(4096)
                    connection.sendall(self.content)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass

    def close(self) -> None:
        self.content = b""
        socket.create_connection(self._listening.getsockname()).close()
        self._thread.join()
        self._listening.close()


@pytest.fixture(scope="module")
def camera() -> Iterator[Camera]:
    started = Camera()
    yield started
    started.close()


def watch(camera: Camera, content: bytes, user: str = "") -> Optional[FerEdgeError]:
    """Read some frames, and give the error of ours that ended it."""
    camera.content = content or b"\0"
    source = HttpSource(f"http://{user}{camera.place}/video", QUICK)
    try:
        source.open()
        for _ in range(5):
            source.grab()
            source.retrieve()
    except FerEdgeError as error:
        assert str(error).replace("\n", "").isprintable()
        return error
    finally:
        source.close()
    return None


def answer(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1")


STREAM = answer("200 OK", "Content-Type: multipart/x-mixed-replace; boundary=frame")
CHUNKED = answer("200 OK", "Content-Type: image/jpeg", "Transfer-Encoding: chunked")
ANSWERS = [
    STREAM + (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURE) * 3,
    CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PICTURE), PICTURE),
    answer("200 OK", "Content-Type: image/jpeg", f"Content-Length: {len(PICTURE)}") + PICTURE,
    b"ICY 200OK\nTue, 12 Jun 2012 01:56:34 GMT\nContent-Type : image/jpeg\nContent-Length: -1\n\n" + PICTURE,
    answer("302 Found", "Location: /again", "Content-Length: 0"),
    answer("401 Unauthorized", 'WWW-Authenticate: Digest realm="a", nonce="b", qop="auth", algorithm=MD5'),
    answer("401 Unauthorized", "WWW-Authenticate: Basic realm=x"),
]


@examples(120)
@given(mutated(*ANSWERS), st.sampled_from(["", "eileen:secret@"]))
@example(answer("200 OK", "Content-Length: \xb2"), "")
@example(answer("200 OK", "Content-Length: " + "9" * 5000), "")
@example(answer("200 OK", *["X: y"] * 200), "")
@example(answer("200 OK", "Content-Type: evil/\x1b[2J\x9b1m"), "")
@example(answer("500 \x1b[2J\x07", "X: y"), "")
@example(answer("302 Found", "Location: http://[::1/"), "")
@example(answer("302 Found", "Location: http://x:99999/"), "")
@example(answer("302 Found", "Location: file:///etc/passwd"), "")
@example(answer("302 Found", "Location: rtsp://127.0.0.1/"), "")
@example(answer("302 Found", "Location: http://a\0b/"), "")
@example(answer("302 Found", "Location: //" + "a" * 300 + "/"), "")
@example(answer("302 Found", "Location: http://u:p@:x/?" + "?user" * 9000), "")
@example(answer("401 No", "WWW-Authenticate: Digest realm="), "a:b@")
@example(answer("401 No", 'WWW-Authenticate: Digest realm="a", nonce="b", qop="none"'), "a:b@")
@example(answer("401 No", 'WWW-Authenticate: Digest realm="a", nonce="b", algorithm=X'), "a:b@")
@example(b"HTTP/1.1 200\r\n" + b"x" * 200_000, "")
@example(b"\xff" * 1000, "")
def test_whatever_a_camera_answers_it_is_read_or_named(camera: Camera, content: bytes, user: str) -> None:
    error = watch(camera, content, user)
    if error is not None:
        assert isinstance(error, SourceError)
        assert camera.place in error.message
        assert "secret" not in str(error)


@examples(150)
@given(st.one_of(mutated(b"5\r\nhello\r\n0\r\n\r\n", b"ffffffff\r\n"), st.binary(max_size=60)), st.integers(1, 7))
def test_the_chunked_coding_of_any_bytes_gives_no_more_than_came(content: bytes, step: int) -> None:
    exchange = Exchange(CameraAddress.parse("http://camera/"))
    exchange.feed(CHUNKED)
    assert exchange.head() is not None
    body = b""
    for at in range(0, len(content), step):
        exchange.feed(content[at : at + step])
        while True:
            piece = exchange.body()
            if not piece:
                break
            body += piece
    assert len(body) <= len(content)


URLS = [
    b"http://user:word@host:80/a?b=c&token=secret#d",
    b"rtsp://[::1]:554/live;x=1",
    b"HTTPS://host",
    b"http://user:w ord@host/",
]


@examples(200)
@given(st.one_of(mutated(*URLS).map(lambda url: url.decode("utf-8", "surrogateescape")), st.text(max_size=40)))
@example("//user:word@host/")
@example("ittp;//user:word@host/")
def test_an_address_of_any_text_is_taken_apart_or_named(url: str) -> None:
    assert "//user:word@" not in mask(url)
    try:
        address = CameraAddress.parse(url)
    except FerEdgeError as error:
        assert error.message
    else:
        assert 0 < address.port <= 65535
        assert address.password not in ("word", "w ord") or "***@" in address.name


@pytest.mark.parametrize("unit", ["?user", "&", "?", "://", "password='", 'user-pw="', ";pass=", "@", "://a@"])
def test_a_long_text_is_masked_in_no_time(unit: str) -> None:
    # It would go on for days if it took the cube of the length.
    masked: List[str] = [mask(unit * 4000), mask("http://x/" + unit * 4000 + "=secret")]
    assert masked
