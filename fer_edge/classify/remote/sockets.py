"""A connection to a server, plain or encrypted, every wait of which ends at one moment."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any, List, Optional, Tuple

from fer_edge.classify.remote.address import ServerAddress
from fer_edge.errors import ServerLate, ServerRefused, ServerUnreachable
from fer_edge.system.masking import printable

LARGEST_PIECE = 65536


class Connection:
    """Bytes to a server and back.

    Parameters
    ----------
    address : ServerAddress
        Where it is.
    tls : SSLContext or None
        Encrypts, and checks who answers.
    until : float
        Monotonic seconds by which it must be open.

    Raises
    ------
    ServerUnreachable
        Nobody is there.
    ServerLate
        Nobody answered by `until`.
    ServerRefused
        Its certificate is not trusted, or it does not take ours.
    """

    def __init__(self, address: ServerAddress, tls: Optional[ssl.SSLContext], until: float) -> None:
        self._address = address
        self._socket = self._connected(until)
        if tls is None:
            return
        plain = self._socket
        try:
            self._socket = tls.wrap_socket(plain, server_hostname=address.host, do_handshake_on_connect=False)
            self._socket.settimeout(self._left(until))
            self._socket.do_handshake()
        except (OSError, ValueError) as error:
            self._socket.close()
            plain.close()
            raise self._fault(error, "began no TLS") from None
        except BaseException:
            self._socket.close()
            plain.close()
            raise

    def send(self, data: bytes, until: float) -> None:
        """Send everything. Raises ServerUnreachable, ServerLate or ServerRefused."""
        try:
            self._socket.settimeout(self._left(until))
            self._socket.sendall(data)
        except OSError as error:
            raise self._fault(error, "took no request") from None

    def receive(self, until: float) -> bytes:
        """Return what comes next; nothing where the server closed the connection. Raises as `send`."""
        try:
            self._socket.settimeout(self._left(until))
            return self._socket.recv(LARGEST_PIECE)
        except OSError as error:
            raise self._fault(error, "gave no answer") from None

    def close(self) -> None:
        """Close it. May be called twice."""
        self._socket.close()

    def _left(self, until: float) -> float:
        left = until - time.monotonic()
        if left <= 0:
            raise socket.timeout
        return left

    def _connected(self, until: float) -> socket.socket:
        failure: OSError = ConnectionRefusedError("nobody answers")
        for family, place in _resolved(self._address, until):
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(self._left(until))
                connection.connect(place)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as error:
                connection.close()
                failure = error
                continue
            return connection
        raise self._fault(failure, "cannot be reached")

    def _fault(self, error: Exception, what: str) -> Exception:
        where = str(self._address)
        if isinstance(error, socket.timeout):
            return ServerLate(
                f"{where} {what} in time.",
                "Look whether it is overloaded or far away; --server-deadline gives it longer.",
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return ServerRefused(
                f"{where} has a certificate that is not trusted: {printable(error.verify_message)}.",
                "Name the certificate of its authority with --server-ca, and the host as the certificate has it.",
            )
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return ServerRefused(
                f"{where} does not take this machine's certificate, or wants one: {printable(error.reason or '')}.",
                "Name one that it trusts with --server-cert.",
            )
        if isinstance(error, ssl.SSLError):
            return ServerUnreachable(
                f"{where} {what}: {printable(error.reason or str(error))}.",
                "Check the port, and whether it is http:// or grpc:// that belongs there.",
            )
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerUnreachable(
            f"{where} {what}: {printable(words).lower()}.",
            "Check that the server runs, its address and port, and that this machine is in its network.",
        )


def _resolved(address: ServerAddress, until: float) -> List[Tuple[int, Any]]:
    """Look the name up in a thread, because the system's resolver cannot be told to stop."""
    host, port = address.host, address.port
    try:
        numbers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [(entry[0], entry[4]) for entry in numbers]
    except (socket.gaierror, UnicodeError):
        pass  # a name, not a number
    found: List[Tuple[int, Any]] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            found.extend((entry[0], entry[4]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=look_up, name="fer-edge-resolver", daemon=True)
    thread.start()
    thread.join(max(0.0, until - time.monotonic()))
    if not found:
        raise ServerUnreachable(
            f"{address} cannot be reached: there is no answer for the host name '{printable(host)}'.",
            "Check the spelling, or write the server's IP address instead.",
        )
    return list(found)
