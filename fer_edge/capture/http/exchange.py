"""One GET request and its answer, without a connection: bytes go in and come out, so that every wait is the caller's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple, Union
from urllib.parse import quote

import h11

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.http.lenient import allowed
from fer_edge.errors import UsageError

LONGEST_HEAD = 65536
"""Bytes of an answer's head, and of what announces a chunk."""

_END = re.compile(rb"\n\r?\n")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


class NoAnswer(ValueError):
    """What came is no answer of HTTP."""


@dataclass(frozen=True)
class Head:
    """The head of an answer.

    Attributes
    ----------
    status : int
        200 to 999.
    reason : str
        In the server's words, which are a stranger's; may be empty.
    fields : tuple of (str, str)
        Names in lower case, and values.
    """

    status: int
    reason: str
    fields: Tuple[Tuple[str, str], ...]

    def all(self, name: str) -> Tuple[str, ...]:
        """Return the values of every field of this name, in lower case."""
        return tuple(value for found, value in self.fields if found == name)

    def first(self, name: str) -> str:
        """Return the value of the first field of this name; empty if there is none."""
        return next(iter(self.all(name)), "")

    @property
    def content_type(self) -> str:
        """Type and subtype in lower case, without parameters; empty if the server says none."""
        return self.first("content-type").partition(";")[0].strip().lower()

    @property
    def is_framed(self) -> bool:
        """Whether the body says itself where it ends, so that one that is cut off can be told from a whole one."""
        return bool(self.first("content-length") or self.first("transfer-encoding"))


class Exchange:
    """Makes a request, and reads the answer however its bytes are cut.

    Parameters
    ----------
    target : CameraAddress
        What to ask for.
    authorization : str
        The value of that header; empty to send none.

    Raises
    ------
    UsageError
        The name or the password holds what no request can carry, such as the end of a line.
    """

    def __init__(self, target: CameraAddress, authorization: str = "") -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._begun = b""
        self._in_body = False
        self._ended = False
        self._is_framed = False
        self.is_whole = False
        """Whether the body has come to the end that it says itself."""
        headers = [
            (b"Host", _bytes(target.netloc)),
            (b"Accept", b"multipart/x-mixed-replace, image/jpeg, */*;q=0.5"),
            (b"User-Agent", b"fer-edge"),
            (b"Connection", b"close"),
        ]
        if authorization:
            headers.append((b"Authorization", _bytes(authorization)))
        try:
            request = h11.Request(method="GET", target=in_request(target.path), headers=headers)
        except h11.LocalProtocolError:
            raise UsageError(
                f"The user name or the password for {target.name} holds a control character, which no request can carry.",
                "Look for %0A, %0D or %00 in it, and write it anew.",
            ) from None
        self.request = (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        """What to send."""

    def feed(self, data: bytes) -> None:
        """Take what came; nothing at all means that the server has closed the connection.

        Raises
        ------
        NoAnswer
            The head has not come to its end and is too long, or never will.
        """
        if self._in_body:
            self._http.receive_data(data)
            return
        self._begun += data
        if not data or (len(self._begun) > LONGEST_HEAD and not _END.search(self._begun)):
            raise NoAnswer(f"{len(self._begun)} bytes, and no head")

    def head(self) -> Optional[Head]:
        """Return the head; None while more of it is to come. What is said before it, such as 100 Continue, is passed over.

        Raises
        ------
        NoAnswer
            It is no answer of HTTP.
        """
        while True:
            end = _END.search(self._begun)
            if end is None:
                return None
            self._http.receive_data(allowed(self._begun[: end.end()]))
            self._begun = self._begun[end.end() :]
            event = self._next()
            if isinstance(event, h11.Response):
                self._in_body = True
                if self._begun:
                    self._http.receive_data(self._begun)
                fields = tuple((_text(name), _text(value)) for name, value in event.headers)
                head = Head(event.status_code, _text(event.reason), fields)
                self._is_framed = head.is_framed
                return head
            if not isinstance(event, h11.InformationalResponse):
                raise NoAnswer("no status line")

    def body(self) -> Optional[bytes]:
        """Return the next bytes of the body; None while none are here, nothing at its end or where it is broken off."""
        while not self._ended:
            try:
                event = self._next()
            except NoAnswer:
                event = h11.PAUSED
            if event is h11.NEED_DATA:
                return None
            if isinstance(event, h11.Data) and event.data:
                return bytes(event.data)
            self._ended = not isinstance(event, h11.Data)
            self.is_whole = self._is_framed and isinstance(event, h11.EndOfMessage)
        return b""

    def _next(self) -> Union[h11.Event, type[h11.NEED_DATA], type[h11.PAUSED]]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise NoAnswer(str(error)) from None


def in_request(path: str) -> str:
    """Return a path and query as they stand in a request: what is not ASCII is written as browsers do, ``%C3%BC`` for ``ü``."""
    return quote(_bytes(path), safe=_ASCII)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("latin-1")
