"""RTSP messages and the packets between them (RFC 2326, also its section 10.12), cut out of a stream of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterator, List, Optional, Tuple, Union

_LONGEST_HEAD = 65536
_LONGEST_BODY = 1 << 20  # a session description has some hundred bytes
_SHORTEST_PACKET = 8  # bytes; what FFmpeg asks of RTP and RTCP
_DOLLAR = 0x24
_REPLY = re.compile(r"RTSP/\d\.\d +(\d{3})(?: +(.*))?")
_REQUEST = re.compile(r"([A-Z_]{3,20}) +(\S+) +RTSP/\d\.\d")
_END = re.compile(rb"\n\r?\n")

Headers = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class Message:
    """A request or a reply.

    Attributes
    ----------
    method, uri : str
        Of a request; empty for a reply.
    status : int
        Of a reply; 0 for a request.
    reason : str
        Of a reply.
    headers : tuple of pairs
        Names and values, without those that tell the body's length.
    body : bytes
        Often empty.
    """

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""

    def all(self, name: str) -> List[str]:
        """Return the values of each header of that name."""
        return [value for given, value in self.headers if given.lower() == name.lower()]

    def get(self, name: str) -> str:
        """Return the value of the first header of that name; empty if there is none."""
        return next(iter(self.all(name)), "")

    def without(self, *names: str) -> Headers:
        """Return the headers other than those."""
        left_out = {name.lower() for name in names}
        return tuple((name, value) for name, value in self.headers if name.lower() not in left_out)

    def encode(self) -> bytes:
        """Return the message as it is sent."""
        first = f"{self.method} {self.uri} RTSP/1.0" if self.method else f"RTSP/1.0 {self.status} {self.reason}"
        lines = [first, *(f"{name}: {value}" for name, value in self.headers)]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + self.body


class MessageSplitter:
    """Cuts what comes into messages and packets, however it is cut; lines between that are neither are left out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._first = ""  # line of the message that the buffer begins with, once it is there
        self._looked = 0  # up to where there is no end of what is sought
        self._head: Optional[Message] = None
        self._body_at = 0
        self._end = 0

    def feed(self, data: bytes) -> Iterator[Union[bytes, Message]]:
        """Take the next bytes, and give what they complete: messages, and packets in one piece as long as they follow another.

        The work is that of the bytes, however they are cut. Raises ValueError for a message that is longer than any.
        """
        self._buffer += data
        while self._buffer:
            if not self._first:
                if self._buffer[0] == _DOLLAR:
                    before = len(self._buffer)
                    packets = self._packets()
                    if packets:
                        yield packets
                    elif len(self._buffer) == before:
                        return
                    continue
                if not self._begin():
                    return
                continue
            message = self._message()
            if message is None:
                return
            yield message

    def _begin(self) -> bool:
        """Take or leave out the line at the start; False if it is not complete."""
        if self._buffer[0] in b"\r\n":
            del self._buffer[0]
            return True
        end = self._buffer.find(b"\n", self._looked)
        if end < 0:
            if len(self._buffer) > _LONGEST_HEAD:
                raise ValueError("a line without an end")
            self._looked = len(self._buffer)
            return False
        first = _text(self._buffer[:end])
        if _REPLY.fullmatch(first) or _REQUEST.fullmatch(first):
            self._first, self._looked = first, end
        else:
            del self._buffer[: end + 1]
            self._looked = 0
        return True

    def _packets(self) -> bytes:
        """Take the whole packets at the start: a dollar sign, a channel, a length in two bytes, and as many bytes.

        Those that FFmpeg holds for too short are left out, as it goes on to read what is in them as text.
        """
        data, kept, start, at = self._buffer, bytearray(), 0, 0
        while at + 4 <= len(data) and data[at] == _DOLLAR:
            length = data[at + 2] << 8 | data[at + 3]
            if at + 4 + length > len(data):
                break
            if length < _SHORTEST_PACKET:
                kept += data[start:at]
                start = at + 4 + length
            at += 4 + length
        kept += data[start:at]
        del data[:at]
        return bytes(kept)

    def _message(self) -> Optional[Message]:
        if self._head is None:
            self._head = self._take_head()
        if self._head is None or len(self._buffer) < self._end:
            return None
        message = replace(self._head, body=bytes(self._buffer[self._body_at : self._end]))
        del self._buffer[: self._end]
        self._first, self._looked, self._head = "", 0, None
        return message

    def _take_head(self) -> Optional[Message]:
        end = _END.search(self._buffer, self._looked)
        if end is None or end.end() > _LONGEST_HEAD:
            if len(self._buffer) > _LONGEST_HEAD:
                raise ValueError("a head without an end")
            self._looked = max(self._looked, len(self._buffer) - 2)
            return None
        headers = [
            (name.strip(), value.strip())
            for name, colon, value in (
                _text(line).partition(":") for line in self._buffer[: end.start()].split(b"\n")[1:]
            )
            if colon
        ]
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        length = int(lengths[0]) if lengths and re.fullmatch("[0-9]{1,9}", lengths[0]) else 0
        if length > _LONGEST_BODY:
            raise ValueError("a body that is too long")
        self._body_at, self._end = end.end(), end.end() + length
        kept = tuple((name, value) for name, value in headers if name.lower() != "content-length")
        reply = _REPLY.fullmatch(self._first)
        if reply:
            return Message(status=int(reply.group(1)), reason=reply.group(2) or "", headers=kept)
        method, uri, _ = self._first.split()
        return Message(method, uri, headers=kept)


def _text(line: Union[bytes, bytearray]) -> str:
    return line.decode("utf-8", "surrogateescape").strip("\r\n ")
