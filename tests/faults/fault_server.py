"""A network camera that can be told to misbehave: MJPEG over HTTP on loopback."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from functools import lru_cache
from typing import Callable, Dict, List

import cv2
import numpy as np

from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.types import Image

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
RATE = 15.0


def encoded(image: Image) -> bytes:
    done, data = cv2.imencode(".jpg", image)
    assert done
    return bytes(data.tobytes())


@lru_cache(maxsize=None)
def faces(width: int = 320, height: int = 240) -> List[bytes]:
    """Give a face that moves, as JPEG pictures."""
    with DemoSource(1, CaptureSettings(width=width, height=height, paced=False)) as source:
        return [encoded(source.render(index)) for index in range(0, 180, 3)]


@lru_cache(maxsize=None)
def huge() -> List[bytes]:
    """Give two pictures of 7680 x 4320 pixels."""
    small = cv2.imdecode(np.frombuffer(faces()[0], np.uint8), cv2.IMREAD_COLOR)
    picture = cv2.resize(small, (7680, 4320), interpolation=cv2.INTER_NEAREST)
    return [encoded(picture), encoded(picture[:, ::-1])]


def plain(value: int, width: int = 320, height: int = 240) -> bytes:
    return encoded(np.full((height, width, 3), value, np.uint8))


def torn(data: bytes) -> bytes:
    """Lose a part of the middle, as a bad cable does."""
    return data[: len(data) // 2] + data[len(data) * 2 // 3 :]


def undecodable(data: bytes) -> bytes:
    """Lose the header that says how large the picture is, so that no decoder can make anything of it."""
    at = data.index(b"\xff\xc0")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def gigantic(data: bytes) -> bytes:
    """Claim 32000 x 32000 pixels: three gigabytes, decoded."""
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", 32000, 32000) + data[at + 9 :]


PICTURES: Dict[str, Callable[[int], bytes]] = {
    "play": lambda n: faces()[n % len(faces())],
    "single": lambda n: faces()[n % len(faces())],
    "slow": lambda n: faces()[n % len(faces())],
    "frozen": lambda n: faces()[0],
    "black": lambda n: plain(0),
    "torn": lambda n: torn(faces()[n % len(faces())]) if n % 3 == 0 else faces()[n % len(faces())],
    "undecodable": lambda n: undecodable(faces()[n % len(faces())]),
    "some undecodable": lambda n: undecodable(faces()[0]) if n % 3 == 0 else faces()[n % len(faces())],
    "larger": lambda n: faces(640, 480)[n % len(faces())],
    "odd": lambda n: faces(98, 163)[n % len(faces())],
    "pixel": lambda n: plain(n % 200, 1, 1),
    "wide": lambda n: plain(n % 200, 9000, 1000),
    "huge": lambda n: huge()[n % 2],
    "gigantic": lambda n: gigantic(faces()[n % len(faces())]),
}


class NetworkCamera:
    """Serves MJPEG; `mode` says how: a key of `PICTURES`, or stall, trickle, flood, reset, end or silent."""

    def __init__(self, mode: str = "play") -> None:
        self.mode = mode
        self.sent = 0
        self._ending = threading.Event()
        camera = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    camera._serve(self.request)
                except OSError:  # the program went away
                    return

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/video"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(60.0)
        connection.recv(4096)
        headed = False
        while not self._ending.is_set():
            mode = self.mode
            if mode == "end":
                return
            if mode == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if mode != "silent" and not headed:
                connection.sendall(HEAD)
                headed = True
            if mode in PICTURES:
                data = PICTURES[mode](self.sent)
                connection.sendall(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + data + b"\r\n")
                self.sent += 1
                if mode == "single":
                    return
            elif mode == "trickle":
                connection.sendall(b"\xff\xd8\xff\xe0 what" if self.sent % 2 else b"ever")
            elif mode == "flood":
                connection.sendall(bytes(1 << 20))
                continue
            self._wait(1.0 if mode == "slow" else 0.25 if mode == "huge" else 1 / RATE, mode)

    def _wait(self, seconds: float, mode: str) -> None:
        deadline = time.monotonic() + seconds
        while self.mode == mode and not self._ending.is_set() and time.monotonic() < deadline:
            time.sleep(min(0.05, max(0.0, deadline - time.monotonic())))
