"""Who may ask a server, and which server is believed: tokens and certificates."""

from __future__ import annotations

from pathlib import Path

import pytest
from certificates import Pair, needs_openssl, self_signed
from kserve_grpc import grpc_server
from kserve_server import Behaviour, HttpServer
from programs import free_port
from remote_boards import access, opened, safe

from fer_edge.errors import ServerError, ServerRefused, ServerUnreachable


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return self_signed(tmp_path_factory.mktemp("pair"))


@needs_openssl
def test_over_tls_the_server_is_trusted_by_its_certificate_alone(pair: Pair, tmp_path: Path) -> None:
    stranger = self_signed(tmp_path, "stranger")
    with HttpServer(Behaviour(), free_port(), tls=pair) as server:
        opened(safe(server.url, pair.cert)).close()
        for ca in (stranger.cert, None):
            with pytest.raises(ServerRefused, match="not trusted") as told:
                opened(safe(server.url, ca))
            assert told.value.exit_code == 27
        with pytest.raises(ServerError):
            opened(access(server.url.replace("https", "http")))


@needs_openssl
def test_over_tls_a_server_that_wants_a_certificate_gets_one(pair: Pair, tmp_path: Path) -> None:
    board = self_signed(tmp_path, "board")
    with HttpServer(Behaviour(), free_port(), tls=pair, clients=board.cert) as server:
        opened(safe(server.url, pair.cert, board)).close()
        # TLS 1.3 tells the client after its handshake, by an alert or by closing the connection.
        with pytest.raises((ServerRefused, ServerUnreachable)) as told:
            opened(safe(server.url, pair.cert))
        assert "--server-cert" in told.value.remedy


@needs_openssl
def test_grpc_over_tls_trusts_by_the_certificate_alone(pair: Pair, tmp_path: Path, server: HttpServer) -> None:
    pytest.importorskip("tritonclient.grpc")
    port = free_port()
    running = grpc_server(server.network, port, pair)
    try:
        opened(safe(f"grpcs://127.0.0.1:{port}", pair.cert)).close()
        for ca in (self_signed(tmp_path, "stranger").cert, None):
            with pytest.raises(ServerRefused, match="no safe connection"):
                opened(safe(f"grpcs://127.0.0.1:{port}", ca))
    finally:
        running.stop(None).wait()


def test_a_token_that_a_server_repeats_is_in_no_message(server: HttpServer, url: str) -> None:
    token = "open-sesame-" * 20  # longer than what is shown of an answer
    server.behaviour.token, server.behaviour.refusal = "another", f"no such token: {token}"
    with pytest.raises(ServerRefused) as told:
        opened(access(url, token=token))
    assert "no such token: ***" in told.value.message
    assert "open-sesame" not in str(told.value)


def test_the_token_is_shown(server: HttpServer, url: str) -> None:
    server.behaviour.token = "sesame"
    opened(access(url, token="sesame")).close()
    for token, words in (("other", "the token that was given"), ("", "without a token")):
        with pytest.raises(ServerRefused, match=words) as told:
            opened(access(url, token=token))
        assert "sesame" not in str(told.value)
        assert "other" not in str(told.value)
