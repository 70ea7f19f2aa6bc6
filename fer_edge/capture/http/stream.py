"""The body of an HTTP answer, as it comes, with every wait bounded.

The standard library's clients block inside buffered readers that cannot be left and entered again, so this one speaks the
little of RFC 9112 that a camera needs: GET, redirects, authentication, and chunked bodies.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import threading
import time
from email.message import Message
from typing import Optional, Tuple

from fer_edge.capture.address import Address, connect, mask, printable, wait_for
from fer_edge.capture.authentication import Authentication, password_is_not_for
from fer_edge.capture.http.chunked import ChunkedDecoder
from fer_edge.capture.tls import secure
from fer_edge.errors import SourceUnreachable, UsageError

_PIECE = 65536
_LONGEST_HEAD = 65536
_MOST_ASKED = 6  # requests for one answer: four redirects, and a password


class HttpStream:
    """One GET request and its body.

    Parameters
    ----------
    address : Address
        What to ask for.
    timeout : float
        Seconds within which the head of the answer must be here.
    interrupted : Event
        Every wait ends within a tenth of a second once it is set.
    authentication : Authentication, optional
        What an earlier request to this address learned of it.
    """

    def __init__(
        self,
        address: Address,
        timeout: float,
        interrupted: threading.Event,
        authentication: Optional[Authentication] = None,
    ) -> None:
        self.content_type = ""
        self._address = address
        self._authentication = authentication or Authentication(address)
        self._timeout = timeout
        self._interrupted = interrupted
        self._connection: Optional[socket.socket] = None
        self._received = b""
        self._chunks: Optional[ChunkedDecoder] = None
        self._left: Optional[int] = None

    def open(self) -> None:
        """Send the request and read the head of the answer. Raises SourceUnreachable unless it is a good one."""
        deadline = time.monotonic() + self._timeout
        target, has_left, refusals = self._address, False, 0
        for _ in range(_MOST_ASKED):
            authorization = "" if has_left else self._authentication.answer(target, "GET", target.path)
            status, reason, headers = self._ask(target, authorization, deadline)
            if status in (301, 302, 303, 307, 308) and headers["Location"]:
                target = self._elsewhere(target, headers["Location"])
                # Also when it comes back: whoever it was chose what would be asked for with our name.
                has_left = has_left or target.origin != self._address.origin
            elif status == 401 and self._authentication.is_for(target) and not has_left:
                if not self._authentication.challenge(headers.get_all("WWW-Authenticate") or []):
                    break
                if refusals and not (refusals == 1 and self._authentication.is_stale):
                    break
                refusals += 1
            elif status == 200:
                self.content_type = headers.get_content_type() if headers["Content-Type"] else ""
                return
            else:
                break
        self.close()
        if status == 401 and has_left and self._address.user:
            raise password_is_not_for(self._address, target)
        raise SourceUnreachable(
            f"{self._address.name} answers: {status} {printable(reason)}.".replace(" .", "."), self._advice(status)
        )

    def read(self, timeout: float) -> Optional[bytes]:
        """Return the next bytes of the body.

        Returns
        -------
        bytes or None
            Empty at the end of the body; None when nothing came in time, or when interrupted.
        """
        deadline = time.monotonic() + timeout
        while True:
            if self._left == 0 or (self._chunks is not None and self._chunks.ended):
                return b""
            raw, self._received = self._received, b""
            if not raw:
                more = self._receive(deadline)
                if not more:
                    return more
                raw = more
            body = raw if self._chunks is None else self._chunks.feed(raw)
            if self._left is not None:
                body = body[: self._left]
                self._left -= len(body)
            if body:
                return body
            if time.monotonic() >= deadline:
                return None

    def close(self) -> None:
        """Close the connection; may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def _open_connection(self) -> socket.socket:
        if self._connection is None:
            raise ValueError("the connection is closed")
        return self._connection

    def _ask(self, target: Address, authorization: str, deadline: float) -> Tuple[int, str, Message]:
        self.close()
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
                self._connection = secure(self._open_connection, target, deadline, self._interrupted)
            self._send(_request(target, authorization), deadline)
            return self._read_head(deadline)
        except OSError as error:
            self.close()
            raise SourceUnreachable(
                f"{self._address.name} broke the connection off: {error}.", "Check the address and the port."
            ) from None
        except BaseException:
            self.close()
            raise

    def _elsewhere(self, target: Address, location: str) -> Address:
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

    def _read_head(self, deadline: float) -> Tuple[int, str, Message]:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self._receive(deadline)
            if not piece or len(head) > _LONGEST_HEAD:
                what = "gave no answer in time" if piece is None else "does not speak HTTP"
                raise SourceUnreachable(f"{self._address.name} {what}.", "Check the address and the port.")
            head += piece
        head, _, self._received = head.partition(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        found = re.match(rb"HTTP/1\.\d (\d{3}) ?(.*)", line)
        if found is None:
            raise SourceUnreachable(f"{self._address.name} does not speak HTTP.", "Check the address and the port.")
        try:
            headers = http.client.parse_headers(io.BytesIO(rest + b"\r\n\r\n"))
        except http.client.HTTPException:  # a hundred headers and more
            raise SourceUnreachable(
                f"{self._address.name} does not speak HTTP as a camera does.", "Check the address and the port."
            ) from None
        chunked = "chunked" in (headers["Transfer-Encoding"] or "").lower()
        self._chunks = ChunkedDecoder() if chunked else None
        length = headers["Content-Length"] or ""
        self._left = int(length) if re.fullmatch("[0-9]{1,18}", length) and not chunked else None
        return int(found.group(1)), found.group(2).decode("latin-1"), headers

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
            raise SourceUnreachable(
                f"{self._address.name} did not answer within {self._timeout:g} s.", "Check the address and the port."
            )

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            if self._address.user:
                return "The user name or the password is wrong, or this user may not see the picture."
            return "It wants a user and a password: write USER:PASSWORD@ before the host in the address."
        if status == 404:
            return "The host is there, but not this path: look up the camera's address for MJPEG."
        return "Open the address in a browser to see what it gives."


def _request(target: Address, authorization: str) -> bytes:
    lines = [
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.netloc}",
        "Accept: multipart/x-mixed-replace, image/jpeg, */*;q=0.5",
        "User-Agent: fer-edge",
        "Connection: close",
    ]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
