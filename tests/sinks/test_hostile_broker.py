"""Brokers that send nonsense, say nothing, or the same without end."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from typing import Callable, List

import pytest
from waiting import wait_until

from fer_edge.settings import Settings
from fer_edge.sinks import SinkRequest
from fer_edge.sinks.mqtt import connection
from fer_edge.sinks.mqtt.sink import MqttSink
from fer_edge.sinks.run_view import KnownRun

LET_IN = b"\x20\x02\x00\x00"
Talk = Callable[[socket.socket, int], None]


class FalseBroker:
    """Takes connections one after another, and says on each what a test has it say; a context manager that ends it."""

    def __init__(self, talk: Talk) -> None:
        self.connections = 0
        self._talk = talk
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> FalseBroker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._listening.close()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._listening.getsockname()[1]}"

    def _run(self) -> None:
        with suppress(OSError):  # it was ended
            while True:
                peer = self._listening.accept()[0]
                self.connections += 1
                with peer, suppress(OSError):
                    peer.settimeout(20)
                    peer.recv(4096)
                    self._talk(peer, self.connections)


def request(url: str) -> SinkRequest:
    options = Settings.of(mqtt=url, mqtt_topic="fer-edge/nano").mqtt
    return SinkRequest(url, options, camera="front", run=KnownRun(("front",), "fernet-r"))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 0.02)


def nothing(peer: socket.socket, _: int) -> None:
    peer.recv(1)


def nonsense(peer: socket.socket, turn: int) -> None:
    chance = random.Random(turn)
    if turn % 2:
        peer.sendall(LET_IN)
    for _ in range(20):
        length = chance.randrange(30)
        peer.sendall(bytes([chance.randrange(256), length, *(chance.randrange(256) for _ in range(length))]))


def test_nonsense_of_a_broker_is_a_connection_that_is_lost_and_made_anew() -> None:
    with FalseBroker(nonsense) as broker:
        writing = MqttSink(request(broker.url))
        writing.start()
        wait_until(lambda: broker.connections > 40, "more attempts")
        assert "the broker is not reached" in (writing.trouble() or wait_until(writing.trouble, "its trouble"))
        writing.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("fer-edge-mqtt")]


def test_a_broker_that_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    with FalseBroker(nothing) as broker:
        writing = MqttSink(request(broker.url))
        writing.start()
        wait_until(lambda: broker.connections > 1, "another attempt")
        assert "did not answer" in writing.trouble()
        writing.close()


def test_home_assistant_that_comes_back_without_end_is_told_all_once_a_look() -> None:
    writing = MqttSink(request("mqtt://127.0.0.1"))  # it is never started
    outbox = writing._memory.outbox
    told: List[str] = []
    for turn in range(300):
        if turn % 100 == 0:
            writing._look_at_the_run()
        writing._hear("homeassistant/status", "online")
        told += [message.topic for message in iter(outbox.next, None)]
    writing.close()
    assert sum(topic.startswith("homeassistant/") for topic in told) == 3
