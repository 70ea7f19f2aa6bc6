"""What every request goes through: who asks, from where, and how long it may take."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Optional

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_edge.web.access import Access
from fer_edge.web.connections import peer_of
from fer_edge.web.origin import HEADERS, Origins
from fer_edge.web.refusal import Refusal

if TYPE_CHECKING:
    from fer_edge.web.connections import Connection, Connections

logger = logging.getLogger("fer_edge")

_LOOK = 0.02


class Guard:
    """Stands before the routes: checks host, origin and token, adds headers, and turns every failure into an answer.

    Parameters
    ----------
    application : callable
        What answers those who may ask.
    access : Access
        Knows the token.
    origins : Origins
        Knows the names of this machine.
    """

    def __init__(self, application: ASGIApp, access: Access, origins: Origins) -> None:
        self._application = application
        self._access = access
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        connections: Connections = scope["state"]["connections"]
        connection: Connection = scope["state"]["connection"]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                asked = scope["raw_path"].decode("latin-1")  # as it came: what is decoded may steer a terminal
                peer = scope["client"][0] if scope.get("client") else ""
                logger.debug("%s %s %s: %d", peer, scope["method"], asked, message["status"])
            connections.writes(connection)
            await send(message)
            connection.writing_since = None

        connections.ask(connection)
        try:
            try:
                self._check(scope)
                await self._application(scope, receive, answer)
            except Refusal as refusal:
                await refusal.answer()(scope, receive, answer)
            except _Leave:
                await RedirectResponse("/login", 303)(scope, receive, answer)
            except Exception:  # whatever it is, it is the end of this answer only
                logger.warning("an answer could not be given", exc_info=True, extra={"event": "web_answer_failed"})
            transport = scope["state"]["transport"]
            while not connection.gone and transport.get_write_buffer_size():
                await asyncio.sleep(_LOOK)
        finally:
            connections.answered(connection)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        client = scope.get("client")
        peer = peer_of(client[0])[0] if client else ""
        path, method = scope["path"], scope["method"]
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy in between may take another end for the right one, and so another beginning of the next request.
            raise Refusal(400, "The request has two lengths.", "Send one of them.", {"Connection": "close"})
        # Who knows the token is no web site.
        if self._access.needed and self._access.knows(headers.get("authorization", ""), peer):
            return
        self._origins.check(method, path, headers)
        if not self._access.needed or self._access.is_logged_in(headers.get("cookie", "")):
            return
        if path == "/login" or path.startswith("/static/"):
            return
        if path == "/" and method == "GET" and "text/html" in headers.get("accept", ""):
            raise _Leave
        raise self._access.refusal()


class _Leave(Exception):
    """A person is to log in first."""


async def body_of(receive: Receive, most: int, seconds: float) -> Optional[bytes]:
    """Return what was sent after the head of a request; None where that is too long, takes too long, or breaks off."""

    async def read() -> Optional[bytes]:
        content = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            content += bytes(message.get("body", b""))
            if len(content) > most:
                return None
            if not message.get("more_body"):
                return content

    try:
        return await asyncio.wait_for(read(), seconds)
    except asyncio.TimeoutError:
        return None
