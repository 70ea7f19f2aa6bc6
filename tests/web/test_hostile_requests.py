"""Requests that make no sense, ask for too much, or bring what other programs left in the browser."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np
import pytest
from waiting import wait_until

from fer_edge.service.health import CameraHealth, Health
from fer_edge.system.address import Address
from fer_edge.types import Frame, Observation, Rates, StateChange
from fer_edge.web import aside
from fer_edge.web.access import Access
from fer_edge.web.application import MOST_SEARCHES
from fer_edge.web.endpoint import Endpoint
from fer_edge.web.run import WebRun
from fer_edge.web.timeline import Timeline


class Archive:
    """A history that answers when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.searching = 0
        self.asked = 0
        self._lock = threading.Lock()

    def __call__(self, *_: object) -> List[Dict[str, Any]]:
        with self._lock:
            self.asked += 1
            self.searching += 1
        self.let.wait(30)
        with self._lock:
            self.searching -= 1
        return []


def health() -> Health:
    return Health("healthy", (), 1.0, 2, 0.1, Rates(), {"door": CameraHealth(2, 0.1, Rates())})


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def address(archive: Archive) -> Iterator[Address]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        place = Address("127.0.0.1", probe.getsockname()[1])
    with Endpoint(place, WebRun(health, history=archive)):
        yield place
    archive.let.set()


def ask(address: Address, path: str) -> Tuple[int, Any]:
    with closing(http.client.HTTPConnection(*address, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    "query",
    [
        "history?to=0001-01-01",
        "history?from=0001-01-01T00:00:00",
        "history?to=9999-12-31T23:59:59",
        "history?to=9999-12-31T23:59:59-23:59",
        "history?from=%00",
        "history?from=2026-01-02&to=2026-01-01",
        "history?from=2026-01-01&from=2026-01-02",
        "history?what=%22",
        "cameras/door/state?minutes=nan",
        "cameras/door/state?minutes=-1e999",
        "cameras/door/state?minutes=",
        "cameras?=",
        "events?camera=door&camera=door",
    ],
)
def test_a_question_that_makes_no_sense_is_told_why_and_leaves_nothing_in_the_log(
    address: Address, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        status, told = ask(address, f"/api/{query}")
    assert (status, sorted(told)) == (400, ["error", "remedy"])
    assert not caplog.records


def test_who_asks_for_the_history_and_hangs_up_again_and_again_costs_few_threads(
    address: Address, archive: Archive
) -> None:
    begun: List[int] = []
    for turn in range(20):
        with closing(socket.create_connection(address, 30)) as connection:
            connection.sendall(b"GET /api/history HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            if turn < MOST_SEARCHES:
                begun.append(turn)
                wait_until(lambda: archive.asked == len(begun), "the search")
            else:
                assert connection.recv(12) == b"HTTP/1.1 503"
    assert archive.asked == archive.searching == MOST_SEARCHES
    assert ask(address, "/healthz")[0] == 200
    archive.let.set()
    wait_until(lambda: ask(address, "/api/history")[0] == 200, "room again")


def test_where_no_thread_can_be_had_that_is_told_and_does_not_last(
    address: Address, archive: Archive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    archive.let.set()

    def none_left(*_: object, **__: object) -> threading.Thread:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(aside, "threading", type("Threading", (), {"Thread": none_left}))
        for _ in range(MOST_SEARCHES + 1):
            status, told = ask(address, "/api/history")
            assert (status, "thread" in told["error"]) == (503, True)
    assert not caplog.records
    assert ask(address, "/api/history")[0] == 200


def test_a_request_with_two_lengths_is_the_last_of_its_connection(address: Address) -> None:
    first = (
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    with closing(socket.create_connection(address, 30)) as connection:
        connection.sendall(first + b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "others",
    [
        'setup={"a": "b"}; {ours}',
        'a="; {ours}',
        "\x01=\xff; ;=; {ours}",
        "{name}=of-another-site; {ours}",
        "{ours};{ours}",
    ],
)
def test_cookies_of_others_lock_nobody_out(others: str) -> None:
    access = Access("sesame", 8650, False)
    ours = access.log_in("sesame", "127.0.0.1").partition(";")[0]
    header = others.replace("{ours}", ours).replace("{name}", access.cookie)
    assert access.is_logged_in(header)
    access.log_out(header)
    assert not access.is_logged_in(header)


def test_after_the_clock_was_set_back_a_timeline_tells_nothing_of_what_lies_ahead() -> None:
    timeline, now = Timeline(), datetime(2026, 11, 26, 10, 0, tzinfo=timezone.utc)
    for at in (now + timedelta(days=1), now - timedelta(seconds=30)):
        timeline.take(Observation(Frame(0, 0.0, at, np.zeros((2, 2, 3), np.uint8), "door"), ()))
        end = at + timedelta(seconds=1)
        timeline.change(StateChange("door", 1, "happy", at, end, 1.0, 0.9, 0.8, 0.7, False, 30))
    told = timeline.told(now, 10.0)
    assert [len(told["states"]), len(told["valence"])] == [1, 1]
    assert told["from"] < told["states"][0]["start"] < told["to"]
