"""A camera decides neither where its password goes nor who takes its place."""

from __future__ import annotations

import logging
import re
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Iterator, List, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtsp_camera import Reply, camera, listening, make_certificate, pipe, requests, tls_door
from test_rtsp import needs_server, server

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.open import open_source
from fer_edge.capture.rtsp.message import Message, MessageSplitter
from fer_edge.capture.rtsp.options import RtspOptions
from fer_edge.capture.rtsp.relay import RtspRelay
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, SourceUnreachable, UsageError

PATIENT = CaptureSettings(connect_timeout=20)
OPTIONS = "200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
ASKS_BASIC = '401 Unauthorized\r\nWWW-Authenticate: Basic realm="cam"'
ASKS_DIGEST = '401 Unauthorized\r\nWWW-Authenticate: Digest realm="cam", nonce="n"'
CREDENTIALS = re.compile(r"(?i)authorization|eileen|secret|ZWlsZWVuOnNlY3JldA")

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def to_describe(answer: str) -> Reply:
    return lambda request: OPTIONS if request.startswith("OPTIONS") else answer


def frames(source_text: str, count: int = 3) -> None:
    with open_source(source_text, PATIENT) as source:
        seen = 0
        while seen < count:
            seen += bool(source.grab())


@pytest.mark.parametrize("asks", ["", ASKS_BASIC, ASKS_DIGEST], ids=["at once", "after basic", "after digest"])
@pytest.mark.parametrize("there", [ASKS_BASIC, ASKS_DIGEST], ids=["to basic", "to digest"])
def test_a_password_does_not_follow_a_redirect_to_another_host(asks: str, there: str) -> None:
    elsewhere: List[str] = []
    here: List[str] = []
    with camera(elsewhere, to_describe(there)) as target:

        def reply(request: str) -> str:
            if request.startswith("OPTIONS"):
                return OPTIONS
            if asks and "Authorization" not in request:
                return asks
            return f"302 Moved Temporarily\r\nLocation: rtsp://{target}/there"

        with camera(here, reply) as place, pytest.raises(SourceUnreachable) as caught:
            open_source(f"rtsp://eileen:secret@{place}/cam", PATIENT).open()
    assert any(request.startswith("DESCRIBE rtsp://" + target + "/there ") for request in elsewhere)
    assert not any(CREDENTIALS.search(request) for request in elsewhere)
    assert bool(asks) == any("Authorization" in request for request in here)
    assert f"rtsp://{target}, which wants a user and a password" in str(caught.value)
    assert f"give its own address, with a user and a password for it: rtsp://{target}/there" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_no_password_is_sent_before_the_camera_asks_for_one_and_a_wrong_one_is_tried_once() -> None:
    asked: List[str] = []
    with camera(asked, lambda request: ASKS_BASIC) as place, pytest.raises(SourceUnreachable, match="401"):
        open_source(f"rtsp://eileen:secret@{place}/cam", PATIENT).open()
    assert not CREDENTIALS.search(asked[0])
    assert "Authorization: Basic ZWlsZWVuOnNlY3JldA==" in asked[1]
    answered = [request.split(" ")[0] for request in asked if "Authorization" in request]
    assert len(answered) == len(set(answered))


def test_a_password_in_a_redirect_is_not_used() -> None:
    elsewhere: List[str] = []
    with camera(elsewhere, lambda _: ASKS_BASIC) as target:
        moved = f"302 Found\r\nLocation: rtsp://admin:admin@{target}/there"
        with camera([], lambda _: moved) as place, pytest.raises(SourceUnreachable):
            open_source(f"rtsp://{place}/cam", PATIENT).open()
    assert elsewhere
    assert not any("Authorization" in request for request in elsewhere)


def test_a_second_reply_that_nobody_asked_for_leads_nowhere() -> None:
    elsewhere: List[str] = []
    with camera(elsewhere, lambda _: ASKS_BASIC) as target:

        def handle(connection: socket.socket) -> None:
            for request in requests(connection):
                number = request.partition("CSeq: ")[2].split("\r")[0]
                moved = f"RTSP/1.0 302 Found\r\nCSeq: {int(number) + 1}\r\nLocation: rtsp://{target}/there\r\n\r\n"
                answer = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nPublic: DESCRIBE\r\n\r\n"
                connection.sendall((answer + moved if request.startswith("OPTIONS") else answer).encode())

        with listening(handle) as place, pytest.raises(SourceError):
            open_source(f"rtsp://eileen:secret@{place}/cam", PATIENT).open()
    assert elsewhere == []


def test_redirects_without_end_are_given_up() -> None:
    asked: List[str] = []
    moved = "302 Found\r\nLocation: /again"
    with camera(asked, to_describe(moved)) as place, pytest.raises(SourceUnreachable, match="without end"):
        open_source(f"rtsp://{place}/cam", PATIENT).open()
    assert len([request for request in asked if request.startswith("DESCRIBE")]) <= 6


@pytest.mark.parametrize("location", ["http://127.0.0.1/x", "file:///etc/passwd", "rtsp://", "rtsp://a b/", ""])
def test_a_redirect_that_leads_nowhere_is_an_error(location: str) -> None:
    moved = f"302 Found\r\nLocation: {location}"
    with camera([], to_describe(moved)) as place, pytest.raises(SourceUnreachable, match="refers"):
        open_source(f"rtsp://{place}/cam", PATIENT).open()


@needs_server
def test_a_redirect_on_the_same_camera_keeps_the_password() -> None:
    with server("locked") as (real, _):

        def door(connection: socket.socket) -> None:
            for request in requests(connection):
                number = request.partition("CSeq: ")[2].split("\r")[0]
                if "/old" not in request:
                    pipe(connection, real, f"{request}\r\n\r\n".encode())
                    return
                status = "200 OK" if request.startswith("OPTIONS") else "301 Moved\r\nLocation: /cam"
                connection.sendall(f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n\r\n".encode())

        with listening(door) as place:
            frames(f"rtsp://eileen:secret@{place}/old")


@needs_server
def test_a_redirect_to_another_host_that_asks_for_no_password_is_followed() -> None:
    with server("live") as (real, _):
        moved = f"302 Found\r\nLocation: rtsp://{real}/cam"
        with camera([], to_describe(moved)) as place:
            frames(f"rtsp://eileen:secret@{place}/old")


@needs_server
def test_a_real_server_takes_the_hashed_password() -> None:
    with server("digest") as (place, _):
        frames(f"rtsp://eileen:secret@{place}/cam")
        with pytest.raises(SourceUnreachable, match="answers: 401"):
            open_source(f"rtsp://eileen:wrong@{place}/cam", PATIENT).open()


@needs_server
@pytest.mark.parametrize(
    "options", ["rtsp_transport;udp", "rtsp_transport;tcp|stimeout;9000000", "buffer_size;1048576"]
)
def test_options_of_ones_own_still_work(options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", options)
    with server("locked") as (place, _):
        frames(f"rtsp://eileen:secret@{place}/cam", count=40)


def test_a_password_is_not_given_to_what_only_ffmpeg_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;http")
    with pytest.raises(UsageError, match="through HTTP"):
        open_source("rtsp://eileen:secret@127.0.0.1:1/cam").open()


@needs_openssl
def test_a_camera_with_a_certificate_that_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    heard: List[bytes] = []
    refused = pytest.raises(SourceUnreachable, match=r"self-signed.*\n.*--tls-ca.*tls_verify;0")
    with camera([], lambda _: ASKS_BASIC) as plain, tls_door(
        plain, make_certificate(tmp_path), heard
    ) as place, refused:
        open_source(f"rtsps://eileen:secret@{place}/cam", PATIENT).open()
    assert b"".join(heard) == b""


@needs_openssl
def test_a_camera_with_a_certificate_for_another_host_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: List[bytes] = []
    certificate = make_certificate(tmp_path, "DNS:camera.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    refused = pytest.raises(SourceUnreachable, match="its certificate is for .*, and the address says")
    with camera([], lambda _: ASKS_BASIC) as plain, tls_door(plain, certificate, heard) as place, refused:
        open_source(f"rtsps://eileen:secret@{place}/cam", PATIENT).open()
    assert b"".join(heard) == b""


@needs_server
@needs_openssl
@pytest.mark.parametrize("way", ["SSL_CERT_FILE", "ca_file", "tls_verify"])
def test_a_certificate_is_trusted_when_its_file_is_named_or_nothing_is_to_be_checked(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = make_certificate(tmp_path)
    if way == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    else:
        value = "0" if way == "tls_verify" else str(certificate)
        # UDP would go beside the safe connection, and so is not used.
        monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", f"rtsp_transport;udp|{way};{value}")
    with server("locked") as (plain, _), tls_door(plain, certificate) as place, caplog.at_level(logging.WARNING):
        frames(f"rtsps://eileen:secret@{place}/cam")
    assert ("nobody checks who answers" in caplog.text) == (way == "tls_verify")


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="gst-launch-1.0 is not installed")
def test_a_password_of_a_pipeline_does_not_follow_a_redirect_to_another_host() -> None:
    elsewhere: List[str] = []
    here: List[str] = []
    with camera(elsewhere, to_describe(ASKS_BASIC)) as target:
        moved = f"302 Moved\r\nLocation: rtsp://{target}/there"

        def reply(request: str) -> str:
            if request.startswith("DESCRIBE") and "Authorization" not in request:
                return ASKS_BASIC
            return to_describe(moved)(request)

        with camera(here, reply) as place, pytest.raises(SourceError):
            pipeline = (
                f"gst:rtspsrc user-id=eileen location=rtsp://{place}/cam user-pw=secret protocols=tcp ! decodebin"
            )
            open_source(pipeline, CaptureSettings(stall_timeout=20)).open()
    assert any("Authorization: Basic ZWlsZWVuOnNlY3JldA==" in request for request in here)
    assert elsewhere
    assert not any(CREDENTIALS.search(request) for request in elsewhere)


@needs_server
def test_a_pipeline_with_a_password_of_its_own_opens_the_camera_it_is_for() -> None:
    with server("locked") as (place, _):
        frames(
            f"gst:rtspsrc location=rtsp://{place}/cam user-id=eileen user-pw=secret protocols=tcp ! rtpjpegdepay ! jpegdec"
        )


def test_verification_ends_only_when_somebody_says_so() -> None:
    address = CameraAddress.parse("rtsps://camera/")
    for options in ("", "rtsp_transport;udp", "tls_verify;1", "tls_verify;", "tls_verify;yes", "tls_verify"):
        assert RtspOptions(address, {"OPENCV_FFMPEG_CAPTURE_OPTIONS": options}).tls.verify
    assert not RtspOptions(address, {"OPENCV_FFMPEG_CAPTURE_OPTIONS": "a;b|tls_verify;0"}).tls.verify


def test_the_pictures_of_a_safe_connection_do_not_go_beside_it() -> None:
    for options in ("rtsp_transport;udp", "rtsp_transport;udp_multicast|a;b", "a;b", ""):
        chosen = RtspOptions(CameraAddress.parse("rtsps://camera/"), {"OPENCV_FFMPEG_CAPTURE_OPTIONS": options}).text
        assert "rtsp_transport;tcp" in chosen
        assert "udp" not in chosen
    plain = RtspOptions(
        CameraAddress.parse("rtsp://camera/"), {"OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;udp|a;b"}
    )
    assert plain.text == "rtsp_transport;udp|a;b"


@pytest.fixture
def relay_of() -> Iterator[List[RtspRelay]]:
    relays: List[RtspRelay] = []
    yield relays
    for relay in relays:
        relay.close()


def test_a_stranger_on_this_machine_has_nothing_signed_by_the_relay(relay_of: List[RtspRelay]) -> None:
    asked: List[str] = []
    with camera(asked, lambda _: ASKS_BASIC) as place:
        relay = RtspRelay(CameraAddress.parse(f"rtsp://eileen:secret@{place}/cam"), 5.0)
        relay_of.append(relay)
        thread = threading.Thread(target=relay.run)
        thread.start()
        port = int(relay.base.split(":")[2].split("/")[0])
        for path in ("/cam", "/" + "0" * 32 + "/cam", ""):
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.settimeout(10)
                stranger.sendall(f"DESCRIBE rtsp://127.0.0.1:{port}{path} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                with suppress(ConnectionResetError):
                    assert stranger.recv(100) == b""
        relay.close()
        thread.join()
    assert asked == []


def test_the_camera_does_not_learn_the_relays_secret(relay_of: List[RtspRelay]) -> None:
    asked: List[str] = []
    with camera(asked, lambda _: OPTIONS) as place:
        relay = RtspRelay(CameraAddress.parse(f"rtsp://{place}/cam"), 20.0)
        relay_of.append(relay)
        thread = threading.Thread(target=relay.run)
        thread.start()
        port = int(relay.base.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(20)
            client.sendall(f"DESCRIBE {relay.url} RTSP/1.0\r\nCSeq: 7\r\nReferer: {relay.url}\r\n\r\n".encode())
            assert b"CSeq: 7\r\n" in client.recv(1000)
        relay.close()
        thread.join()
    assert asked[0].startswith(f"DESCRIBE rtsp://{place}/cam RTSP/1.0")
    assert relay.base not in asked[0]
    assert f"Referer: rtsp://{place}/cam" in asked[0]


MESSAGES = st.builds(
    Message,
    status=st.integers(200, 599),
    reason=st.sampled_from(["OK", "", "Not Found"]),
    headers=st.lists(
        st.tuples(st.sampled_from(["CSeq", "Session", "X-Y"]), st.from_regex(r"[a-z0-9;=]{0,9}", fullmatch=True))
    ).map(tuple),
    body=st.binary(max_size=50),
)
PACKETS = st.binary(min_size=8, max_size=300).map(lambda data: b"$\x00" + len(data).to_bytes(2, "big") + data)


@given(
    st.lists(st.one_of(MESSAGES, PACKETS), max_size=6),
    st.lists(st.integers(0, 3000)),
    st.sampled_from([b"", b"\r\n", b"\n"]),
)
def test_messages_and_packets_are_told_apart_however_they_are_cut(
    items: List[Union[bytes, Message]], cuts: List[int], between: bytes
) -> None:
    coded = b"".join((item if isinstance(item, bytes) else item.encode()) + between for item in items)
    edges = [0, *sorted(min(cut, len(coded)) for cut in cuts), len(coded)]
    splitter = MessageSplitter()
    found = [item for start, end in zip(edges, edges[1:]) for item in splitter.feed(coded[start:end])]
    assert [item for item in found if not isinstance(item, bytes)] == [i for i in items if not isinstance(i, bytes)]
    assert b"".join(i for i in found if isinstance(i, bytes)) == b"".join(i for i in items if isinstance(i, bytes))


@given(st.lists(st.binary(max_size=200)))
def test_whatever_comes_never_makes_more_of_it(pieces: List[bytes]) -> None:
    splitter = MessageSplitter()
    for piece in pieces:
        list(splitter.feed(piece))


@pytest.mark.parametrize(
    "data",
    [
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"x" * 100_000,
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_a_message_without_end_is_not_collected(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"without an end|too long"):
        list(MessageSplitter().feed(data))
