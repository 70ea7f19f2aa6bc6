"""The endpoint over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import closing, suppress
from typing import Dict, Iterator, List, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.errors import EndpointUnavailable, UsageError
from fer_edge.service import endpoint as module
from fer_edge.service.address import Address, parse_address
from fer_edge.service.endpoint import MOST_CONNECTIONS, Endpoint
from fer_edge.service.health import DEGRADED, DOWN, HEALTHY, Health
from fer_edge.types import Rates


def free_address() -> Address:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


class Run:
    """What the endpoint is asked about."""

    status = HEALTHY

    def health(self) -> Health:
        return Health(self.status, (), 1.0, 2, 0.1, Rates())


@pytest.fixture
def run() -> Run:
    return Run()


@pytest.fixture
def address(run: Run) -> Iterator[Address]:
    with Endpoint(free_address(), run.health) as opened:
        yield opened.address


def ask(
    address: Address, path: str, method: str = "GET", headers: Optional[Dict[str, str]] = None
) -> Tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=5)
    with closing(connection):
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()


@pytest.mark.parametrize(("status", "code"), [(HEALTHY, 200), (DEGRADED, 200), (DOWN, 503)])
def test_the_code_tells_a_watcher_what_the_body_tells_a_person(
    run: Run, address: Address, status: str, code: int
) -> None:
    run.status = status
    got, body = ask(address, "/healthz?verbose")
    assert got == code
    assert json.loads(body)["status"] == status
    assert ask(address, "/healthz", "HEAD") == (code, b"")


def test_what_is_not_there_is_not_found_and_nothing_can_be_posted(address: Address) -> None:
    assert ask(address, "/")[0] == 404
    assert ask(address, "/../etc/passwd")[0] == 404
    assert ask(address, "/healthz", "POST")[0] == 501


def test_with_a_token_only_those_who_send_it_are_answered(run: Run) -> None:
    with Endpoint(free_address(), run.health, "sesame") as opened:
        assert ask(opened.address, "/healthz")[0] == 401
        assert ask(opened.address, "/healthz", headers={"Authorization": "Bearer sesam"})[0] == 401
        assert ask(opened.address, "/healthz", headers={"Authorization": "Bearer \xfc"})[0] == 401
        assert ask(opened.address, "/healthz", headers={"Authorization": "Bearer sesame"})[0] == 200


def test_others_are_not_listened_to_without_a_token() -> None:
    with pytest.raises(UsageError, match="FER_EDGE_TOKEN"):
        Endpoint(Address("0.0.0.0", 8650), Run().health)


def test_a_taken_port_is_named(address: Address) -> None:
    with pytest.raises(EndpointUnavailable, match=f"{address.port}: Address already in use"):
        Endpoint(address, Run().health).open()


def test_a_closed_endpoint_can_be_opened_again_at_once(run: Run) -> None:
    place = free_address()
    for _ in range(3):
        with Endpoint(place, run.health):
            assert ask(place, "/healthz")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        ask(place, "/healthz")


def test_peers_that_open_connections_and_say_nothing_hold_nobody_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_CONNECTION", 0.3)
    place = free_address()
    begun = time.monotonic()
    with Endpoint(place, run.health):
        silent = [socket.create_connection(place) for _ in range(MOST_CONNECTIONS + 4)]
        silent[0].sendall(b"GET /healthz HT")
        for connection in silent:
            connection.settimeout(10)
            assert connection.recv(1) == b""
            connection.close()
        answers: List[int] = []
        while not answers and time.monotonic() < begun + 30:
            with suppress(OSError, http.client.HTTPException):  # the threads of those that were cut may still be ending
                answers.append(ask(place, "/healthz")[0])
        assert answers == [200]
        last = socket.create_connection(place)
    with closing(last), suppress(ConnectionResetError):  # it may not have been accepted yet
        assert last.recv(1) == b""
    assert time.monotonic() - begun < 30


def test_nothing_is_kept_of_an_answered_request_neither_here_nor_by_the_standard_library(run: Run) -> None:
    with Endpoint(free_address(), run.health) as opened:
        server = opened._server
        assert server is not None
        for _ in range(MOST_CONNECTIONS + 4):
            assert ask(opened.address, "/healthz")[0] == 200
        # Where ThreadingMixIn keeps the threads that it would wait for; old Pythons never forget one.
        assert not vars(server).get("_threads")
        until = time.monotonic() + 30
        while (server._at_work or server._since) and time.monotonic() < until:
            time.sleep(0.01)
        assert (server._at_work, server._since) == (set(), {})


def test_closing_waits_for_an_answer_that_is_being_given(run: Run) -> None:
    asked, answer, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Health:
        asked.set()
        answer.wait(30)
        ended.set()
        return run.health()

    endpoint = Endpoint(free_address(), slow)
    endpoint.open()
    with closing(socket.create_connection(endpoint.address)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert asked.wait(30)
        threading.Timer(0.3, answer.set).start()
        endpoint.close()
    assert ended.is_set()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_request_brings_it_down(request_bytes: bytes) -> None:
    with Endpoint(free_address(), Run().health) as opened:
        with closing(socket.create_connection(opened.address)) as connection:
            connection.sendall(request_bytes)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            while connection.recv(4096):
                pass
        assert ask(opened.address, "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("text", "address", "local"),
    [
        ("8650", Address("127.0.0.1", 8650), True),
        (":8650", Address("127.0.0.1", 8650), True),
        ("localhost:1", Address("localhost", 1), True),
        ("[::1]:65535", Address("::1", 65535), True),
        ("0.0.0.0:8650", Address("0.0.0.0", 8650), False),
        ("[::]:8650", Address("::", 8650), False),
        ("nano.local:8650", Address("nano.local", 8650), False),
    ],
)
def test_an_address_is_read_and_known_for_local_or_not(text: str, address: Address, local: bool) -> None:
    assert parse_address(text) == address
    assert address.local is local
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "::1:80", "a:-1", "a:٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it must be|IPv6"):
        parse_address(text)
