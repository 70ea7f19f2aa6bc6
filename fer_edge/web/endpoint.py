"""Answers HTTP on one address: ``GET /healthz`` and ``GET /metrics``."""

from __future__ import annotations

import errno
import hmac
import io
import ipaddress
import json
import logging
import socket
import ssl
import threading
import time
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Any, Callable, NamedTuple, Optional, Set, Tuple, Type

from fer_edge.errors import EndpointUnavailable, UsageError
from fer_edge.service.health import DOWN, Health
from fer_edge.system.address import Address
from fer_edge.web.connections import MOST_CONNECTIONS, Connection, Connections

logger = logging.getLogger("fer_edge")

MOST_BYTES = 16384
"""Of a request; what follows is not read. The standard library would take six megabytes of header for each connection."""


BACK_OFF = 0.2
"""Seconds to wait when no connection can be accepted, for want of descriptors; they come back when others are closed."""

_PACE = 0.005
"""Seconds from one connection that had to make room to the next, so that a flood costs little."""


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
    tls : SSLContext, optional
        The server's side of TLS; without it, requests and answers travel in clear.

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
        tls: Optional[ssl.SSLContext] = None,
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
        self._tls = tls
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
            if not self._token and not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback:
                raise EndpointUnavailable(
                    f"{self.address} is {place[0]}, where other machines can ask, and there is no token.",
                    "Set FER_EDGE_TOKEN to a secret word, or listen on 127.0.0.1.",
                )
            self._server = _Server(family, place, self._answer, self._token, self._tls)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise EndpointUnavailable(f"Cannot listen on {self.address}: {reason}.", _remedy(error)) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True)
        self._thread.start()
        logger.info("health at %s://%s/healthz", "http" if self._tls is None else "https", self.address)
        if self._tls is None and not self.address.local:
            logger.warning("who can listen in on the network to %s learns the token; --tls-cert helps", self.address)

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


def _remedy(error: Exception) -> str:
    """Return what to do against an address on which nobody can listen."""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "Give an address of this machine, or a name that it knows:  ip -brief address  shows the addresses."
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRNOTAVAIL:
        return "Give an address of this machine, as  ip -brief address  shows them; 0.0.0.0 means all of them."
    if number in (errno.EACCES, errno.EPERM):
        return "Give a port from 1024 on: those below need a right that this user lacks."
    if number == errno.EADDRINUSE:
        return "Give another port with --listen, or end the program that has this one:  ss -ltnp  shows it."
    if number == errno.EAFNOSUPPORT:
        return "This machine has no addresses of the kind: give one such as 127.0.0.1."
    return "Give another address with --listen."


class _Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


class _Server(HTTPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        family: int,
        place: Any,
        answer: Callable[[str], Optional[_Answer]],
        token: str,
        tls: Optional[ssl.SSLContext],
    ) -> None:
        self.address_family = family
        self.answer = answer
        self.token = token
        self.connections = Connections()
        self._tls = tls
        self._lock = threading.Lock()
        self._at_work: Set[threading.Thread] = set()
        self._exhausted = False
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        """Bind without HTTPServer's question to the name service, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> Tuple[Any, Any]:
        """Accept a connection; where there is no descriptor for it, not at once again."""
        try:
            accepted = super().get_request()
        except OSError as error:
            if not self._exhausted:
                logger.warning("no connection can be accepted on %s: %s", self.server_address, error.strerror)
            self._exhausted = True
            time.sleep(BACK_OFF)
            raise
        self._exhausted = False
        return accepted

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:  # the threads of those that had to make room may still be ending
            crowded = len(self._at_work) >= 2 * MOST_CONNECTIONS
        before = self.connections.displaced
        connection = None if crowded else self.connections.let_in(request, client_address[0])
        if connection is None:
            self.shutdown_request(request)
            time.sleep(_PACE)
            return
        thread = threading.Thread(target=self._serve, args=(connection, client_address), name="endpoint-connection")
        with self._lock:  # so that it cannot end before it is in the set
            try:
                thread.start()
            except RuntimeError:  # no more threads are to be had
                self.connections.leave(connection)
                raise
            self._at_work.add(thread)
        if self.connections.displaced != before:
            time.sleep(_PACE)

    def _serve(self, connection: Connection, client_address: Any) -> None:
        try:
            if self._tls is not None:
                self._shake_hands(connection, self._tls)
            _Handler(connection, client_address, self)
        except Exception:  # noqa: BLE001 - whatever it is, it is the end of this connection only
            self.handle_error(connection, client_address)
        finally:
            self.connections.leave(connection)
            self.shutdown_request(connection.socket)
            with self._lock:
                self._at_work.discard(threading.current_thread())

    def _shake_hands(self, connection: Connection, tls: ssl.SSLContext) -> None:
        wrap = partial(tls.wrap_socket, server_side=True, do_handshake_on_connect=False)
        self.connections.replace(connection, wrap).do_handshake()

    def service_actions(self) -> None:
        """Cut connections that last too long; called several times a second."""
        self.connections.cut_old()

    def close_connections(self) -> None:
        """Cut every connection, and wait for the threads, which have nothing to wait for any more."""
        self.connections.cut_all()
        with self._lock:
            at_work = list(self._at_work)
        for thread in at_work:
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say it in the log, where the standard library prints a traceback."""
        logger.debug("a request from %s failed", client_address, exc_info=True)


class _Start(io.BufferedIOBase):
    """The first bytes of a stream, line by line."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._left = most

    def readline(self, size: Optional[int] = -1, /) -> bytes:
        """Return the next line; empty once the limit is reached."""
        most = self._left if size is None or size < 0 else min(size, self._left)
        line: bytes = self._stream.readline(most) if most else b""
        self._left -= len(line)
        return line

    @property
    def exhausted(self) -> bool:
        """Whether there may have been more."""
        return self._left <= 0

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    rfile: _Start
    server_version = "fer-edge"
    sys_version = ""

    def __init__(self, connection: Connection, client_address: Any, server: _Server) -> None:
        self._connection = connection
        super().__init__(connection.socket, client_address, server)

    def setup(self) -> None:
        """Read no more of the request than `MOST_BYTES`."""
        super().setup()
        self.rfile = _Start(self.rfile, MOST_BYTES)

    def parse_request(self) -> bool:
        """Read the head of the request, unless that is too long."""
        understood = super().parse_request()
        self._connection.asked = True
        if understood and self.rfile.exhausted:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        return understood

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
