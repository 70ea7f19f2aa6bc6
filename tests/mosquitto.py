"""A real Mosquitto of the tests' own, and what listens to it."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, List, NamedTuple, Optional

import pytest
from programs import free_port
from waiting import wait_until

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")

needs_mosquitto = pytest.mark.skipif(not MOSQUITTO, reason="needs a broker (apt-get install mosquitto)")


class Mosquitto:
    """A broker on a port of loopback; a context manager that ends it.

    Parameters
    ----------
    folder : Path
        For its settings.
    lines : sequence of str
        More of them; without, everybody is let in.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self.log = folder / "mosquitto.log"
        self._settings = folder / "mosquitto.conf"
        text = [f"listener {self.port} 127.0.0.1", "user root", "persistence false", *lines]
        self._settings.write_text("\n".join(text if lines else [*text, "allow_anonymous true"]) + "\n")
        self._process: Optional[subprocess.Popen[bytes]] = None

    def __enter__(self) -> Mosquitto:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.kill()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [str(MOSQUITTO), "-c", str(self._settings)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, lambda: f"a broker: {self.log.read_text()}")

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is None or self._process.poll() is None, self.log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
            return True
        return False


class Told(NamedTuple):
    topic: str
    payload: str
    retained: bool

    @property
    def what(self) -> str:
        return self.topic.rpartition("/")[2]


class Listener:
    """Keeps all that a broker tells about some topics, from its making to `close`; it comes back when the broker does."""

    def __init__(self, broker: Mosquitto, topic: str = "#", **login: str) -> None:
        from paho.mqtt import client as paho

        self.told: List[Told] = []
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        if login:
            self._client.username_pw_set(login["user"], login["password"])
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._ready.wait(30)

    def __enter__(self) -> Listener:
        """Give it to a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, what: str, payload: Optional[str] = None) -> Told:
        """Return the first that was told of something; wait for it."""

        def look() -> Optional[Told]:
            fitting = [one for one in list(self.told) if one.what == what and payload in (None, one.payload)]
            return fitting[0] if fitting else None

        return wait_until(look, lambda: f"{what} {payload or ''} among {self.told}")

    def events(self) -> List[Any]:
        return [json.loads(one.payload) for one in list(self.told) if one.what == "event"]

    def last(self, what: str) -> str:
        return [one.payload for one in list(self.told) if one.what == what][-1]

    def say(self, topic: str, payload: str, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(30)

    def _hear(self, _client: Any, _data: Any, message: Any) -> None:
        self.told.append(Told(message.topic, message.payload.decode(), message.retain))
