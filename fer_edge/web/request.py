"""One request and its reply, without a connection: bytes go in and come out, so that time and threads are the server's."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus
from typing import List, NamedTuple, Optional, Tuple

import h11

MOST_BYTES = 16384
"""Of a request; what follows is not read."""


class Question(NamedTuple):
    """What a peer asks.

    Attributes
    ----------
    method, path : str
        The path without its query.
    authorization : bytes
        The header of that name, as it came; empty if there is none.
    """

    method: str
    path: str
    authorization: bytes


class Reply(NamedTuple):
    """What it is told.

    Attributes
    ----------
    status : int
        Of HTTP, 200 to 599.
    content_type : str
        Of the body, in ASCII.
    body : bytes
        Of any length.
    """

    status: int
    content_type: str
    body: bytes


class Misunderstood(ValueError):
    """What a peer sent is no request, or a longer one than is read.

    Attributes
    ----------
    reply : Reply
        What to say to it.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.reply = Reply(status, "text/plain", f"{words}\n".encode("ascii"))


class Request:
    """Reads the head of a request however it is cut, and writes the reply. What stands behind the head is not looked at.

    Attributes
    ----------
    left : int
        Bytes that may still be read.
    """

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_BYTES)
        self._is_head = False
        self.left = MOST_BYTES

    def feed(self, data: bytes) -> Optional[Question]:
        """Take at most `left` bytes that came, and return the question; None while more of it is to come.

        Raises
        ------
        Misunderstood
            It is none, or too long.
        """
        self._http.receive_data(data)
        self.left -= len(data)
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            # Its own words hold the stranger's bytes.
            raise Misunderstood(
                error.error_status_hint, "This is no request of HTTP, or one of 1.1 without a Host."
            ) from None
        if isinstance(event, h11.Request):
            self._is_head = event.method == b"HEAD"
            authorization = next((value for name, value in event.headers if name == b"authorization"), b"")
            path = event.target.partition(b"?")[0]
            return Question(event.method.decode("ascii"), path.decode("ascii"), bytes(authorization))
        if self.left <= 0:
            raise Misunderstood(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"No more than {MOST_BYTES} bytes of a request are read."
            )
        return None

    def write(self, reply: Reply) -> bytes:
        """Return the reply as it is sent, after which the connection ends; to HEAD without its body."""
        headers: List[Tuple[bytes, bytes]] = [
            (b"Server", b"fer-edge"),
            (b"Date", formatdate(usegmt=True).encode("ascii")),
        ]
        if reply.status == HTTPStatus.UNAUTHORIZED:
            headers.append((b"WWW-Authenticate", b"Bearer"))
        headers += [
            (b"Content-Type", reply.content_type.encode("ascii")),
            (b"Content-Length", b"%d" % len(reply.body)),
            (b"Cache-Control", b"no-store"),
            (b"Connection", b"close"),
        ]
        head = h11.Response(
            status_code=reply.status, reason=HTTPStatus(reply.status).phrase.encode("ascii"), headers=headers
        )
        told = self._http.send(head) or b""
        if not self._is_head:
            told += self._http.send(h11.Data(data=reply.body)) or b""
        return told + (self._http.send(h11.EndOfMessage()) or b"")
