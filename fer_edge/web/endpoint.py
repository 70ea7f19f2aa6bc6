"""Answers HTTP on one address: ``GET /healthz`` and ``GET /metrics``."""

from __future__ import annotations

import errno
import hmac
import ipaddress
import json
import logging
import socket
import ssl
import threading
from types import TracebackType
from typing import Callable, Optional, Tuple, Type

from fer_edge.errors import EndpointUnavailable, UsageError
from fer_edge.service.health import DOWN, Health
from fer_edge.system.address import Address
from fer_edge.web.request import Question, Reply
from fer_edge.web.server import Server

logger = logging.getLogger("fer_edge")


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
        self._server: Optional[Server] = None
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
            self._server = Server(family, place, self._answer, self._tls)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise EndpointUnavailable(f"Cannot listen on {self.address}: {reason}.", _remedy(error)) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="endpoint", daemon=True)
        self._thread.start()
        logger.info("health at %s://%s/healthz", "http" if self._tls is None else "https", self.address)
        if self._tls is None and not self.address.local:
            logger.warning("who can listen in on the network to %s learns the token; --tls-cert helps", self.address)

    def _answer(self, question: Question) -> Reply:
        """Return what is said to a question: whoever does not know the token learns nothing else."""
        wanted = f"Bearer {self._token}".encode()
        if self._token and not hmac.compare_digest(question.authorization, wanted):
            return Reply(401, "text/plain", b"Send the token as Authorization: Bearer ...\n")
        if question.method not in ("GET", "HEAD"):
            return Reply(501, "text/plain", b"There are GET and HEAD.\n")
        if question.path == "/metrics" and self._metrics is not None:
            return Reply(200, *self._metrics())
        if question.path != "/healthz":
            return Reply(404, "text/plain", b"There are /healthz and /metrics.\n")
        health = self._health()
        body = json.dumps(health.to_json()) + "\n"
        return Reply(503 if health.status == DOWN else 200, "application/json", body.encode())

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
