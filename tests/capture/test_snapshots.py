"""Cameras that give one picture for each request: what it is called does not matter, and one bad answer is one frame less."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from typing import Callable, Iterator, List

import cv2
import numpy as np
import pytest
from http_server import HEAD, jpeg, part, server

from fer_edge.capture.base import Source
from fer_edge.capture.http import HttpSource
from fer_edge.capture.http.other_media import OtherMedia
from fer_edge.capture.http.snapshots import SnapshotMissed, SnapshotPoller
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceStalled, SourceUnreachable, SourceUnreadable

QUICK = CaptureSettings(fps=100)


def encoded(kind: str, level: int) -> bytes:
    done, data = cv2.imencode(kind, np.full((48, 64, 3), level, np.uint8))
    assert done
    return data.tobytes()


def reply(body: bytes, kind: str = "image/jpeg", status: str = "200 OK", length: bool = True) -> bytes:
    fields = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else [])]
    fields += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([*fields, "", ""]).encode() + body


def levels(source: Source, count: int) -> List[int]:
    seen: List[int] = []
    while len(seen) < count:
        if source.grab():
            seen.append(round(float(source.retrieve().mean())))
    return seen


ONE_PART = b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg(50) + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        *(
            reply(jpeg(50), kind)
            for kind in ("image/jpg", "image/pjpeg", "image/*", "IMAGE/JPEG; q=1", "", "text/plain")
        ),
        reply(jpeg(50), "application/octet-stream", length=False),
        reply(jpeg(50), "text/html"),
        reply(encoded(".png", 50), "image/png"),
        reply(encoded(".webp", 50), "image/webp"),
        reply(encoded(".png", 50), "image/jpeg", length=False),
        reply(ONE_PART, "multipart/x-mixed-replace;boundary=x"),
        reply(jpeg(50) + jpeg(200)),  # such as an MPO with a second view
        reply(jpeg(50)[:-2]),  # no end marker, but all that was announced
        b"HTTP/1.1 200 OK\nContent-Type: image/jpeg\n\n" + jpeg(50),
    ],
)
def test_a_body_that_ends_after_one_picture_is_fetched_again_and_again(answer: bytes) -> None:
    asked: List[str] = []

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        send(answer)

    with server(camera) as place, open_source(f"http://{place}/snap", QUICK) as source:
        assert levels(source, 5) == pytest.approx([50] * 5, abs=3)
    assert len(asked) >= 5


@pytest.mark.parametrize("kind", ["image/jpeg", "", "text/html", "text/plain", "video/x-motion-jpeg", "video/mp4"])
def test_a_body_that_goes_on_is_a_stream_whatever_it_is_called(kind: str) -> None:
    asked: List[str] = []

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        send(reply(b"", kind, length=False))
        for level in range(10, 90, 10):
            send(part(level))
        ending.wait(20)

    with server(camera) as place, open_source(f"http://{place}/") as source:
        assert levels(source, 8) == pytest.approx(list(range(10, 90, 10)), abs=1)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", [".png", ".webp"])
def test_a_stream_may_be_of_png_or_webp(kind: str) -> None:
    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        body = b"".join(b"--frame\r\n\r\n" + encoded(kind, level) + b"\r\n" for level in (10, 90, 170))
        send(HEAD + body[:40])
        send(body[40:])
        ending.wait(20)

    with server(camera) as place, open_source(f"http://{place}/") as source:
        assert levels(source, 3) == pytest.approx([10, 90, 170], abs=3)


def test_a_length_of_nothing_does_not_end_a_stream() -> None:
    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n") + part(10) + part(20))
        ending.wait(20)

    with server(camera) as place, open_source(f"http://{place}/") as source:
        assert levels(source, 2) == pytest.approx([10, 20], abs=1)


def test_a_server_that_sends_one_picture_and_stays_silent_is_asked_again() -> None:
    asked: List[str] = []

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        send(reply(jpeg(40), "application/octet-stream", length=False))
        ending.wait(20)

    with server(camera) as place, open_source(f"http://{place}/", QUICK) as source:
        assert levels(source, 3) == pytest.approx([40] * 3, abs=1)
    assert len(asked) >= 3


@pytest.mark.parametrize(
    "bad",
    [
        reply(b"", status="503 Service Unavailable"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        reply(b"", status="404 Not Found"),
        reply(jpeg(9))[:-20],
        reply(jpeg(9), length=False)[:-20],
        reply(b""),
        reply(b"busy", "text/plain"),
        b"",
        b"nonsense\r\n\r\n",
    ],
)
def test_one_bad_answer_is_one_frame_less_and_said_once(bad: bytes, caplog: pytest.LogCaptureFixture) -> None:
    asked: List[str] = []

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        send(bad if len(asked) % 3 == 2 else reply(jpeg(70)))

    with caplog.at_level(logging.WARNING), server(camera) as place, open_source(f"http://{place}/", QUICK) as source:
        assert levels(source, 6) == pytest.approx([70] * 6, abs=1)
    assert len(asked) >= 8
    assert len([record for record in caplog.records if "gave no picture" in record.getMessage()]) == 1


def test_a_connection_that_is_reset_is_one_frame_less() -> None:
    count = [0]
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while not ending.is_set():
                connection, _ = listening.accept()
                with connection:
                    count[0] += 1
                    connection.recv(4096)
                    if count[0] % 2 == 0:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    else:
                        connection.sendall(reply(jpeg(30)))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with open_source(f"http://127.0.0.1:{listening.getsockname()[1]}/", QUICK) as source:
                assert levels(source, 4) == pytest.approx([30] * 4, abs=1)
        finally:
            ending.set()
            socket.create_connection(listening.getsockname()).close()
            thread.join()


def test_a_camera_without_a_picture_for_the_stall_timeout_is_lost() -> None:
    asked: List[str] = []

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        send(reply(jpeg(30)) if len(asked) == 1 else reply(b"", status="503 Busy"))

    settings = CaptureSettings(fps=20, stall_timeout=1.0)
    with server(camera) as place, open_source(f"http://{place}/", settings) as source:
        levels(source, 1)
        with pytest.raises(SourceStalled, match="no frame for 1 s"):
            for _ in range(10):
                assert source.grab() is None
    assert len(asked) >= 3


def test_a_password_that_is_refused_is_not_tried_on_and_on() -> None:
    asked: List[str] = []

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        refusal = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="x", nonce="%d"\r\n\r\n' % len(asked)
        send(reply(jpeg(30)) if len(asked) == 2 else refusal)

    with server(camera) as place, open_source(f"http://eileen:secret@{place}/", QUICK) as source:
        levels(source, 1)
        with pytest.raises(SourceUnreachable, match="password is wrong"):
            for _ in range(10):
                source.grab()
    assert len(asked) == 4


def test_a_question_that_is_too_old_is_answered_anew_in_the_middle() -> None:
    nonces: Iterator[int] = iter(range(1000))
    current = [next(nonces)]
    uses = [0]

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        uses[0] += 1
        if uses[0] % 4 == 0:
            current[0] = next(nonces)
        if f'nonce="{current[0]}"' in head:
            send(reply(jpeg(30)))
        else:
            send(f'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="x", nonce="{current[0]}"\r\n\r\n'.encode())

    with server(camera) as place, open_source(f"http://eileen:secret@{place}/", QUICK) as source:
        assert levels(source, 12) == pytest.approx([30] * 12, abs=1)
    assert current[0] >= 2


def test_a_grab_returns_while_a_camera_thinks_about_its_answer() -> None:
    asked: List[str] = []
    go_on = threading.Event()

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        if len(asked) > 1:
            go_on.wait(20)
        send(reply(jpeg(30)))

    with server(camera) as place, open_source(f"http://{place}/", QUICK) as source:
        levels(source, 1)
        while len(asked) < 2:
            assert source.grab() is None
        assert source.grab() is None
        go_on.set()
        assert levels(source, 2)


def test_a_source_that_is_closed_while_a_camera_thinks_leaves_no_thread() -> None:
    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        asked.append(head)
        if len(asked) > 1:
            ending.wait(20)
        send(reply(jpeg(30)))

    asked: List[str] = []
    with server(camera) as place:
        with open_source(f"http://{place}/", QUICK) as source:
            levels(source, 1)
            while len(asked) < 2:
                source.grab()
            source.interrupt()
            assert source.grab() is None
        assert not [thread for thread in threading.enumerate() if thread.name == "fer-edge-snapshots"]


def test_what_goes_wrong_in_the_thread_is_raised_where_pictures_are_taken() -> None:
    def fetch(stopping: threading.Event) -> bytes:
        raise ZeroDivisionError

    poller = SnapshotPoller(fetch, 0.01, 0.0, "cam")
    try:
        with pytest.raises(ZeroDivisionError):
            poller.take(20)
    finally:
        poller.close()


def test_requests_that_fail_again_and_again_are_made_less_often() -> None:
    times: List[float] = []

    def fetch(stopping: threading.Event) -> bytes:
        times.append(time.monotonic())
        if len(times) == 5:
            return b"x"
        raise SnapshotMissed("busy")

    poller = SnapshotPoller(fetch, 0.001, 0.0, "cam")
    try:
        assert poller.take(20) == b"x"
    finally:
        poller.close()
    assert times[4] - times[3] >= 0.4


@pytest.mark.parametrize(
    ("body", "kind", "found"),
    [
        (b"\0\0\0\x20ftypisom" + bytes(2000), "video/mp4", "video/mp4"),
        (b"\0\0\0\x20ftypisom" + bytes(2000), "application/octet-stream", "video/mp4"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "text/plain", "application/vnd.apple.mpegurl"),
        ((b"\x47" + bytes(187)) * 10, "", "video/mp2t"),
        (b"\x1a\x45\xdf\xa3" + bytes(99), "", "video/webm"),
        (bytes(2000), "audio/basic", "audio/basic"),
    ],
)
def test_what_plays_is_named_by_its_type(body: bytes, kind: str, found: str) -> None:
    with server(lambda head, send, _: send(reply(body, kind))) as place, pytest.raises(OtherMedia) as caught:
        HttpSource(f"http://{place}/").open()
    assert caught.value.kind == found
    assert f"it sends {found}" in str(caught.value)


def test_a_page_is_called_one_also_while_it_is_not_complete() -> None:
    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(reply(b"<!DOCTYPE html><title>x", "text/html", length=False))
        ending.wait(20)

    with server(camera) as place, pytest.raises(SourceUnreadable, match="a web page for people"):
        open_source(f"http://{place}/").open()


def test_a_picture_may_come_late_and_opening_is_given_the_time_for_it() -> None:
    settings = CaptureSettings(connect_timeout=0.5, first_image_timeout=20)

    def camera(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD)
        ending.wait(1.0)
        send(part(10))
        ending.wait(20)

    with server(camera) as place, open_source(f"http://{place}/", settings) as source:
        assert levels(source, 1) == pytest.approx([10], abs=1)
        assert source.opening_limit > 20.5


def test_a_jpeg_without_huffman_tables_is_decoded_with_the_standard_ones() -> None:
    data, kept, at = jpeg(120), b"", 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        kept += data[at:end] if data[at + 1] != 0xC4 else b""
        at = end
    bare = data[:2] + kept + data[at:]
    assert len(bare) < len(data)
    with server(lambda head, send, _: send(reply(bare))) as place, open_source(f"http://{place}/", QUICK) as source:
        assert levels(source, 1) == pytest.approx([120], abs=1)
