"""What is told at the start of a server that is away, slow or wrong."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from kserve_server import HttpServer
from programs import free_port
from remote_boards import EACH_FAULT, FAULTS, PATIENT, Fault, access, change, opened, speaking

from fer_edge.classify.remote.access import LOCAL, NONE, context_for
from fer_edge.errors import ServerGarbled, ServerUnfit, ServerUnreachable


@pytest.mark.parametrize(("url", "fault"), EACH_FAULT, indirect=["url"])
@pytest.mark.parametrize("fallback", [LOCAL, NONE])
def test_a_fault_at_the_start_is_named(server: HttpServer, url: str, fault: str, fallback: str) -> None:
    break_it, error, _ = FAULTS[fault]
    break_it(server.behaviour)
    with pytest.raises(error) as told:
        opened(access(url, fallback=fallback, deadline=0.3 if fault == "slow" else PATIENT))
    assert url in told.value.message
    assert told.value.remedy


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (change(labels=8), "FP32"),
        (change(sha256="f" * 64), "another file"),
    ],
)
def test_another_network_is_refused(server: HttpServer, url: str, wrong: Fault, words: str) -> None:
    wrong(server.behaviour)
    with pytest.raises(ServerUnfit, match=words):
        opened(access(url))


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_at_the_address_is_named(scheme: str) -> None:
    if scheme == "grpc":
        pytest.importorskip("tritonclient.grpc")
    with pytest.raises(ServerUnreachable, match="cannot be reached"):
        opened(access(f"{scheme}://127.0.0.1:{free_port()}"))


@pytest.mark.parametrize("scheme", ["http", "https", "grpc"])
def test_a_server_that_accepts_and_says_nothing_is_late(scheme: str) -> None:
    if scheme == "grpc":
        pytest.importorskip("tritonclient.grpc")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        asked = access(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}", deadline=0.3)
        asked = replace(asked, tls=context_for(asked.address, asked.files))
        with pytest.raises(ServerUnreachable, match="in time") as told:
            opened(asked)
        assert told.value.exit_code == 26


@pytest.mark.parametrize(
    "says",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n" + b"x" * (1 << 21),
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
        b"\xff" * 70000,
    ],
)
def test_what_is_not_the_protocol_is_garbled(says: bytes) -> None:
    with speaking(says) as port, pytest.raises(ServerGarbled) as told:
        opened(access(f"http://127.0.0.1:{port}"))
    assert told.value.exit_code == 29
