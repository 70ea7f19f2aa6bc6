"""An HTTP server on loopback that answers as a test says, and the pictures that it may send."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import Callable, Iterator

import cv2
import numpy as np

Answer = Callable[[str, Callable[[bytes], None], threading.Event], None]
"""Gets the request's head, a way to send, and an event that ends the server; the connection closes when it returns."""

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def jpeg(level: int, size: int = 48) -> bytes:
    done, data = cv2.imencode(".jpg", np.full((size, 64, 3), level, np.uint8))
    assert done
    return data.tobytes()


def part(level: int, length: bool = True) -> bytes:
    data = jpeg(level)
    lines = [b"--frame", b"Content-Type: image/jpeg"] + ([b"Content-Length: %d" % len(data)] if length else [])
    return b"\r\n".join([*lines, b"", data, b""])


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """Run a real server on loopback that gives `answer` to every request; gives its host and port."""
    ending = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = self.request.recv(4096)
                if not piece:
                    return
                head += piece
            try:
                answer(head.decode("latin-1"), self.request.sendall, ending)
            except OSError:  # the client went away
                return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = False

    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{listening.server_address[1]}"
        finally:
            ending.set()
            listening.shutdown()
            thread.join()
