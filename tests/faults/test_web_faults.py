"""Faults of those who look at the page, in the real program."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from programs import eventually

pytest.importorskip("uvicorn")


class Stuck:
    """A browser that asks for the pictures of a camera, and reads none of them."""

    def __init__(self, program: Any, camera: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is soon full
        self._socket.connect((program.address.host, program.address.port))
        self._socket.sendall(f"GET /api/cameras/{camera}/live.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def snapshot(program: Any) -> bool:
    """Ask for one picture; return whether there was a place for one who looks."""
    try:
        with urllib.request.urlopen(f"http://{program.address}/api/cameras/hall/snapshot.jpg", timeout=30) as answer:
            return bool(answer.read(2) == b"\xff\xd8")
    except urllib.error.HTTPError as refused:
        with refused:
            if refused.code == 503:
                return False
        raise


def test_browsers_that_never_read_are_cut_and_cost_neither_frames_nor_other_viewers_anything(bench: Any) -> None:
    program = bench.program("--camera", "hall=demo:3", "--web-viewers", "4")
    program.more_frames(5)
    injected = time.monotonic()
    for one in [Stuck(program, "hall") for _ in range(3)]:
        bench.at_the_end(one.close)
    with urllib.request.urlopen(f"http://{program.address}/api/cameras/hall/live.mjpg", timeout=30) as reads:
        eventually(lambda: not snapshot(program), "the places to be taken")
        pictures = 0

        def look() -> bool:
            nonlocal pictures
            while not reads.readline().lower().startswith(b"content-length:"):
                pass
            pictures += 1
            return snapshot(program)

        eventually(look, "the end of those who never read")
        noticed = time.monotonic()
    assert pictures > 5
    program.more_frames(20)
    assert program.health()["status"] == "healthy"
    program.end()
    bench.report.add(
        "three browsers ask for the pictures of a camera and never read",
        noticed - injected,
        None,
        None,
        f"they are cut, and their places are free; another viewer got {pictures} pictures meanwhile",
    )
