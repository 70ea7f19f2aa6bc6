"""Cameras with a certificate of their own: what is trusted, and how the message says why one is not."""

from __future__ import annotations

import logging
import ssl
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

import pytest
from certificates import Pair, needs_openssl, openssl, self_signed, signed
from http_server import HEAD, part, server
from rtsp_camera import listening, make_certificate, tls_door

from fer_edge.capture.address import CameraAddress, connect
from fer_edge.capture.open import open_source
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.tls import DEFAULTS, TlsSettings, secure
from fer_edge.errors import SourceUnreachable

pytestmark = needs_openssl


@contextmanager
def door(pair: Pair, change: Callable[[ssl.SSLContext], None] = lambda context: None) -> Iterator[str]:
    """Shake hands with whoever comes, and send nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    change(context)
    context.load_cert_chain(str(pair.cert), str(pair.key))

    def handle(connection: object) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:  # type: ignore[arg-type]
                secured.recv(1)
        except OSError:
            pass

    with listening(handle) as place:
        yield place


def shake(place: str, settings: TlsSettings = DEFAULTS) -> str:
    """Begin TLS; give the version that was agreed on."""
    address, never = CameraAddress.parse(f"https://{place}/"), threading.Event()
    deadline = time.monotonic() + 20
    with secure(connect(address, 20, never), address, deadline, never, settings) as secured:
        return secured.version() or ""


def refusal(place: str, settings: TlsSettings = DEFAULTS) -> str:
    with pytest.raises(SourceUnreachable) as caught:
        shake(place, settings)
    return str(caught.value)


def test_a_certificate_that_nobody_vouches_for_is_called_so_with_both_remedies(tmp_path: Path) -> None:
    authority = self_signed(tmp_path, "ca")
    with door(authority) as place:
        said = refusal(place)
    assert "is signed by nobody this machine trusts (self-signed)" in said
    assert "--tls-ca FILE" in said
    assert "--tls-insecure" in said
    with door(signed(tmp_path, authority, "IP:127.0.0.1")) as place:
        assert "is signed by nobody this machine trusts." in refusal(place)


def test_a_certificate_for_another_name_is_told_with_both_names(tmp_path: Path) -> None:
    authority = self_signed(tmp_path, "ca")
    pair = signed(tmp_path, authority, "DNS:cam.local,IP:10.0.0.7")
    with door(pair) as place:
        said = refusal(place, TlsSettings(ca_file=str(authority.cert)))
    assert "its certificate is for cam.local, 10.0.0.7, and the address says 127.0.0.1." in said


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("20200101000000Z", "20210203000000Z", "expired on Feb  3 00:00:00 2021 GMT"),
        ("20900304000000Z", "20991231235959Z", "is not yet valid: it begins on Mar  4 00:00:00 2090 GMT"),
    ],
)
def test_a_certificate_out_of_its_time_is_told_with_the_date(tmp_path: Path, begin: str, end: str, words: str) -> None:
    authority = self_signed(tmp_path, "ca")
    with door(signed(tmp_path, authority, "IP:127.0.0.1", end, begin)) as place:
        said = refusal(place, TlsSettings(ca_file=str(authority.cert)))
    assert words in said
    assert "clock of this machine" in said


@pytest.mark.parametrize("which", ["the camera's own", "its authority's"])
def test_a_camera_is_trusted_whose_certificate_or_authority_is_named(tmp_path: Path, which: str) -> None:
    authority = self_signed(tmp_path, "ca")
    pair = signed(tmp_path, authority, "IP:127.0.0.1")
    with door(pair) as place:
        assert shake(place, TlsSettings(ca_file=str(pair.cert if "own" in which else authority.cert))).startswith("TLS")


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_of_certificates_that_cannot_be_used_is_named(tmp_path: Path, content: object) -> None:
    file = tmp_path / "trust.pem"
    if isinstance(content, bytes):
        file.write_bytes(content)
    with door(self_signed(tmp_path)) as place:
        said = refusal(place, TlsSettings(ca_file=str(file)))
    assert str(file) in said
    assert ("no such file" in said) == (content is None)


def test_old_tls_and_short_keys_are_called_so_and_taken_where_nothing_is_checked(tmp_path: Path) -> None:
    def old(context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with door(self_signed(tmp_path), old) as place:
        assert "older than 1.2" in refusal(place)
        assert shake(place, TlsSettings(verify=False)).startswith("TLSv1")
    short = Pair(tmp_path / "short.pem", tmp_path / "short.key")
    names = ("-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1")
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", *names, "-keyout", short.key, "-out", short.cert)
    with door(short, lambda context: context.set_ciphers("ALL:@SECLEVEL=0")) as place:
        assert "too weak" in refusal(place, TlsSettings(ca_file=str(short.cert)))
        assert shake(place, TlsSettings(verify=False))


def test_a_port_without_tls_is_called_so() -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")) as plain:
        assert "there is no TLS on this port" in refusal(plain)


@pytest.mark.parametrize("way", ["tls_ca", "tls_insecure"])
def test_a_web_camera_is_read_as_its_settings_say_with_one_warning_where_nobody_checks(
    tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = make_certificate(tmp_path, "IP:127.0.0.1" if way == "tls_ca" else "DNS:other")
    settings = CaptureSettings(tls_ca=str(certificate)) if way == "tls_ca" else CaptureSettings(tls_insecure=True)

    def answer(head: str, send: Callable[[bytes], None], ending: threading.Event) -> None:
        send(HEAD + part(10) + part(20))
        ending.wait(20)

    with caplog.at_level(logging.WARNING), server(answer) as plain, tls_door(plain, certificate) as place, open_source(
        f"https://me:secret@{place}/", settings
    ) as source:
        assert source.grab()
    warned = [record.getMessage() for record in caplog.records if "nobody checks" in record.getMessage()]
    assert len(warned) == (way == "tls_insecure")
    assert all(place in line and "secret" not in line.replace("tls_insecure", "") for line in warned)
