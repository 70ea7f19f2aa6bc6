"""Stands between FFmpeg and an RTSP camera, so that the camera decides neither where FFmpeg connects nor who gets a password.

FFmpeg follows a redirect with the credentials it has, to whatever host and in clear, and checks no certificate unless told to.
So it is told no credentials: it speaks to this relay on the loopback interface, which signs its requests for the one place that
the credentials were given for, follows redirects within limits, and does TLS itself. RTP over UDP goes beside the relay.
"""

from __future__ import annotations

import hmac
import secrets
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Optional, Union

from fer_edge.capture.address import CameraAddress, connect, wait_for
from fer_edge.capture.authentication import Authentication, password_is_not_for
from fer_edge.capture.rtsp.answer import reply_for_ffmpeg, request_for_ffmpeg
from fer_edge.capture.rtsp.message import Message, MessageSplitter
from fer_edge.capture.rtsp.refusal import refused
from fer_edge.capture.tls import DEFAULTS, TlsSettings, secure
from fer_edge.errors import SourceError, SourceUnreachable, UsageError
from fer_edge.system.masking import mask, printable

_PIECE = 65536
_MOST_REDIRECTS = 4
_MOST_PENDING = 32
_MOST_STRANGERS = 4
_STRANGER_WAIT = 10.0  # s; FFmpeg asks as soon as it is connected, others on this machine may only connect
_STRANGER_BYTES = 4096  # as long as a request of FFmpeg's can be
_OF_THE_STREAM = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY")


class RtspRelay:
    """Listens on the loopback interface, and passes on what FFmpeg asks.

    Parameters
    ----------
    address : CameraAddress
        The camera, with its credentials.
    timeout : float
        Seconds within which the camera must take a connection, and each request.
    tls : TlsSettings
        How to check an ``rtsps://`` camera.
    transport : str
        What FFmpeg was told to use, for messages.
    answered : callable
        Called once, when the camera has described its stream.

    Attributes
    ----------
    failure : SourceError or None
        What went wrong on the camera's side, as far as FFmpeg cannot know.
    has_heard : bool
        Whether anything came from the camera that is RTSP.
    refusal : SourceError or None
        What the camera said no to, if it was the last that it said of the stream.
    """

    def __init__(
        self,
        address: CameraAddress,
        timeout: float,
        tls: TlsSettings = DEFAULTS,
        transport: str = "",
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self.failure: Optional[SourceError] = None
        self.refusal: Optional[SourceError] = None
        self.has_heard = False
        self._transport = transport
        self._answered: Optional[Callable[[], None]] = answered
        self.address = address
        self.target = address
        self.timeout = timeout
        self.tls = tls
        self.authentication = Authentication(address)
        self.has_left = False
        self._redirects = 0
        self._never = threading.Event()
        self._strangers: List[socket.socket] = []
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        # Whoever else is on this machine cannot know it, and so gets nothing signed.
        self.base = f"rtsp://127.0.0.1:{self._listening.getsockname()[1]}/{secrets.token_hex(16)}"

    @property
    def url(self) -> str:
        """What FFmpeg is to open."""
        return self.base + self.target.path

    def run(self) -> None:
        """Serve FFmpeg's connections, each in a thread, until `close`."""
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                if len(self._strangers) >= _MOST_STRANGERS:
                    # Rather the one that has had time to ask; its own thread closes it.
                    with suppress(OSError):
                        self._strangers.pop(0).shutdown(socket.SHUT_RDWR)
                self._strangers.append(client)
            threading.Thread(target=self._serve, args=(client,), name="fer-edge-relay", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                client.setblocking(False)
                try:
                    first = self._introduction(client)
                finally:
                    with self._lock, suppress(ValueError):
                        self._strangers.remove(client)
                _Exchange(self, client).run(first)
            except SourceError as error:
                self.failure = error
            except (OSError, ValueError):
                pass  # gone, or speaking something else: FFmpeg notices

    def _introduction(self, client: socket.socket) -> bytes:
        """Return what a connection begins with. Raises ValueError unless its first line asks for what only FFmpeg knows."""
        deadline = time.monotonic() + _STRANGER_WAIT
        received = b""
        while b"\n" not in received:
            left = _STRANGER_BYTES - len(received)
            if left <= 0 or not wait_for(client, deadline, self._never):
                raise ValueError("a stranger")
            piece = client.recv(left)
            if not piece:
                raise ValueError("a stranger")
            received += piece
        words = received.partition(b"\n")[0].split()
        asked = words[1] if len(words) == 3 else b""
        if not hmac.compare_digest(asked[: len(self.base)], self.base.encode()):
            raise ValueError("a stranger")
        return received

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # ends `run`, too
        self._listening.close()

    def hear(self, method: str, reply: Message) -> None:
        """Note what the camera says to a request, once nothing more can be done about a refusal."""
        if method not in _OF_THE_STREAM:
            return  # FFmpeg does not mind
        self.refusal = (
            refused(self.address, reply.status, reply.reason, self._transport) if reply.status >= 400 else None
        )
        if method == "DESCRIBE" and reply.status == 200 and self._answered is not None:
            tell, self._answered = self._answered, None
            tell()

    def redirect(self, location: str) -> str:
        """Take what a camera refers to as the next target, and give the URL under which FFmpeg finds it."""
        self._redirects += 1
        if self._redirects > _MOST_REDIRECTS:
            raise SourceUnreachable(
                f"{self.address.name} refers from one address to the next without end.",
                "Look up the path of the camera's stream.",
            )
        try:
            self.target = self.target.elsewhere(location)
        except UsageError:
            raise SourceUnreachable(
                f"{self.address.name} refers to another address that is none: {printable(mask(location))}.",
                "Look up the path of the camera's stream.",
            ) from None
        # Also when it comes back: whoever it was chose what would be asked for with our name.
        self.has_left = self.has_left or self.target.origin != self.address.origin
        return self.url


@dataclass(frozen=True)
class _Request:
    message: Message
    number: str  # FFmpeg's own
    refusals: int = 0


class _Exchange:
    """One connection of FFmpeg's, and the one to the camera behind it."""

    def __init__(self, relay: RtspRelay, client: socket.socket) -> None:
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
