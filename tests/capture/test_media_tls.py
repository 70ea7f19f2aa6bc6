"""Whom a stream over TLS is taken from."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Iterator, List

import pytest

pytest.importorskip("av")

from certificates import Pair, needs_openssl, openssl, self_signed
from media_files import grays, write_video
from test_media_stream import QUICK, Web, playlist

from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceError, UsageError

pytestmark = needs_openssl


def serve(pair: Pair, tmp_path: Path) -> Web:
    server = Web()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pair.cert), str(pair.key))
    server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
    path = tmp_path / "piece.ts"
    write_video(path, grays(10), bf="0", g="5")
    server.files = {"/index.m3u8": playlist("a.ts"), "/a.ts": path.read_bytes()}
    return server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Web]:
    server = serve(self_signed(tmp_path), tmp_path)
    yield server
    server.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(server: Web) -> None:
    with pytest.raises(SourceError, match="signed by nobody") as caught:
        open_source(f"https://{server.host}/index.m3u8", QUICK).open()
    assert "--tls-ca" in caught.value.remedy
    assert server.asked == []


def test_one_that_is_trusted_by_name_is_taken(server: Web, tmp_path: Path) -> None:
    settings = CaptureSettings(connect_timeout=3.0, tls_ca=str(tmp_path / "nano.pem"))
    with open_source(f"https://{server.host}/index.m3u8", settings) as source:
        assert source.grab()


def test_nothing_is_checked_where_that_is_wanted(server: Web) -> None:
    settings = CaptureSettings(connect_timeout=3.0, tls_insecure=True)
    with open_source(f"https://{server.host}/index.m3u8", settings) as source:
        assert source.grab()


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "other.pem", tmp_path / "other.key")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subject = ("-subj", "/CN=other.example", "-addext", "subjectAltName=DNS:other.example")
    openssl("req", "-x509", *curve, "-days", 825, *subject, "-keyout", pair.key, "-out", pair.cert)
    server = serve(pair, tmp_path)
    try:
        settings = CaptureSettings(connect_timeout=3.0, tls_ca=str(pair.cert))
        with pytest.raises(SourceError):
            open_source(f"https://{server.host}/index.m3u8", settings).open()
        assert server.asked == []
    finally:
        server.close()


def test_a_password_is_not_given_to_pieces_whose_server_nobody_checks(server: Web) -> None:
    for password in ("secret", "/secret", "se#secret", "?secret"):
        with pytest.raises(UsageError) as caught:
            open_source(f"https://me:{password}@{server.host}/index.m3u8", QUICK)
        assert "secret" not in str(caught.value)
    settings = CaptureSettings(connect_timeout=3.0, tls_insecure=True)
    with open_source(f"https://me:secret@{server.host}/index.m3u8", settings) as source:
        assert source.grab()


def test_rtmps_says_nothing_to_a_server_that_nobody_vouches_for(tmp_path: Path) -> None:
    pair = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pair.cert), str(pair.key))
    said: List[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve_once() -> None:
            connection, _ = listening.accept()
            connection.settimeout(10)
            with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as safe:
                said.append(safe.recv(1))

        thread = threading.Thread(target=serve_once)
        thread.start()
        with pytest.raises(SourceError) as caught:
            open_source(f"rtmps://me:secret@127.0.0.1:{listening.getsockname()[1]}/live/a", QUICK).open()
        thread.join()
    assert "secret" not in str(caught.value)
    assert "--tls-ca" in caught.value.remedy
    assert said in ([], [b""])
