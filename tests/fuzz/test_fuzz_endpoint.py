"""Requests of any bytes at a real endpoint."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing, suppress
from typing import Iterator, List

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutation import examples, mutated
from waiting import wait_until as eventually

from fer_edge.service.health import HEALTHY, Health
from fer_edge.system.address import Address
from fer_edge.types import Rates
from fer_edge.web import connections
from fer_edge.web.connections import MOST_CONNECTIONS
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.run import WebRun
from fer_edge.web.server import MOST_BYTES


def health() -> Health:
    return Health(HEALTHY, (), 1.0, 2, 0.1, Rates())


@pytest.fixture(scope="module")
def opened() -> Iterator[Endpoint]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", probe.getsockname()[1])
    with Endpoint(address, WebRun(health), "sesame") as endpoint:
        yield endpoint


def ask(address: Address) -> int:
    connection = http.client.HTTPConnection(*address, timeout=30)
    with closing(connection):
        connection.request("GET", "/healthz", headers={"Authorization": "Bearer sesame"})
        return connection.getresponse().status


def send(address: Address, pieces: List[bytes]) -> bytes:
    answer = b""
    with closing(socket.create_connection(address, timeout=30)) as connection, suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
        with suppress(OSError):  # it may have hung up
            connection.shutdown(socket.SHUT_WR)
        while True:
            received = connection.recv(4096)
            if not received:
                break
            answer += received
    return answer


REQUESTS = [
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sesame\r\n\r\n",
    b"HEAD /healthz?verbose HTTP/1.0\r\n\r\n",
    b"POST /healthz HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"GET /healthz\r\n",
    b"GET http://[::1]/healthz HTTP/9.9\nAuthorization: =?utf-8?q?=FF?=\n folded\n\n",
]


@examples(200)
@given(st.one_of(mutated(*REQUESTS), st.binary(max_size=300)), st.lists(st.integers(0, 200), max_size=3))
@example(b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n", [])
@example(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 1000 + b"\r\n", [])
@example(b"G" * 100_000, [])
def test_no_request_brings_it_down_and_only_the_token_opens_it(
    opened: Endpoint, content: bytes, cuts: List[int]
) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    answer = send(opened.address, [content[start:end] for start, end in zip(edges, edges[1:])])
    if b"Bearer sesame" not in content:
        assert b'"status"' not in answer


def test_it_still_answers_after_all_that_and_its_threads_are_gone(opened: Endpoint) -> None:
    for request in [*REQUESTS, b"\0" * 1000] * 10:
        send(opened.address, [request])
    assert ask(opened.address) == 200
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("fer-edge-web") == 1
    eventually(lambda: "fer-edge-web-answer" not in [thread.name for thread in threading.enumerate()])


def test_of_a_flood_of_headers_only_the_start_is_read(opened: Endpoint) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sesame\r\n"
    assert b"200 OK" in send(opened.address, [head + b"X: " + b"y" * 1000 + b"\r\n\r\n"])
    flood = head + (b"X: " + b"y" * 60000 + b"\r\n") * 90
    assert b"status" not in send(opened.address, [flood])
    assert ask(opened.address) == 200
    assert len(head) < MOST_BYTES < 65536


def test_many_half_requests_at_once_hold_nobody_up_for_long(opened: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST_HEAD", 0.3)
    silent = [socket.create_connection(opened.address) for _ in range(3 * MOST_CONNECTIONS)]
    for index, connection in enumerate(silent):
        with suppress(ConnectionError):
            connection.sendall(REQUESTS[0][: index + 1])
    for connection in silent:
        connection.settimeout(30)
        with suppress(ConnectionError):
            while connection.recv(100):
                pass
        connection.close()
    assert ask(opened.address) == 200
