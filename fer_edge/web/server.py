"""Accepts connections on one address, each for one request, and serves them in threads of its own."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from functools import partial
from socketserver import BaseRequestHandler, TCPServer
from typing import Any, Callable, Optional, Set, Tuple

from fer_edge.web.connections import MOST_CONNECTIONS, Connection, Connections
from fer_edge.web.request import Misunderstood, Question, Reply, Request

logger = logging.getLogger("fer_edge")

BACK_OFF = 0.2
"""Seconds to wait when no connection can be accepted, for want of descriptors; they come back when others are closed."""

_PIECE = 4096
_PACE = 0.005
"""Seconds from one connection that had to make room to the next, so that a flood costs little."""


class Server(TCPServer):
    """Listens from its making to `server_close`, and answers while `serve_forever` runs.

    Parameters
    ----------
    family : int
        Of addresses: ``AF_INET`` or ``AF_INET6``.
    place : tuple
        Where to listen, as the socket module has it.
    answer : callable
        What to say to a question; called in the threads of connections.
    tls : SSLContext, optional
        The server's side of TLS.

    Raises
    ------
    OSError
        Nobody can listen there.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        family: int,
        place: Any,
        answer: Callable[[Question], Reply],
        tls: Optional[ssl.SSLContext],
    ) -> None:
        self.address_family = family
        self.connections = Connections()
        self._answer = answer
        self._tls = tls
        self._lock = threading.Lock()
        self._at_work: Set[threading.Thread] = set()
        self._exhausted = False
        super().__init__(place, BaseRequestHandler)

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
        """Let a connection in, where there is room, and serve it in a thread."""
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
            self._converse(connection, client_address)
        except Exception:  # noqa: BLE001 - whatever it is, it is the end of this connection only
            self.handle_error(connection, client_address)
        finally:
            self.connections.leave(connection)
            self.shutdown_request(connection.socket)
            with self._lock:
                self._at_work.discard(threading.current_thread())

    def _converse(self, connection: Connection, client_address: Any) -> None:
        request = Request()
        try:
            question = _hear(connection.socket, request)
            if question is None:
                return
            connection.asked = True
            reply = self._answer(question)
            logger.debug("%s %s %s: %d", client_address[0], question.method, question.path, reply.status)
        except Misunderstood as error:
            reply = error.reply
            logger.debug("%s: %s", client_address[0], error)
        connection.socket.sendall(request.write(reply))

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


def _hear(connection: socket.socket, request: Request) -> Optional[Question]:
    """Return what is asked; None when the peer hung up, or was cut for taking too long."""
    question = None
    while question is None:
        piece = connection.recv(min(request.left, _PIECE))
        if not piece:
            return None
        question = request.feed(piece)
    return question
