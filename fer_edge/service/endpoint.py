"""Answers HTTP on one address: ``GET /healthz`` and ``GET /metrics``."""

from __future__ import annotations

import hmac
import io
import json
import logging
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Callable, Dict, NamedTuple, Optional, Set, Tuple, Type

from fer_edge.errors import EndpointUnavailable, UsageError
from fer_edge.service.address import Address
from fer_edge.service.health import DOWN, Health
from fer_edge.version import __version__

logger = logging.getLogger("fer_edge")

MOST_CONNECTIONS = 16
"""Further ones are closed at once: a board has no threads to spare for a peer that only opens connections."""

LONGEST_CONNECTION = 10.0
"""Seconds after which a connection is closed, answered or not."""


MOST_BYTES = 16384
"""Of a request; what follows is not read. The standard library would take six megabytes of header for each connection."""


class Endpoint:
    """Answers on `address` in threads of its own, from `open` to `close`.

    Parameters
    ----------
    address : Address
        Where to listen.
    health : callable
        Says how the run is; called in the endpoint's threads.
    token : str, optional
        What a peer must send as ``Authorization: Bearer ...``. Without one, only this machine may be listened to.
    metrics : callable, optional
        Gives the content type and the text of ``/metrics``; called in the endpoint's threads.

    Raises
    ------
    UsageError
        Others could reach the address, and there is no token.
    """

    def __init__(
        self,
        address: Address,
        health: Callable[[], Health],
        token: str = "",
        metrics: Optional[Callable[[], Tuple[str, bytes]]] = None,
    ) -> None:
        if not token and not address.local:
            raise UsageError(
                f"Listening on {address} lets other machines ask, and there is no token.",
                "Set FER_EDGE_TOKEN to a secret word, or listen on 127.0.0.1.",
            )
        self.address = address
        self._health = health
        self._token = token
        self._metrics = metrics
        self._server: Optional[_Server] = None
        self._thread: Optional[threading.Thread] = None

    def open(self) -> None:
        """Begin to listen.

        Raises
        ------
        EndpointUnavailable
            The port is taken, or the address is not one of this machine.
        """
        try:
            family, _, _, _, place = socket.getaddrinfo(*self.address, type=socket.SOCK_STREAM)[0]
            self._server = _Server(family, place, self._answer, self._token)
        except OSError as error:
            raise EndpointUnavailable(
                f"Cannot listen on {self.address}: {error.strerror or error}.",
                "Give another port with --listen, or end the program that has this one:  ss -ltnp shows it.",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True)
        self._thread.start()
        logger.info("health at http://%s/healthz", self.address)

    def _answer(self, path: str) -> Optional[_Answer]:
        if path == "/metrics" and self._metrics is not None:
            return _Answer(200, *self._metrics())
        if path != "/healthz":
            return None
        health = self._health()
        body = json.dumps(health.to_json()) + "\n"
        return _Answer(503 if health.status == DOWN else 200, "application/json", body.encode())

    def close(self) -> None:
        """Close the port and every connection, and end the threads; takes a tenth of a second."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.close_connections()
            self._server.server_close()
            self._server = self._thread = None

    def __enter__(self) -> Endpoint:
        """Open it."""
        self.open()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close it."""
        self.close()


class _Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    # close_connections waits instead: up to Python 3.8.8 the mix-in keeps every thread that ever ran (bpo-37193).
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, family: int, place: Any, answer: Callable[[str], Optional[_Answer]], token: str) -> None:
        self.address_family = family
        self.answer = answer
        self.token = token
        self._lock = threading.Lock()
        self._since: Dict[socket.socket, float] = {}
        self._at_work: Set[threading.Thread] = set()
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's question to the name service, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        with self._lock:
            if len(self._since) >= MOST_CONNECTIONS:
                return False
            self._since[request] = time.monotonic()
            return True

    def service_actions(self) -> None:
        """Cut connections that last too long; called several times a second."""
        oldest = time.monotonic() - LONGEST_CONNECTION
        with self._lock:
            for connection, since in self._since.items():
                if since < oldest:
                    _cut(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, daemon=self.daemon_threads)
        with self._lock:  # so that it cannot end before it is in the set
            thread.start()
            self._at_work.add(thread)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._at_work.discard(threading.current_thread())

    def close_connections(self) -> None:
        """Cut every connection, and wait for the threads, which have nothing to wait for any more."""
        with self._lock:
            for connection in self._since:
                _cut(connection)
            at_work = list(self._at_work)
        for thread in at_work:
            thread.join()

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say it in the log, where the standard library prints a traceback."""
        logger.debug("a request from %s failed", client_address, exc_info=True)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # the peer may have gone first
        connection.shutdown(socket.SHUT_RDWR)


class _Start(io.BufferedIOBase):
    """The first bytes of a stream, line by line."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._left = most

    def readline(self, size: Optional[int] = -1, /) -> bytes:
        """Give the next line; empty once the limit is reached."""
        most = self._left if size is None or size < 0 else min(size, self._left)
        line: bytes = self._stream.readline(most) if most else b""
        self._left -= len(line)
        return line

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = f"fer-edge/{__version__}"
    sys_version = ""

    def setup(self) -> None:
        """Read no more of the request than `MOST_BYTES`."""
        super().setup()
        self.rfile = _Start(self.rfile, MOST_BYTES)

    def do_GET(self) -> None:
        self._reply(send_body=True)

    def do_HEAD(self) -> None:
        self._reply(send_body=False)

    def _reply(self, send_body: bool) -> None:
        sent = self.headers.get("Authorization", "")
        wanted = f"Bearer {self.server.token}"
        if self.server.token and not hmac.compare_digest(sent.encode(), wanted.encode()):
            answer = _Answer(401, "text/plain", b"Send the token as Authorization: Bearer ...\n")
        else:
            answer = self.server.answer(self.path.partition("?")[0]) or _Answer(
                404, "text/plain", b"There are /healthz and /metrics.\n"
            )
        self.send_response(answer.status)
        if answer.status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if send_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug("%s " + format, self.client_address[0], *args)
