"""One connection of FFmpeg's through the relay: what it asks is signed and passed on, and what the camera says comes back."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass, replace
from typing import Dict, Optional, Protocol, Union

from fer_edge.capture.address import CameraAddress, connect, wait_for
from fer_edge.capture.authentication import Authentication, password_is_not_for
from fer_edge.capture.rtsp.answer import reply_for_ffmpeg, request_for_ffmpeg
from fer_edge.capture.rtsp.message import Message, MessageSplitter
from fer_edge.capture.tls import TlsSettings, secure
from fer_edge.errors import SourceError, SourceUnreachable
from fer_edge.system.masking import printable

_PIECE = 65536
_MOST_PENDING = 32


class Relay(Protocol):
    """What the connections of one stream have in common; `fer_edge.capture.rtsp.relay.RtspRelay`."""

    address: CameraAddress
    target: CameraAddress
    timeout: float
    tls: TlsSettings
    authentication: Authentication
    base: str
    has_left: bool
    has_heard: bool
    failure: Optional[SourceError]

    def close(self) -> None:
        """Take no more connections."""

    def hear(self, method: str, reply: Message) -> None:
        """Note what the camera says to a request."""

    def redirect(self, location: str) -> str:
        """Take what a camera refers to as the next target, and give the URL under which FFmpeg finds it."""


@dataclass(frozen=True)
class _Request:
    message: Message
    number: str  # FFmpeg's own
    refusals: int = 0


class Exchange:
    """One connection of FFmpeg's, and the one to the camera behind it.

    Parameters
    ----------
    relay : Relay
        Knows the camera.
    client : socket
        FFmpeg's connection, which does not block.
    """

    def __init__(self, relay: Relay, client: socket.socket) -> None:
        self._relay = relay
        self._client = client
        self._camera: Optional[Union[socket.socket, ssl.SSLSocket]] = None
        self._peer = ""
        self._pending: Dict[str, _Request] = {}
        self._count = 0
        self._never = threading.Event()

    def run(self, first: bytes) -> None:
        """Pass on what comes from either side, until one of them ends; `first` is what FFmpeg sent already."""
        asked, told = MessageSplitter(), MessageSplitter()
        self._connect()
        try:
            for item in asked.feed(first):
                self._from_client(item)
            while True:
                camera = self._camera
                if camera is None:
                    return
                waiting = isinstance(camera, ssl.SSLSocket) and camera.pending() > 0
                readable = select.select([self._client, camera], [], [], 0.0 if waiting else None)[0]
                if self._client in readable:
                    data = _receive(self._client)
                    if data == b"":
                        return
                    for item in asked.feed(data or b""):
                        self._from_client(item)
                if waiting or camera in readable:
                    data = _receive(camera)
                    if data == b"":
                        return
                    for item in told.feed(data or b""):
                        self._from_camera(item)
        finally:
            if self._camera is not None:
                self._camera.close()

    def _from_client(self, item: Union[bytes, Message]) -> None:
        if isinstance(item, bytes) or item.status:
            self._send_to_camera(item if isinstance(item, bytes) else item.encode())
            return
        if item.method == "PLAY":
            self._relay.close()  # FFmpeg connects anew for a redirect alone, and those end here
        target = self._relay.target
        place = f"{target.scheme}://{target.netloc}"
        headers = tuple(
            (name, value.replace(self._relay.base, place)) for name, value in item.without("CSeq", "Authorization")
        )
        message = replace(item, uri=item.uri.replace(self._relay.base, place), headers=headers)
        self._ask(_Request(message, item.get("CSeq")))

    def _ask(self, request: _Request) -> None:
        self._count += 1
        number = str(self._count)
        self._pending[number] = request
        while len(self._pending) > _MOST_PENDING:  # a camera need not answer what only keeps it awake
            del self._pending[next(iter(self._pending))]
        headers = (("CSeq", number), *request.message.headers)
        if not self._relay.has_left:
            answer = self._relay.authentication.answer(self._relay.target, request.message.method, request.message.uri)
            headers += (("Authorization", answer),) if answer else ()
        self._send_to_camera(replace(request.message, headers=headers).encode())

    def _from_camera(self, item: Union[bytes, Message]) -> None:
        self._relay.has_heard = True
        if isinstance(item, bytes) or item.method:
            self._send_to_client(item if isinstance(item, bytes) else request_for_ffmpeg(item).encode())
            return
        if not self._pending:
            return  # FFmpeg would take it for the answer to what it asks next
        number = item.get("CSeq")
        request = self._pending.pop(number if number in self._pending else next(iter(self._pending)))
        if item.status == 401 and self._asks_again(item, request):
            self._ask(replace(request, refusals=request.refusals + 1))
            return
        self._relay.hear(request.message.method, item)
        location = self._relay.redirect(item.get("Location")) if 300 <= item.status < 400 else ""
        answer = reply_for_ffmpeg(item, request.message.method, request.number, self._peer, location)
        self._send_to_client(answer.encode())

    def _asks_again(self, refusal: Message, request: _Request) -> bool:
        """Learn from a refusal how to sign, and tell whether to try that."""
        relay = self._relay
        if relay.has_left or not relay.authentication.is_for(relay.target):
            if relay.address.user and relay.has_left:
                relay.failure = password_is_not_for(relay.address, relay.target)
            return False
        if not relay.authentication.challenge(refusal.all("WWW-Authenticate")):
            return False
        return request.refusals == 0 or (request.refusals == 1 and relay.authentication.is_stale)

    def _connect(self) -> None:
        relay = self._relay
        deadline = time.monotonic() + relay.timeout
        try:
            connection = connect(relay.target, relay.timeout, self._never)
        except SourceUnreachable:
            if not relay.has_left:
                raise
            raise SourceUnreachable(
                f"{relay.address.name} refers to {printable(relay.target.name)}, which cannot be reached.",
                "Look up the path of the camera's stream.",
            ) from None
        self._peer = connection.getpeername()[0]
        if relay.target.scheme == "rtsps":
            self._camera = secure(connection, relay.target, deadline, self._never, relay.tls)
        else:
            self._camera = connection

    def _send_to_camera(self, data: bytes) -> None:
        deadline = time.monotonic() + self._relay.timeout
        while data and self._camera is not None:
            if not wait_for(self._camera, deadline, self._never, writing=True):
                raise TimeoutError
            try:
                data = data[self._camera.send(data) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue

    def _send_to_client(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            # As long as nobody takes images: the process that this runs in is ended from outside.
            select.select([], [self._client], [])
            try:
                view = view[self._client.send(view) :]
            except BlockingIOError:
                continue


def _receive(connection: Union[socket.socket, ssl.SSLSocket]) -> Optional[bytes]:
    """Return what came; None if that is nothing yet, empty at the end of the connection."""
    try:
        return connection.recv(_PIECE)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except OSError:
        return b""
