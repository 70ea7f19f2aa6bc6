"""Accepts connections on one socket, and has uvicorn speak HTTP on them, in one thread with a loop of its own.

The connections are accepted here and not by uvicorn, which knows no limit for a peer, for a handshake or for the head of a
request.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any, Dict, Optional, Set, Tuple

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from fer_edge.web.connections import LONGEST_HEAD, MOST_CONNECTIONS, Connection, Connections

logger = logging.getLogger("fer_edge")

MOST_BYTES = 16384
"""Of a request's head; a longer one is refused."""

KEEP_ALIVE = 3.0
"""Seconds that a connection may wait for its next request; less than those after which it is cut."""

BACK_OFF = 0.2
"""Seconds to wait when no connection can be accepted, for want of descriptors; they come back when others are closed."""

START_SECONDS, STOP_SECONDS = 10.0, 3.0
"""Longest that the thread may take to begin, and to end."""

LAST_ANSWERS = 1.0
"""Seconds that answers have which are being given when it ends, or when who asked has closed their side."""

_PACE = 0.005
"""Seconds from one connection that had to make room to the next, so that a flood costs little."""

_LOOK = 0.1


class _Http(H11Protocol):
    """HTTP on one connection; `app_state`, which each request gets, has the entry of `Connections`."""

    def connection_made(self, transport: Any) -> None:
        self.app_state["transport"] = transport
        super().connection_made(transport)

    def eof_received(self) -> Optional[bool]:  # type: ignore[override]
        """Give whoever has nothing more to ask, but may still listen, the answer that is under way, if it has an end."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or self.app_state["connection"].streams:
            return None
        cycle.keep_alive = False
        self.loop.call_later(LAST_ANSWERS, self.transport.close)
        return True

    def connection_lost(self, exc: Optional[Exception]) -> None:
        super().connection_lost(exc)
        self.app_state["leave"]()


class Server:
    """Answers on a socket from `start` to `stop`.

    Parameters
    ----------
    listening : socket
        One that listens and does not block; closed at the end.
    application : callable
        Of ASGI 3. The ``state`` of its scopes holds ``connection`` (`Connection`), ``connections`` and ``transport``.
    tls : SSLContext, optional
        The server's side of TLS.
    """

    def __init__(self, listening: socket.socket, application: Any, tls: Optional[ssl.SSLContext]) -> None:
        self.connections = Connections()
        self._listening = listening
        self._tls = tls
        self._at_work: Set[asyncio.Future[Any]] = set()
        self._exhausted = False
        self._ready = threading.Event()
        self._closing: Optional[asyncio.Event] = None
        self._loop = asyncio.new_event_loop()
        self._config = uvicorn.Config(
            application,
            http=_Http,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            # What strangers send is no news, and what fails here is told by the application.
            log_level="critical",
            access_log=False,
            server_header=False,
            # Who asks is who connects: a header that says otherwise may be anybody's.
            proxy_headers=False,
            timeout_keep_alive=int(KEEP_ALIVE),
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=MOST_BYTES,
        )
        self._uvicorn = uvicorn.Server(self._config)
        self._thread = threading.Thread(target=self._run, name="fer-edge-web", daemon=True)

    def start(self) -> None:
        """Begin to answer. Raises RuntimeError where no thread can be had."""
        try:
            self._thread.start()
        except RuntimeError:
            self._listening.close()
            self._loop.close()
            raise
        if not self._ready.wait(START_SECONDS):
            logger.warning("nobody is answered yet: the machine is busy", extra={"event": "web_late"})

    def stop(self) -> None:
        """Close the port and every connection, and end the thread; an answer that is being given has a second."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            logger.warning("the thread that answers on %s did not end", self._listening, extra={"event": "web_hangs"})

    def _end(self) -> None:
        if self._closing is not None:
            self._closing.set()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(_note)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._listening.close()
            asyncio.set_event_loop(None)
            self._loop.close()

    async def _serve(self) -> None:
        self._closing = asyncio.Event()
        serving = asyncio.ensure_future(self._uvicorn.serve(sockets=[]))
        while not self._uvicorn.started and not serving.done():
            await asyncio.sleep(0)
        self._loop.add_reader(self._listening.fileno(), self._accept)
        cutting = asyncio.ensure_future(self._cut_old())
        self._ready.set()
        await self._closing.wait()
        cutting.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()
        await self._let_finish()
        self.connections.cut_all()
        self._uvicorn.should_exit = True
        await asyncio.wait([serving], timeout=STOP_SECONDS / 2)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=STOP_SECONDS / 4)

    async def _let_finish(self) -> None:
        """Give ordinary answers a moment; those that go on for ever have none."""
        loop = asyncio.get_event_loop()
        until = loop.time() + LAST_ANSWERS
        while self.connections.are_being_answered() and loop.time() < until:
            await asyncio.sleep(0.01)

    async def _cut_old(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            self.connections.cut_old()

    def _accept(self) -> None:
        """Take a connection that came, where there is room for it."""
        try:
            connection, peer = self._take()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if not self._exhausted:
                logger.warning("no connection can be accepted: %s", error.strerror)
            self._exhausted = True
            self._rest(BACK_OFF)
            return
        self._exhausted = False
        before = self.connections.displaced
        # Those that had to make room may still be ending.
        crowded = len(self._at_work) + len(self._uvicorn.server_state.connections) >= 2 * MOST_CONNECTIONS
        entry = None if crowded else self.connections.let_in(connection, peer[0])
        if entry is None:
            connection.close()
        else:
            self._speak(connection, entry)
        if entry is None or self.connections.displaced != before:
            self._rest(_PACE)

    def _take(self) -> Tuple[socket.socket, Any]:
        connection, peer = self._listening.accept()
        connection.setblocking(False)
        return connection, peer

    def _rest(self, seconds: float) -> None:
        """Take no connection for so long."""
        self._loop.remove_reader(self._listening.fileno())

        def go_on() -> None:
            if self._listening.fileno() >= 0:
                self._loop.add_reader(self._listening.fileno(), self._accept)

        self._loop.call_later(seconds, go_on)

    def _speak(self, connection: socket.socket, entry: Connection) -> None:
        """Begin to speak HTTP on a connection, after the handshake where there is one."""

        def leave() -> None:
            self.connections.leave(entry)

        state: Dict[str, Any] = {"connection": entry, "connections": self.connections, "leave": leave}

        def protocol() -> _Http:
            return _Http(config=self._config, server_state=self._uvicorn.server_state, app_state=state)

        def begun(task: asyncio.Future[Any]) -> None:
            self._at_work.discard(task)
            if task.cancelled() or task.exception() is not None:
                leave()
                connection.close()

        limits = {} if self._tls is None else {"ssl_handshake_timeout": LONGEST_HEAD}
        task = asyncio.ensure_future(
            self._loop.connect_accepted_socket(protocol, connection, ssl=self._tls, **limits), loop=self._loop
        )
        self._at_work.add(task)
        task.add_done_callback(begun)


def _note(loop: asyncio.AbstractEventLoop, context: Dict[str, Any]) -> None:  # noqa: ARG001
    """Put into the log, for those who search, what asyncio would print a traceback of."""
    logger.debug("in the thread that answers: %s", context.get("message"), exc_info=context.get("exception"))
