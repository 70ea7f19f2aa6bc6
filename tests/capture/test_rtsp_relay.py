"""What stands between FFmpeg and an RTSP camera gives neither of them, nor whoever else is on the machine, a way past it."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager
from typing import Iterator, List, Tuple

import pytest
from rtsp_camera import camera, listening, requests

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.open import open_source
from fer_edge.capture.rtsp import message as rtsp_message
from fer_edge.capture.rtsp.answer import reply_for_ffmpeg, request_for_ffmpeg
from fer_edge.capture.rtsp.message import Message, MessageSplitter
from fer_edge.capture.rtsp.relay import RtspRelay
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError

PATIENT = CaptureSettings(connect_timeout=20)
OK = "200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY"


@pytest.mark.parametrize("way", ["dollar", "return", "body"])
def test_a_redirect_that_ffmpeg_alone_would_see_leads_nowhere(way: str) -> None:
    elsewhere: List[str] = []
    with camera(elsewhere, lambda _: "404 Not Found") as there:
        moved = f"Location: rtsp://{there}/x"

        def handle(connection: socket.socket) -> None:
            for request in requests(connection):
                number = request.partition("CSeq: ")[2].split("\r")[0]
                if not request.startswith("DESCRIBE") or "/other" in request:
                    status = "404 Not Found" if request.startswith("DESCRIBE") else OK
                    connection.sendall(f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n\r\n".encode())
                    continue
                body = f"{'A' * 2000}\r\n{moved}\r\n\r\n"
                lines = [f"RTSP/1.0 302 Moved\r\nCSeq: {number}", "Location: /other"]
                if way == "dollar":
                    lines += ["$\x01\x04\x00x: y", f"Content-Length: {len(body)}"]
                elif way == "body":
                    lines += ["Content-Length: " + str(len(body))]
                else:
                    lines += [moved.replace("Loc", "Loc\r"), f"Session: 1\r{moved}"]
                    body = ""
                connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1"))

        with listening(handle) as place, pytest.raises(SourceError):
            open_source(f"rtsp://{place}/cam", PATIENT).open()
    assert elsewhere == []


def encoded(reply: str, method: str = "SETUP") -> str:
    message = next(iter(MessageSplitter().feed(reply.encode("latin-1"))))
    assert isinstance(message, Message)
    return reply_for_ffmpeg(message, method, "7", "192.0.2.1", "rtsp://here/").encode().decode("latin-1")


def test_ffmpeg_gets_what_it_needs_of_a_reply_and_nothing_else() -> None:
    reply = (
        "RTSP/1.0 200 O\rK\r\nCSeq: 3\r\nSession: 12;timeout=60\r\n$\x01\x00\x04a: b\r\nX-Y: z\r\nServer: WMServer/9\r\n"
        "session: 1\r2\r\nCONTENT-BASE: rtsp://camera/a/\r\nContent-Type: application/sdp\r\nRange: npt=0-\r\n"
        "Rtp-Info: url=rtsp://camera/a;seq=1\r\nLocation: rtsp://x/\r\nWWW-Authenticate: Basic realm=x\r\n"
        "Content-Length: 3\r\n\r\nv=0"
    )
    kept = (
        "RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Base: rtsp://camera/a/\r\nContent-Type: application/sdp\r\n"
        "Range: npt=0-\r\nRTP-Info: url=rtsp://camera/a;seq=1\r\nSession: 12;timeout=60\r\n"
    )
    assert encoded(reply, "DESCRIBE") == kept + "Content-Length: 3\r\n\r\nv=0"
    assert encoded(reply, "PLAY") == kept + "\r\n"
    assert "v=0" not in encoded(reply.replace("200", "404"), "DESCRIBE")
    moved = encoded(reply.replace("200", "302"), "DESCRIBE")
    assert moved == "RTSP/1.0 302 OK\r\nCSeq: 7\r\nLocation: rtsp://here/\r\n\r\n"


def test_a_cameras_own_request_carries_nothing_to_ffmpeg() -> None:
    request = Message(
        "REDIRECT", "rtsp://x/", headers=(("CSeq", "1"), ("Location", "rtsp://x/"), ("$a", "b")), body=b"c"
    )
    assert request_for_ffmpeg(request).encode() == b"REDIRECT * RTSP/1.0\r\nCSeq: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1A;mode=play", "RTP/AVP/TCP;unicast;interleaved=0-1"),
        ('RTP/AVP/TCP; interleaved=0-1;mode="PLAY"', "RTP/AVP/TCP;interleaved=0-1"),
        (
            "RTP/AVP;unicast;client_port=5000-5001;server_port=7000-7001",
            "RTP/AVP;unicast;client_port=5000-5001;server_port=7000-7001;source=192.0.2.1",
        ),
        ("RTP/AVP;unicast;source=127.0.0.5;server_port=7", "RTP/AVP;unicast;server_port=7;source=192.0.2.1"),
        ("RTP/AVP/UDP;/source=127.0.0.5;server_port=7", "RTP/AVP/UDP;server_port=7;source=192.0.2.1"),
        ("RTP/AVP;unicast; SOURCE=127.0.0.5;destination=127.0.0.5", "RTP/AVP;unicast;source=192.0.2.1"),
        ("RTP/AVP;unicast;source=127.0.0.5", "RTP/AVP;unicast;source=192.0.2.1"),
        (
            "RTP/AVP;multicast;destination=239.1.2.3;port=8-9;ttl=5",
            "RTP/AVP;multicast;port=8-9;ttl=5;destination=239.1.2.3;source=192.0.2.1",
        ),
        ("RTP/AVP;multicast;destination=127.0.0.5;port=8", "RTP/AVP;multicast;port=8;source=192.0.2.1"),
        ("RTP/AVP;unicast,x-real-rdt/udp;source=1.2.3.4", "RTP/AVP;unicast;source=192.0.2.1"),
    ],
)
def test_packets_over_udp_come_from_and_go_to_the_camera_alone(told: str, kept: str) -> None:
    assert f"\r\nTransport: {kept}\r\n" in encoded(f"RTSP/1.0 200 OK\r\nTransport: {told}\r\n\r\n")


def test_a_packet_that_ffmpeg_would_read_as_text_is_left_out() -> None:
    long, short = b"$\x00\x00\x08" + b"a" * 8, b"$\x00\x00\x07" + b"RTSP/ \n"
    splitter = MessageSplitter()
    assert b"".join(item for item in splitter.feed(short + long + short + short + long + short) if item) == long * 2
    assert list(splitter.feed(short)) == []
    assert list(splitter.feed(long)) == [long]


class Counting(bytearray):
    """Counts the bytes that are looked at."""

    work = 0

    def find(self, sub: object, start: int = 0, end: int = 1 << 62) -> int:  # type: ignore[override]
        Counting.work += len(self) - start
        return super().find(sub, start)  # type: ignore[arg-type]

    def partition(self, sep: object) -> Tuple[bytearray, bytearray, bytearray]:  # type: ignore[override]
        Counting.work += len(self)
        return super().partition(sep)  # type: ignore[arg-type]


class CountingPattern:
    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern

    def search(self, data: bytes, start: int = 0) -> object:
        Counting.work += len(data) - start
        return self._pattern.search(data, start)


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS * RTSP/1.0\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 6000\r\n\r\n" + b"a" * 6000,
        b"a" * 6000 + b"\n",
        b"x\n" * 3000,
    ],
    ids=["head", "body", "line", "lines"],
)
@pytest.mark.parametrize("piece", [1, 10_000])
def test_bytes_cost_no_more_for_coming_one_by_one_or_together(
    data: bytes, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: List[int] = []
    text = rtsp_message._text
    monkeypatch.setattr(rtsp_message, "_END", CountingPattern(rtsp_message._END))
    monkeypatch.setattr(rtsp_message, "_text", lambda line: texts.append(len(line)) or text(line))
    monkeypatch.setattr(Counting, "work", 0)
    splitter = MessageSplitter()
    splitter._buffer = Counting()
    for at in range(0, len(data), piece):
        list(splitter.feed(data[at : at + piece]))
    assert sum(texts) <= 2 * len(data)
    # Finding the end of a short line does not look at what follows it.
    assert Counting.work <= 10 * len(data) or data[:1] == b"x"


@contextmanager
def relay(place: str) -> Iterator[RtspRelay]:
    serving = RtspRelay(CameraAddress.parse(f"rtsp://eileen:secret@{place}/cam"), 20.0)
    thread = threading.Thread(target=serving.run)
    thread.start()
    try:
        yield serving
    finally:
        serving.close()
        thread.join()


def port_of(serving: RtspRelay) -> int:
    return int(serving.base.split(":")[2].split("/")[0])


def connection(serving: RtspRelay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(serving)), timeout=8)


def ask(client: socket.socket, serving: RtspRelay, method: str) -> bytes:
    client.sendall(f"{method} {serving.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    return client.recv(1000)


def is_ended(client: socket.socket) -> bool:
    """Tell whether the other side closes, which it does for all that say nothing within ten seconds."""
    try:
        return client.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("said", [b"x\n", b"x" * 4096, b"$\0\0\1a\n", b"OPTIONS rtsp://127.0.0.1/ RTSP/1.0\r\n", b"\n"])
def test_who_does_not_know_the_relays_secret_is_heard_for_one_line_and_four_kilobytes(said: bytes) -> None:
    with relay("127.0.0.1:1") as serving, connection(serving) as stranger:
        stranger.sendall(said)
        assert is_ended(stranger)


def test_strangers_take_no_more_than_a_few_threads_and_nobodys_place() -> None:
    with camera([], lambda _: OK) as place, relay(place) as serving:
        strangers = [connection(serving) for _ in range(20)]
        with connection(serving) as client:
            assert b" 200 " in ask(client, serving, "OPTIONS")
            assert all(is_ended(stranger) for stranger in strangers[:16])
            # Somebody else's end is nothing to who has shown the secret.
            strangers += [connection(serving) for _ in range(20)]
            assert b" 200 " in ask(client, serving, "DESCRIBE")
        for stranger in strangers:
            stranger.close()


def test_nobody_can_connect_to_the_relay_once_the_stream_plays() -> None:
    with camera([], lambda _: OK) as place, relay(place) as serving, connection(serving) as client:
        ask(client, serving, "OPTIONS")
        connection(serving).close()
        assert b" 200 " in ask(client, serving, "PLAY")
        with pytest.raises(ConnectionRefusedError):
            connection(serving)
        assert b" 200 " in ask(client, serving, "GET_PARAMETER")
