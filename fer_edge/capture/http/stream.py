"""The body of an HTTP answer, as it comes, with every wait bounded.

HTTP clients block inside buffered readers that cannot be left and entered again. Here `Exchange` knows HTTP, and this module
the connection: redirects, passwords and time.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import Optional

from fer_edge.capture.address import CameraAddress, connect, wait_for
from fer_edge.capture.authentication import Authentication, password_is_not_for
from fer_edge.capture.http.exchange import Exchange, Head, NoAnswer, in_request
from fer_edge.capture.tls import DEFAULTS, TlsSettings, secure
from fer_edge.errors import SourceUnreachable, UsageError
from fer_edge.system.masking import mask, printable

_PIECE = 65536
_GOOD = (200, 203, 206)
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_ASKED = 6  # requests for one answer: four redirects, and a password


class HttpStream:
    """One GET request and its body.

    Parameters
    ----------
    address : CameraAddress
        What to ask for.
    timeout : float
        Seconds within which the head of the answer must be here.
    interrupted : Event
        Every wait ends within a tenth of a second once it is set.
    authentication : Authentication, optional
        What an earlier request to this address learned of it.
    tls : TlsSettings
        How to check who answers at ``https://``.

    Attributes
    ----------
    status : int
        Of the last answer; 0 before there is one.
    content_type : str
        Type and subtype in lower case, without parameters; empty if the server says none.
    is_framed : bool
        Whether the answer says where its body ends.
    """

    def __init__(
        self,
        address: CameraAddress,
        timeout: float,
        interrupted: threading.Event,
        authentication: Optional[Authentication] = None,
        tls: TlsSettings = DEFAULTS,
    ) -> None:
        self.status = 0
        self.content_type = ""
        self.is_framed = False
        self._tls = tls
        self._address = address
        self._authentication = authentication or Authentication(address)
        self._timeout = timeout
        self._interrupted = interrupted
        self._connection: Optional[socket.socket] = None
        self._exchange: Optional[Exchange] = None

    def open(self) -> None:
        """Send the request and read the head of the answer. Raises SourceUnreachable unless it is a good one."""
        deadline = time.monotonic() + self._timeout
        target, has_left, refusals = self._address, False, 0
        for _ in range(_MOST_ASKED):
            authorization = "" if has_left else self._authentication.answer(target, "GET", in_request(target.path))
            head = self._ask(target, authorization, deadline)
            self.status = head.status
            if head.status in _REDIRECTS and head.first("location"):
                target = self._elsewhere(target, head.first("location"))
                # Also when it comes back: whoever it was chose what would be asked for with our name.
                has_left = has_left or target.origin != self._address.origin
            elif head.status == 401 and self._authentication.is_for(target) and not has_left:
                if not self._authentication.challenge(head.all("www-authenticate")):
                    break
                if refusals and not (refusals == 1 and self._authentication.is_stale):
                    break
                refusals += 1
            elif head.status in _GOOD:
                self.content_type, self.is_framed = head.content_type, head.is_framed
                return
            else:
                break
        self.close()
        if head.status == 401 and has_left and self._address.user:
            raise password_is_not_for(self._address, target)
        if head.status in _REDIRECTS and head.first("location"):
            raise SourceUnreachable(
                f"{self._address.name} refers from one address to the next, at last to {printable(target.name)}.",
                "Open the address in a browser to see where it leads.",
            )
        raise SourceUnreachable(
            f"{self._address.name} answers: {head.status} {printable(head.reason)}.".replace(" .", "."),
            self._advice(head.status),
        )

    def read(self, timeout: float) -> Optional[bytes]:
        """Return the next bytes of the body.

        Returns
        -------
        bytes or None
            Empty at the end of the body; None when nothing came in time, or when interrupted.
        """
        if self._exchange is None:
            raise ValueError("the connection is closed")
        deadline = time.monotonic() + timeout
        while True:
            body = self._exchange.body()
            if body is not None:
                return body
            piece = self._receive(deadline)
            if piece is None:
                return None
            self._exchange.feed(piece)
            if time.monotonic() >= deadline:
                return self._exchange.body()

    @property
    def is_whole(self) -> bool:
        """Whether all of the body came that the answer had announced."""
        return self._exchange is not None and self._exchange.is_whole

    def close(self) -> None:
        """Close the connection; may be called twice."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            connection.close()

    @property
    def _open_connection(self) -> socket.socket:
        if self._connection is None:
            raise ValueError("the connection is closed")
        return self._connection

    def _ask(self, target: CameraAddress, authorization: str, deadline: float) -> Head:
        self.close()
        exchange = Exchange(target, authorization)
        try:
            self._connection = connect(target, max(0.0, deadline - time.monotonic()), self._interrupted)
        except SourceUnreachable:
            if target is self._address:
                raise
            raise SourceUnreachable(
                f"{self._address.name} refers to {printable(target.name)}, which cannot be reached.",
                "Open the address in a browser to see where it leads.",
            ) from None
        try:
            if target.scheme == "https":
                self._connection = secure(self._open_connection, target, deadline, self._interrupted, self._tls)
            self._send(exchange.request, deadline)
            head = self._read_head(exchange, deadline)
        except OSError as error:
            self.close()
            raise SourceUnreachable(
                f"{self._address.name} broke the connection off: {error}.", "Check the address and the port."
            ) from None
        except BaseException:
            self.close()
            raise
        self._exchange = exchange
        return head

    def _elsewhere(self, target: CameraAddress, location: str) -> CameraAddress:
        try:
            return target.elsewhere(location)
        except SourceUnreachable:
            self.close()
            raise
        except UsageError:
            self.close()
            raise SourceUnreachable(
                f"{self._address.name} refers to another address that is none: {printable(mask(location))}.",
                "Open the address in a browser to see where it leads.",
            ) from None

    def _send(self, data: bytes, deadline: float) -> None:
        connection = self._open_connection
        while data:
            self._wait(deadline, writing=True)
            try:
                data = data[connection.send(data) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue

    def _read_head(self, exchange: Exchange, deadline: float) -> Head:
        try:
            head = exchange.head()
            while head is None:
                piece = self._receive(deadline)
                if piece is None:
                    raise self._late()
                exchange.feed(piece)
                head = exchange.head()
            return head
        except NoAnswer:
            raise SourceUnreachable(
                f"{self._address.name} does not speak HTTP.", "Check the address and the port."
            ) from None

    def _receive(self, deadline: float) -> Optional[bytes]:
        """Return what came; None at the deadline or when interrupted, empty at the end of the connection."""
        connection = self._open_connection
        while not self._interrupted.is_set():
            try:
                return connection.recv(_PIECE)
            except (BlockingIOError, ssl.SSLWantReadError):
                if not wait_for(connection, deadline, self._interrupted):
                    return None
            except OSError:  # reset, or ended without TLS's goodbye
                return b""
        return None

    def _wait(self, deadline: float, writing: bool = False) -> None:
        if not wait_for(self._connection, deadline, self._interrupted, writing):
            raise self._late()

    def _late(self) -> SourceUnreachable:
        return SourceUnreachable(
            f"{self._address.name} did not answer within {self._timeout:g} s.",
            "Check the address and the port; one that is slow to answer needs a longer --connect-timeout.",
        )

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            if self._address.user:
                return "The user name or the password is wrong, or this user may not see the picture."
            return f"Put the user and password into the address: {self._address.with_placeholder}"
        if status == 404:
            return "The host is there, but not this path: look up the camera's address for MJPEG."
        return "Open the address in a browser to see what it gives."
