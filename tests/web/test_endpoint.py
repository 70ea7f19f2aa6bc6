"""The endpoint over real sockets."""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest
from half_open import BEGINNING, HalfOpen
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import ROOT, eventually

from fer_edge.errors import EndpointUnavailable, UsageError
from fer_edge.service.health import DEGRADED, DOWN, HEALTHY, Health
from fer_edge.system.address import Address, parse_address
from fer_edge.types import Rates
from fer_edge.version import __version__
from fer_edge.web import connections
from fer_edge.web.connections import MOST_CONNECTIONS, Connection, Connections
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.run import WebRun
from fer_edge.web.server import BACK_OFF, MOST_BYTES, Server

WITH_TOKEN = {"Authorization": "Bearer sesame"}


def free_address() -> Address:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


def endpoint(
    address: Address,
    health: Callable[[], Health],
    token: str = "",
    metrics: Optional[Callable[[], Tuple[str, bytes]]] = None,
) -> Endpoint:
    return Endpoint(address, WebRun(health, metrics), token)


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
    with endpoint(free_address(), run.health) as opened:
        yield opened.address


def ask(
    address: Address,
    path: str,
    method: str = "GET",
    headers: Optional[Dict[str, str]] = None,
    timeout: float = 30.0,
) -> Tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=timeout)
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
    assert ask(address, "/nothing")[0] == 404
    assert ask(address, "/../etc/passwd")[0] == 404
    assert ask(address, "/static/../endpoint.py")[0] == 404
    status, body = ask(address, "/healthz", "POST")
    assert status == 405
    assert json.loads(body)["remedy"]


def test_with_a_token_only_those_who_send_it_are_answered(run: Run) -> None:
    with endpoint(free_address(), run.health, "sesame") as opened:
        assert ask(opened.address, "/healthz")[0] == 401
        assert ask(opened.address, "/healthz", headers={"Authorization": "Bearer sesam"})[0] == 401
        assert ask(opened.address, "/healthz", headers={"Authorization": "Bearer \xfc"})[0] == 401
        assert ask(opened.address, "/healthz", headers={"Authorization": "Bearer sesame"})[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [HEALTHY, DOWN])
def test_without_the_token_nobody_learns_anything(run: Run, method: str, status: str) -> None:
    run.status = status
    told = []
    with endpoint(free_address(), run.health, "sesame", metrics=lambda: ("text/plain", b"x" * 100)) as opened:
        for path in ("/healthz", "/metrics", "/nothing"):
            for sent in (
                {},
                {"Authorization": "Bearer"},
                {"Authorization": "Basic sesame"},
                {"Authorization": "sesame"},
            ):
                with closing(http.client.HTTPConnection(*opened.address, timeout=30)) as connection:
                    connection.request(method, path, headers=sent)
                    answer = connection.getresponse()
                    assert answer.status == 401
                    kept = [(name.lower(), value) for name, value in answer.getheaders()]
                    kept = [(name, value) for name, value in kept if name != "date"]
                    told.append((kept, answer.read()))
        assert ask(opened.address, "/metrics", method, WITH_TOKEN)[0] == 200
    assert told.count(told[0]) == len(told)
    assert ("www-authenticate", "Bearer") in told[0][0]
    assert __version__ not in str(told[0])


def test_who_does_not_know_the_token_does_not_learn_what_methods_there_are(run: Run) -> None:
    with endpoint(free_address(), run.health, "sesame") as opened:
        for method in ("POST", "DELETE", "GET"):
            assert ask(opened.address, "/nothing", method)[0] == 401
        assert ask(opened.address, "/healthz", "POST", WITH_TOKEN)[0] == 405


def test_what_is_no_request_is_told_so_and_nothing_of_it_is_said_again(address: Address) -> None:
    for request in (
        b"GET /healthz\r\n\r\n",
        b"GET <owned> x\r\n\r\n",
        b"\x16\x03\x01<owned>",
        b"GET / x\0\n\n",
    ):
        with closing(socket.create_connection(address)) as connection:
            connection.settimeout(30)
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"owned" not in answer


def test_others_are_not_listened_to_without_a_token() -> None:
    with pytest.raises(UsageError, match="FER_EDGE_TOKEN"):
        endpoint(Address("0.0.0.0", 8650), Run().health)


def test_a_taken_port_is_named(address: Address) -> None:
    with pytest.raises(EndpointUnavailable, match=f"{address.port}: Address already in use"):
        endpoint(address, Run().health).open()


def test_a_closed_endpoint_can_be_opened_again_at_once(run: Run) -> None:
    place = free_address()
    for _ in range(3):
        with endpoint(place, run.health):
            assert ask(place, "/healthz")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        ask(place, "/healthz")


def own_address() -> str:
    """Give an address of this machine that is none of its own alone; nothing is sent."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine is in no network")
        return str(probe.getsockname()[0])


@pytest.mark.parametrize("beginning", [b"", BEGINNING, b"G"])
@pytest.mark.parametrize("where", ["loopback", "network"])
def test_half_open_connections_that_come_again_keep_nobody_from_being_answered(
    run: Run, where: str, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, few in (("MOST_CONNECTIONS", 32), ("MOST_FROM_ELSEWHERE", 24), ("MOST_OF_A_PEER", 8)):
        monkeypatch.setattr(connections, name, few)  # as the attack is in this process, and slows it down
    source = "127.0.0.1" if where == "loopback" else own_address()
    port = free_address().port
    with endpoint(Address("0.0.0.0", port), run.health, "sesame") as opened:
        server = opened._server
        assert server is not None
        with HalfOpen(f"http://{source}:{port}", 40, source, beginning) as attack:
            asked = 0
            while asked < 10 or attack.thrown_out < 30:
                status, _ = ask(Address("127.0.0.1", port), "/healthz", headers=WITH_TOKEN, timeout=30)
                assert status == 200
                assert len(server.connections) <= 32
                asked += 1
            assert attack.opened > 70


def nothing_is_open(server: Server) -> bool:
    return not len(server.connections) and not server._uvicorn.server_state.connections


def test_peers_that_say_nothing_are_cut_and_leave_nothing_behind(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST_HEAD", 0.3)
    place = free_address()
    with endpoint(place, run.health) as opened:
        server = opened._server
        assert server is not None
        silent = [socket.create_connection(place) for _ in range(MOST_CONNECTIONS + 4)]
        silent[0].sendall(b"GET /healthz HT")
        for connection in silent:
            connection.settimeout(30)
            assert connection.recv(1) == b""
            connection.close()
        eventually(lambda: nothing_is_open(server), "the end of the threads")
        assert ask(place, "/healthz")[0] == 200
        last = socket.create_connection(place)
    last.settimeout(30)
    with closing(last), suppress(ConnectionResetError):  # it may not have been accepted yet
        assert last.recv(1) == b""


def test_a_peer_that_does_not_take_its_answer_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LONGEST_CONNECTION", 0.3)
    monkeypatch.setattr(connections, "LONGEST_HEAD", 0.3)

    def endless() -> Tuple[str, bytes]:
        return "text/plain", bytes(50_000_000)

    with endpoint(free_address(), run.health, metrics=endless) as opened:
        server = opened._server
        assert server is not None
        with closing(socket.create_connection(opened.address)) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            eventually(lambda: len(server.connections), "a connection")
            eventually(lambda: nothing_is_open(server), "its end")


def test_no_more_than_so_many_are_answered_at_a_time_and_further_ones_are_closed_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer, heads, ask_for = threading.Semaphore(0), threading.Event(), threading.Semaphore(0), Connections.ask

    def counted(connections: Connections, entry: Connection) -> None:
        ask_for(connections, entry)
        heads.release()

    monkeypatch.setattr(Connections, "ask", counted)

    def slow() -> Health:
        asked.release()
        answer.wait(60)
        return run.health()

    with endpoint(free_address(), slow) as opened:
        waiting = [socket.create_connection(opened.address) for _ in range(MOST_CONNECTIONS)]
        for connection in waiting:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        for _ in waiting:
            assert heads.acquire(timeout=60)
        assert asked.acquire(timeout=60)
        with closing(socket.create_connection(opened.address)) as further:
            further.settimeout(30)
            with suppress(ConnectionError):
                further.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                assert further.recv(1) == b""
        assert not asked.acquire(blocking=False), "one question is put for all who wait"
        answer.set()
        for connection in waiting:
            connection.settimeout(30)
            assert connection.recv(12) == b"HTTP/1.1 200"
            connection.close()


def test_of_a_request_no_more_than_so_many_bytes_are_read(address: Address) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * (MOST_BYTES // 1000 + 1)
    # The second one has no end, and none is waited for.
    for request, code in ((head[: MOST_BYTES - 500] + b"\r\n\r\n", b"200"), (head + b"Y" * MOST_BYTES, b"400")):
        with closing(socket.create_connection(address)) as connection:
            connection.settimeout(30)
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 " + code


def test_without_free_descriptors_it_waits_instead_of_trying_without_end(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: List[float] = []
    accept = Server._take

    def exhausted(server: Server) -> Any:
        if len(tries) < 5:
            tries.append(time.monotonic())
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(server)

    monkeypatch.setattr(Server, "_take", exhausted)
    with endpoint(free_address(), run.health) as opened:
        assert ask(opened.address, "/healthz", timeout=60)[0] == 200
    assert tries[-1] - tries[0] >= 4 * BACK_OFF
    assert len([record for record in caplog.records if "Too many open files" in record.getMessage()]) == 1


def test_at_the_limit_of_descriptors_it_costs_no_time_and_answers_again_afterwards() -> None:
    program = (
        "import os, resource, socket, sys, time\n"
        "from fer_edge.system.address import Address\n"
        "from fer_edge.web.endpoint import Endpoint\n"
        "from fer_edge.service.health import Health\n"
        "from fer_edge.types import Rates\n"
        "from fer_edge.web.run import WebRun\n"
        "address = Address('127.0.0.1', int(sys.argv[1]))\n"
        "with Endpoint(address, WebRun(lambda: Health('healthy', (), 1.0, 2, 0.1, Rates()))):\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "    client = socket.socket()\n"
        "    taken = []\n"
        "    try:\n"
        "        while True:\n"
        "            taken.append(os.dup(0))\n"
        "    except OSError:\n"
        "        pass\n"
        "    client.connect(address)\n"
        "    client.sendall(b'GET /healthz HTTP/1.0\\r\\n\\r\\n')\n"
        "    before = time.process_time()\n"
        "    time.sleep(2)\n"
        "    used = time.process_time() - before\n"
        "    for descriptor in taken:\n"
        "        os.close(descriptor)\n"
        "    client.settimeout(60)\n"
        "    assert client.recv(12) == b'HTTP/1.1 200'\n"
        "    print(used)\n"
    )
    command = [sys.executable, "-c", program, str(free_address().port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    # Of its own processor time, whatever else the machine does: a loop without a pause takes all of the two seconds.
    assert float(done.stdout) < 0.7


def test_nothing_is_kept_of_an_answered_request(run: Run) -> None:
    with endpoint(free_address(), run.health) as opened:
        server = opened._server
        assert server is not None
        for _ in range(40):
            assert ask(opened.address, "/healthz")[0] == 200
        eventually(lambda: nothing_is_open(server), "the end of the threads")


def test_closing_waits_for_an_answer_that_is_being_given(run: Run) -> None:
    asked, answer, ended = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Health:
        asked.set()
        answer.wait(30)
        ended.set()
        return run.health()

    opened = endpoint(free_address(), slow)
    opened.open()
    with closing(socket.create_connection(opened.address)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert asked.wait(30)
        threading.Timer(0.3, answer.set).start()
        opened.close()
    assert ended.is_set()


def test_no_request_brings_it_down(address: Address) -> None:
    @settings(deadline=None)
    @given(st.binary(max_size=200))
    def send(request: bytes) -> None:
        with closing(socket.create_connection(address)) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(60)
            while connection.recv(4096):
                pass
        assert ask(address, "/healthz")[0] == 200

    send()


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
        ("küche.local:8650", Address("küche.local", 8650), False),
        ("[fe80::1%eth0]:8650", Address("fe80::1%eth0", 8650), False),
    ],
)
def test_an_address_is_read_and_known_for_local_or_not(text: str, address: Address, local: bool) -> None:
    assert parse_address(text) == address
    assert address.local is local
    assert parse_address(str(address)) == address


NO_ADDRESSES = [
    *("", "localhost", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "::1:80", "a:-1", "a:+80", "a: 80", "a:80 ", "a:8_0"),
    *("a:٣", "٣", "8٦50", "a:" + "9" * 5000, "a..b:80", ".a:80", "-a:80", "a" * 64 + ".b:80", "\ud800:80", "a b:80"),
    *("[]:80", "[a..b]:80", "[127.0.0.1]:80", "[::1%]:80", "[::1%a b]:80", "[::1%\x1b]:80", "[::1:80", "::1]:80"),
    *("user@host:80", "http://host:80", "host/path:80", "a\nb:80", "a\x1b[31m:80", "*:80", "a%eth0:80", "\xad:80"),
]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it must be|IPv6|a host is"):
        parse_address(text)


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=8))
def test_whatever_is_given_is_an_address_or_refused(host: str, port: str) -> None:
    with suppress(ValueError):
        address = parse_address(f"{host}:{port}")
        assert str(address).isprintable()
        assert parse_address(str(address)) == address


@pytest.mark.parametrize("host", ["1.2.3.4.5", "no.such.host.invalid", "[fe80::1%nosuch]", "192.0.2.77"])
def test_an_address_that_is_none_of_this_machine_is_named(host: str) -> None:
    with pytest.raises(EndpointUnavailable, match="Cannot listen on"):
        endpoint(parse_address(f"{host}:8650"), Run().health, "sesame").open()


@pytest.mark.parametrize(
    ("host", "remedy"),
    [("192.0.2.77", "ip -brief address"), ("no.such.host.invalid", "a name that it knows"), ("127.0.0.1", "ss -ltnp")],
)
def test_the_remedy_is_one_for_what_keeps_it_from_listening(host: str, remedy: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = Address(host, taken.getsockname()[1])
        with pytest.raises(EndpointUnavailable) as caught:
            endpoint(address, Run().health, "sesame").open()
    assert remedy in caught.value.remedy
    assert ("ss -ltnp" in caught.value.remedy) is (host == "127.0.0.1")


def test_a_port_that_takes_a_right_is_told_as_such() -> None:
    root = os.geteuid() == 0
    if Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip() == "0":
        pytest.skip("here every port is for everybody")
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(EndpointUnavailable, match="Permission denied") as caught:
            endpoint(Address("127.0.0.1", 81), Run().health).open()
    finally:
        if root:
            os.seteuid(0)
    assert "a port from 1024 on" in caught.value.remedy


def test_a_name_that_means_this_machine_elsewhere_needs_a_token_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.77", 8650))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(
        EndpointUnavailable, match=r"192\.0\.2\.77, where other machines can ask, and there is no token"
    ):
        endpoint(Address("localhost", 8650), Run().health).open()
