"""Answers that go on until the reader hangs up: pictures, and events as they happen."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, AsyncIterator, Dict, List, Optional

from starlette.types import Receive, Scope, Send

from fer_edge.sinks.lines import iso
from fer_edge.web.aside import Aside
from fer_edge.web.hub import Hub, persons_of
from fer_edge.web.pictures import BOUNDARY, as_part

TICK = 0.25
"""Seconds between two looks for what is new; so persons are told at most four times a second."""

STATUS_SECONDS, COMMENT_SECONDS = 2.0, 15.0
"""How often the status is told, and how often something is said to who gets nothing, which tells whether it still reads."""


class Stream:
    """An answer of pieces, until there are no more or the reader hangs up.

    Parameters
    ----------
    content_type : str
        Of the whole.
    pieces : async iterator of bytes
        Closed in any case.
    """

    def __init__(self, content_type: str, pieces: AsyncIterator[bytes]) -> None:
        self._content_type = content_type
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        scope["state"]["connection"].streams = True
        headers = [(b"content-type", self._content_type.encode("ascii")), (b"x-accel-buffering", b"no")]
        gone = asyncio.ensure_future(_hung_up(receive))
        piece: Optional[asyncio.Future[bytes]] = None
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while scope["method"] != "HEAD":
                piece = asyncio.ensure_future(_next(self._pieces))
                await asyncio.wait([gone, piece], return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    break
                await send({"type": "http.response.body", "body": piece.result(), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            tasks: List[asyncio.Future[Any]] = [gone] if piece is None else [gone, piece]
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await task
            await self._pieces.aclose()  # type: ignore[attr-defined]


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    return await pieces.__anext__()


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def pictures_of(hub: Hub, camera: str) -> AsyncIterator[bytes]:
    """Give the parts of a stream of pictures: the newest when the reader took the one before."""
    with hub.pictures.watched(camera):
        yield f"--{BOUNDARY}\r\n".encode()
        number = 0
        while True:
            picture = await hub.pictures.newer(camera, number, COMMENT_SECONDS)
            if picture is not None:
                number = picture.number
                yield as_part(picture)


class News:
    """Gives server-sent events: those that are kept since a number, then what is new.

    Parameters
    ----------
    hub : Hub
        Has events and persons.
    status : Aside
        Gives what ``/api/cameras`` does.
    camera : str, optional
        The only one of which is told.
    after : int, optional
        The number of the last event that the reader has; None for one that has none.
    """

    def __init__(self, hub: Hub, status: Aside[Dict[str, Any]], camera: Optional[str], after: Optional[int]) -> None:
        self._hub = hub
        self._status = status
        self._camera = camera
        last = hub.last
        # A higher one is of a run before this.
        self._after = last if after is None or after > last else after
        self._persons: Dict[str, Any] = {}

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give them, without end."""
        loop = asyncio.get_event_loop()
        status = await self._status()
        yield _event("hello", status, self._after)
        status_at = said_at = loop.time()
        while True:
            lines = self._happened()
            now = loop.time()
            if now - status_at >= STATUS_SECONDS:
                status, status_at = await self._status(), now
                lines.append(_event("status", status))
            lines += self._in_view([camera["name"] for camera in status["cameras"]])
            if not lines and now - said_at >= COMMENT_SECONDS:
                lines.append(b": still here\n\n")
            if lines:
                said_at = now
                yield b"".join(lines)
            await asyncio.sleep(TICK)

    def _happened(self) -> List[bytes]:
        events, lost, self._after = self._hub.events_after(self._after, self._camera)
        lines = [_event("lost", {"count": lost})] if lost else []
        return lines + [_event(event.name, event.record, event.number) for event in events]

    def _in_view(self, cameras: List[str]) -> List[bytes]:
        lines = []
        for camera in cameras:
            if self._camera not in (None, camera):
                continue
            newest = self._hub.newest(camera)
            persons = persons_of(newest)
            if newest is not None and self._persons.get(camera) != persons:
                self._persons[camera] = persons
                at = iso(newest.frame.timestamp)
                lines.append(_event("persons", {"camera": camera, "time": at, "persons": persons}))
        return lines


def camera_event(name: str, state: str, trouble: str) -> Dict[str, Any]:
    """Return what is told when a camera is lost, comes back or ends."""
    return {"camera": name, "state": state, "trouble": trouble, "time": iso(datetime.now(timezone.utc))}


def _event(name: str, content: Any, number: Optional[int] = None) -> bytes:
    lines = [f"event: {name}", f"data: {json.dumps(content, allow_nan=False, separators=(',', ':'))}"]
    if number is not None:
        lines.insert(0, f"id: {number}")
    return ("\n".join(lines) + "\n\n").encode()
