"""Faults of those who look at the page, in the real program."""

from __future__ import annotations

import select
import socket
import time
import urllib.request
from typing import Any

import pytest

pytest.importorskip("uvicorn")


class Stuck:
    """A browser that asks for the pictures of a camera, and reads none of them."""

    def __init__(self, program: Any, camera: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is soon full
        self._socket.connect((program.address.host, program.address.port))
        self._socket.sendall(f"GET /api/cameras/{camera}/live.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def until_cut(self, seconds: float) -> bool:
        """Wait until the program has ended the connection; return whether it did."""
        poll = select.poll()
        poll.register(self._socket, 0)  # without reading: errors and the end of both ways are told in any case
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def test_browsers_that_never_read_are_cut_and_cost_neither_frames_nor_other_viewers_anything(bench: Any) -> None:
    program = bench.program("--camera", "hall=demo:3", "--web-viewers", "4")
    program.more_frames(5)
    injected = time.monotonic()
    stuck = [Stuck(program, "hall") for _ in range(3)]
    for one in stuck:
        bench.at_the_end(one.close)
    url = f"http://{program.address}/api/cameras/hall/live.mjpg"
    with urllib.request.urlopen(url, timeout=30) as picture:
        for _ in range(20):
            while not picture.readline().lower().startswith(b"content-length:"):
                pass
    program.more_frames(20)
    assert all(one.until_cut(60) for one in stuck)
    noticed = time.monotonic()
    removed = time.monotonic()
    for _ in range(4):  # the places of the three are free again
        with urllib.request.urlopen(f"http://{program.address}/api/cameras/hall/snapshot.jpg", timeout=30) as answer:
            assert answer.read(2) == b"\xff\xd8"
    assert program.health()["status"] == "healthy"
    summary = program.end()
    bench.report.add(
        "three browsers ask for pictures and never read",
        noticed - injected,
        time.monotonic() - removed,
        summary["dropped"],
        "they are cut; the analysis goes on, and another viewer gets every picture meanwhile",
    )
