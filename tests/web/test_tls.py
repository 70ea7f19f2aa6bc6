"""HTTPS at the endpoint and in ``fer-edge health``, with certificates that openssl made."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing, suppress
from http.client import HTTPSConnection
from pathlib import Path
from typing import List, Optional, Tuple

import pytest
from certificates import Pair, needs_openssl, openssl, self_signed, signed
from half_open import BEGINNING, HalfOpen
from programs import ROOT, eventually

from fer_edge.cli import health as health_command
from fer_edge.cli.main import main
from fer_edge.errors import NotHealthy, SettingsError
from fer_edge.service.health import Health
from fer_edge.system.address import Address
from fer_edge.types import Rates
from fer_edge.web import connections
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.run import WebRun
from fer_edge.web.tls import client_context, server_context

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("stranger"))


def free_address() -> Address:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


def healthy() -> Health:
    return Health("healthy", (), 1.0, 2, 0.1, Rates())


def endpoint(pair: Pair, address: Optional[Address] = None) -> Endpoint:
    return Endpoint(
        address or free_address(), WebRun(healthy), "sesame", tls=server_context(str(pair.cert), str(pair.key))
    )


def ask(address: Address, context: ssl.SSLContext) -> int:
    with closing(HTTPSConnection(*address, timeout=30, context=context)) as connection:
        connection.request("GET", "/healthz", headers={"Authorization": "Bearer sesame"})
        return connection.getresponse().status


def test_it_answers_over_tls_and_not_in_clear(pair: Pair) -> None:
    context = client_context(str(pair.cert))
    with endpoint(pair) as opened:
        assert ask(opened.address, context) == 200
        with closing(socket.create_connection(opened.address)) as clear:
            clear.settimeout(30)
            clear.sendall(b"GET /healthz HTTP/1.0\r\nAuthorization: Bearer sesame\r\n\r\n")
            said = b""
            with suppress(ConnectionResetError):
                said = clear.recv(1000)
            assert b"HTTP" not in said
        assert ask(opened.address, context) == 200


def test_old_versions_of_the_protocol_are_refused(pair: Pair) -> None:
    context = client_context(only=str(pair.cert))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons know that it is old
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with endpoint(pair) as opened, pytest.raises(ssl.SSLError, match="(?i)protocol|version|alert"):
        ask(opened.address, context)
    assert server_context(str(pair.cert), str(pair.key)).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_handshake_that_does_not_go_on_holds_nobody_up_and_is_cut(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LONGEST_HEAD", 1.0)
    context = client_context(only=str(pair.cert))
    with endpoint(pair) as opened:
        server = opened._server
        assert server is not None
        with closing(socket.create_connection(opened.address)) as silent:
            eventually(lambda: len(server.connections), "a connection")
            assert ask(opened.address, context) == 200
            silent.settimeout(30)
            assert silent.recv(1) == b""
        eventually(lambda: not len(server.connections), "the end of all connections")


@pytest.mark.parametrize("beginning", [b"", BEGINNING, b"\x16\x03\x01\x02\x00\x01"])
def test_half_open_connections_keep_nobody_from_being_answered_over_tls(
    pair: Pair, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 32)
    context = client_context(only=str(pair.cert))
    with endpoint(pair) as opened, HalfOpen(f"https://{opened.address}", 40, "127.0.0.1", beginning) as attack:
        for _ in range(8):
            assert ask(opened.address, context) == 200
        eventually(lambda: attack.thrown_out > 20, "an attack")


def refused(cert: object, key: object, *words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        server_context(str(cert), str(key) if key else "")
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


def test_what_will_not_do_as_a_certificate_is_named_with_a_remedy(pair: Pair, stranger: Pair, tmp_path: Path) -> None:
    text, folder, pipe, broken = tmp_path / "text", tmp_path / "folder", tmp_path / "pipe", tmp_path / "broken"
    text.write_text("nothing")
    folder.mkdir()
    os.mkfifo(pipe)
    broken.write_text(pair.cert.read_text()[:200] + "\n-----END CERTIFICATE-----\n")
    refused(tmp_path / "no", pair.key, f"no certificate '{tmp_path}/no'")
    refused(pair.cert, tmp_path / "no", f"no private key '{tmp_path}/no'")
    for place in (folder, pipe):
        refused(place, pair.key, str(place), "no ordinary file")
        refused(pair.cert, place, str(place), "no ordinary file")
    refused(text, pair.key, str(text), "no certificate")
    refused(pair.cert, text, str(text), "no private key")
    refused(pair.cert, None, str(pair.cert), "no private key")
    refused(broken, pair.key, str(broken), "of no use")
    refused(pair.key, pair.key, str(pair.key), "no certificate")
    refused(pair.cert, stranger.key, str(stranger.key), "is not that of the certificate")
    refused("", pair.key, str(pair.key), "tls_cert")


def test_a_key_may_stand_in_the_file_of_the_certificate(pair: Pair, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(pair.key.read_text() + pair.cert.read_text())
    server_context(str(both), "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_that_this_user_may_not_read_is_named(pair: Pair, tmp_path: Path) -> None:
    closed = tmp_path / "closed.key"
    closed.write_text(pair.key.read_text())
    closed.chmod(0)
    refused(pair.cert, closed, str(closed), "may not be read", "chgrp")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_key_that_everybody_can_read_is_taken_with_one_warning(
    mode: int, warned: bool, pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = tmp_path / "tls.key"
    key.write_bytes(pair.key.read_bytes())
    key.chmod(mode)
    server_context(str(pair.cert), str(key))
    told = [record for record in caplog.records if getattr(record, "event", "") == "tls_key_not_safe"]
    assert [str(key) in record.getMessage() for record in told] == [True] * warned


@pytest.mark.parametrize("form", ["pkcs8", "traditional"])
def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_a_passphrase(
    pair: Pair, tmp_path: Path, form: str
) -> None:
    key = tmp_path / "encrypted.key"
    if form == "pkcs8":
        openssl("pkey", "-in", pair.key, "-aes256", "-passout", "pass:word", "-out", key)
    else:
        openssl("ec", "-in", pair.key, "-aes256", "-passout", "pass:word", "-out", key)
    arguments = ["--tls-cert", str(pair.cert), "--tls-key", str(key), "--listen", "8650", "--camera", "demo"]
    command = [sys.executable, "-m", "fer_edge", "--display", "none", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert "is encrypted" in done.stderr
    assert "pass phrase" not in done.stderr


def test_a_certificate_that_has_expired_is_refused_and_one_that_is_not_valid_yet_is_not(
    pair: Pair, tmp_path: Path
) -> None:
    for name in ("old", "new", "now"):
        (tmp_path / name).mkdir()
    old = signed(tmp_path / "old", pair, "DNS:nano", end="20200601000000Z")
    refused(*old, str(old.cert), "has expired")
    # A board without a clock of its own may wake up in the past.
    server_context(*map(str, signed(tmp_path / "new", pair, "DNS:nano", begin="20980101000000Z")))
    server_context(*map(str, signed(tmp_path / "now", pair, "DNS:nano")))


def test_the_place_of_the_setting_is_named(pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "fer-edge.toml"
    file.write_text(
        f'camera = "demo"\ndisplay = "none"\nlisten = 8650\ntls_cert = "{pair.cert}"\ntls-key = "{tmp_path}/no"\n'
    )
    with pytest.raises(SettingsError, match=r"fer-edge\.toml, line 4: There is no private key"):
        main(["--config", str(file)])
    with pytest.raises(SettingsError, match=r"no/such\.pem'") as caught:
        main(["health", "--listen", "8650", "--tls-cert", "no/such.pem"])
    assert caught.value.exit_code == 3


def health(address: Address, *arguments: str) -> int:
    return main(["health", "--listen", str(address), *arguments])


class Listener:
    """Takes what a client says after the handshake, if it says anything."""

    def __init__(self, pair: Pair) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(pair.cert), str(pair.key))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = Address(*self._server.getsockname()[:2])
        self.said = b""
        self._context = context
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        connection, _ = self._server.accept()
        with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as wrapped:
            self.said = wrapped.recv(1000)

    def end(self) -> bytes:
        self._thread.join(60)
        self._server.close()
        return self.said


def test_health_asks_whom_it_knows_and_tells_nobody_else_the_token(
    pair: Pair, stranger: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FER_EDGE_TOKEN", "sesame")
    with endpoint(pair) as opened:
        assert health(opened.address, "--tls-cert", str(pair.cert)) == 0
        assert health(opened.address, "--tls-ca", str(pair.cert)) == 0
        assert capsys.readouterr().out.count("healthy; ") == 2
        file = tmp_path / "fer-edge.toml"
        file.write_text(f'listen = "{opened.address}"\ntls_cert = "{pair.cert}"\ntls_key = "{pair.key}"\n')
        assert main(["health", "--config", str(file)]) == 0
    for option in ("--tls-cert", "--tls-ca"):
        listener = Listener(stranger)
        with pytest.raises(NotHealthy, match="it shows another certificate than the one that was named") as caught:
            health(listener.address, option, str(pair.cert))
        assert "--tls-ca" in caught.value.remedy
        assert "_ssl.c" not in str(caught.value)
        assert listener.end() == b""


def test_a_name_that_is_not_the_certificates_is_not_told_the_token_though_its_authority_is_trusted(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FER_EDGE_TOKEN", "sesame")
    for names, known in (("IP:127.0.0.1", True), ("DNS:elsewhere", False)):
        folder = tmp_path / names[:3]
        folder.mkdir()
        listener = Listener(signed(folder, pair, names))
        with pytest.raises(NotHealthy, match="no answer|not answer" if known else "is one for other names"):
            health(listener.address, "--tls-ca", str(pair.cert))
        assert (b"Bearer sesame" in listener.end()) is known


def test_an_encrypted_question_is_not_repeated_in_clear(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FER_EDGE_TOKEN", "sesame")
    opened = Endpoint(free_address(), WebRun(healthy), "sesame")
    with opened, pytest.raises(NotHealthy, match="it does not answer by HTTPS") as caught:
        health(opened.address, "--tls-cert", str(pair.cert))
    assert "ask without --tls-cert" in caught.value.remedy


def test_a_certificate_whose_days_are_over_is_told_as_such_by_who_asks(pair: Pair, tmp_path: Path) -> None:
    for name, dates, state in (
        ("old", ("20200102000000Z", "20200101000000Z"), "has expired"),
        ("new", ("20991231235959Z", "20990101000000Z"), "is not valid yet"),
    ):
        (tmp_path / name).mkdir()
        listener = Listener(signed(tmp_path / name, pair, "IP:127.0.0.1", *dates))
        with pytest.raises(NotHealthy, match=f"the certificate that it shows {state}"):
            health(listener.address, "--tls-ca", str(pair.cert))
        assert listener.end() == b""


@pytest.mark.parametrize(
    ("peer", "own", "here"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("192.0.2.2", "192.0.2.2", True),
        ("192.0.2.3", "192.0.2.2", False),
    ],
)
def test_the_token_goes_in_clear_to_this_machine_only(
    monkeypatch: pytest.MonkeyPatch, peer: str, own: str, here: bool
) -> None:
    class Connected:
        def getpeername(self) -> Tuple[str, int]:
            return peer, 8650

        def getsockname(self) -> Tuple[str, int]:
            return own, 40000

    real = health_command._here
    monkeypatch.setattr(health_command, "_here", lambda _: real(Connected()))  # type: ignore[arg-type]
    monkeypatch.setenv("FER_EDGE_TOKEN", "sesame")
    said: List[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def listen() -> None:
            connection, _ = server.accept()
            with connection:
                said.append(connection.recv(1000))

        thread = threading.Thread(target=listen)
        thread.start()
        with pytest.raises(NotHealthy, match="no answer" if here else "not sent to another machine in clear") as caught:
            health(Address(*server.getsockname()[:2]))
        thread.join()
    assert (b"sesame" in said[0]) is here
    assert "--tls-cert" in caught.value.remedy


def test_the_program_warns_once_when_the_token_travels_in_clear(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    with Endpoint(Address("0.0.0.0", free_address().port), WebRun(healthy), "sesame"):
        pass
    assert [record.levelname for record in caplog.records if "learns the token" in record.getMessage()] == ["WARNING"]
    caplog.clear()
    with endpoint(pair, Address("0.0.0.0", free_address().port)), Endpoint(free_address(), WebRun(healthy), "sesame"):
        pass
    assert "learns the token" not in caplog.text
    assert "health at https://0.0.0.0:" in caplog.text


def test_the_running_program_answers_over_tls(pair: Pair) -> None:
    address = free_address()
    environment = {**os.environ, "FER_EDGE_TLS_CERT": str(pair.cert), "FER_EDGE_TLS_KEY": str(pair.key)}
    arguments = ["--camera", "demo", "--display", "none", "--listen", str(address)]
    run = subprocess.Popen(
        [sys.executable, "-m", "fer_edge", *arguments], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    try:

        def answered() -> bool:
            assert run.poll() is None
            with suppress(NotHealthy):
                return health(address, "--tls-cert", str(pair.cert)) == 0
            return False

        eventually(answered, "healthy")
    finally:
        run.terminate()
        _, log = run.communicate(timeout=60)
    assert run.returncode == 0, log


BEGINNINGS = {"head": b"HTTP/1.0 ", "body": b"HTTP/1.0 200 OK\r\n\r\n", "continue": b"HTTP/1.0 100 Continue\r\n\r\n"}


@pytest.mark.parametrize("what", list(BEGINNINGS))
def test_a_server_that_sends_byte_after_byte_is_not_waited_for(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_command, "TIMEOUT", 1.0)
    over = threading.Event()

    def trickle() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(BEGINNINGS[what])
            while not over.wait(0.05):
                connection.sendall(b"HTTP/1.0 100 Continue\r\n\r\n" if what == "continue" else b"2")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=trickle)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(NotHealthy, match=r"no answer within 1 s"):
            health(Address(*server.getsockname()[:2]))
        assert time.monotonic() - begun < 30
        assert not over.is_set()
        over.set()
        thread.join()
