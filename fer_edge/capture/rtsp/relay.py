"""Stands between FFmpeg and an RTSP camera, so that the camera decides neither where FFmpeg connects nor who gets a password.

FFmpeg follows a redirect with the credentials it has, to whatever host and in clear, and checks no certificate unless told to.
So it is told no credentials: it speaks to this relay on the loopback interface, which signs its requests for the one place that
the credentials were given for, follows redirects within limits, and does TLS itself. RTP over UDP goes beside the relay.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from contextlib import suppress
from typing import Callable, List, Optional

from fer_edge.capture.address import CameraAddress, wait_for
from fer_edge.capture.authentication import Authentication
from fer_edge.capture.rtsp.exchange import Exchange
from fer_edge.capture.rtsp.message import Message
from fer_edge.capture.rtsp.refusal import refused
from fer_edge.capture.tls import DEFAULTS, TlsSettings
from fer_edge.errors import SourceError, SourceUnreachable, UsageError
from fer_edge.system.masking import mask, printable

_MOST_REDIRECTS = 4
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
                Exchange(self, client).run(first)
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
