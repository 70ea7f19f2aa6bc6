"""The real program speaks to a service manager over a real socket."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List

import pytest
from programs import running


class Manager:
    """Stands where systemd does, and keeps every message with its fields."""

    def __init__(self, place: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place))
        self._socket.settimeout(0.5)
        self.messages: List[Dict[str, str]] = []

    def wait_for(self, wanted: Callable[[Dict[str, str]], bool], seconds: float = 60.0) -> Dict[str, str]:
        """Listen until a message comes that is wanted."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                message = self._socket.recv(4096).decode()
            except socket.timeout:
                continue
            self.messages.append(dict(line.split("=", 1) for line in message.split("\n")))
            if wanted(self.messages[-1]):
                return self.messages[-1]
        raise AssertionError(f"it did not come; there were: {self.messages}")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.close()


def environment(tmp_path: Path, **more: str) -> Dict[str, str]:
    return {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), **more}


def test_a_service_says_that_it_is_ready_how_fast_it_is_that_it_lives_and_that_it_stops(
    manager: Manager, tmp_path: Path
) -> None:
    # No WATCHDOG_PID: the program's own number is not known before it runs.
    env = environment(tmp_path, WATCHDOG_USEC="2000000")
    with running("--camera", "demo", env=env) as program:
        ready = manager.wait_for(lambda message: "READY" in message)
        assert "FPS total" in ready["STATUS"]
        for _ in range(3):
            manager.wait_for(lambda message: "WATCHDOG" in message)
        status = manager.wait_for(lambda message: "STATUS" in message)["STATUS"]
        for figure in ("FPS total", "classification", "detection"):
            assert figure in status
        program.process.terminate()
        manager.wait_for(lambda message: "STOPPING" in message)
        assert program.ended() == 0


def test_a_service_whose_camera_is_away_at_boot_asks_for_time_and_is_not_ready(
    manager: Manager, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    with running("--camera", "/dev/video77", "--reconnect", "always", env=env) as program:
        more = manager.wait_for(lambda message: "EXTEND_TIMEOUT_USEC" in message)
        assert int(more["EXTEND_TIMEOUT_USEC"]) >= 30_000_000
        assert program.process.poll() is None
    assert not any("READY" in message for message in manager.messages)
    assert program.ended() == 0
    assert [line["event"] for line in program.log() if line.get("event") == "source_lost"]
