from __future__ import annotations

import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import List, Optional

import pytest
from programs import Program, eventually, free_port
from service_manager import Manager

from fer_edge.errors import EndpointUnavailable
from fer_edge.pipeline.retry import Backoff
from fer_edge.web import late_endpoint as module
from fer_edge.web.late_endpoint import LateEndpoint

AWAY = {"EADDRNOTAVAIL": "192.0.2.1:{port}", "no such name": "board.invalid:{port}", "taken": "127.0.0.1:{port}"}
"""Addresses that cannot be listened on; the first two are reserved for documentation and tests."""


class FakeEndpoint:
    """Fails as often as it is told, and may hang in its opening."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.attempts = 0
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.said: List[str] = []

    def open(self) -> None:
        self.attempts += 1
        self.goes_on.wait(30)
        if self.attempts <= self.failures:
            raise EndpointUnavailable(f"Cannot listen, for the reason {self.attempts // 3}.", "Wait.")
        self.said.append("open")

    def close(self) -> None:
        self.said.append("close")


@pytest.mark.parametrize("why", AWAY)
def test_a_service_goes_on_without_its_address_says_so_and_answers_as_soon_as_it_can(why: str, tmp_path: Path) -> None:
    port = free_port()
    manager = Manager(str(tmp_path / "notify"))
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    address = AWAY[why].format(port=port)
    with closing(socket.create_server(("127.0.0.1", port))) as holder:
        arguments = ("--camera", "demo", "--reconnect", "always", "--listen", address)
        with Program(tmp_path, *arguments, environment={**environment, "FER_EDGE_TOKEN": "x"}) as program:
            _, line = program.event("endpoint_lost")
            assert address in line["reason"]
            program.more_lines()
            assert "Cannot listen" in manager.wait_for("READY")["STATUS"]
            if why == "taken":
                holder.close()
                program.event("endpoint_back")
            program.end()
    manager.close()


@pytest.mark.parametrize("reconnect", ["auto", "never"])
@pytest.mark.parametrize("why", AWAY)
def test_without_the_wish_to_wait_an_address_that_is_not_there_ends_the_program(
    why: str, reconnect: str, tmp_path: Path
) -> None:
    port = free_port()
    with closing(socket.create_server(("127.0.0.1", port))):
        arguments = ("--camera", "demo", "--reconnect", reconnect, "--listen", AWAY[why].format(port=port))
        with Program(tmp_path, *arguments, environment={"FER_EDGE_TOKEN": "x"}) as program:
            assert program.process.wait(60) == EndpointUnavailable.exit_code
            program.event("ended", error="EndpointUnavailable")


def test_an_endpoint_is_tried_until_it_opens_and_its_trouble_is_told_until_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint = FakeEndpoint(failures=5)
    late = LateEndpoint(endpoint, Backoff(0.01, 0.01))
    assert late.trouble() == ""
    told: Optional[str] = None
    with late:
        eventually(lambda: "open" in endpoint.said, "an open endpoint")
        eventually(lambda: late.trouble() == "", "no trouble any more")
        told = caplog.text
    assert endpoint.said == ["open", "close"]
    late.close()
    assert endpoint.said == ["open", "close"]
    assert told is not None
    for attempt, is_told in ((1, True), (2, True), (3, True), (4, True), (5, False)):
        assert (f"(attempt {attempt})" in told) == is_told, attempt
    assert told.count("Wait.") == 1
    assert "at attempt 6" in told


def test_an_endpoint_that_opens_after_the_end_is_closed_again_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    endpoint = FakeEndpoint()
    endpoint.goes_on.clear()
    late = LateEndpoint(endpoint)
    late.open()
    eventually(lambda: endpoint.attempts == 1, "an attempt")
    late.close()
    assert endpoint.said == []
    endpoint.goes_on.set()
    eventually(lambda: endpoint.said == ["open", "close"], "a closed endpoint")


def test_the_wait_for_the_next_attempt_is_cut_short_by_the_end() -> None:
    endpoint = FakeEndpoint(failures=100)
    late = LateEndpoint(endpoint, Backoff(3600, 3600))
    late.open()
    eventually(lambda: late.trouble() != "", "a failed attempt")
    late.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "fer-edge-endpoint"]
    assert endpoint.attempts == 1
