"""Who may hold how many connections: peers that only open some are to keep nobody else from being answered."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from fer_edge.system.clock import Clock

MOST_CONNECTIONS = 192
"""At a time. A process has 1024 descriptors where nobody asks for more, and cameras and files need some."""

MOST_FROM_ELSEWHERE = 160
"""The rest is kept for this machine itself."""

MOST_OF_A_PEER = 64
"""At a time from one address, or one /64 of IPv6; this machine itself may have all. A browser holds up to six for a page."""

LONGEST_HEAD, LONGEST_CONNECTION = 4.0, 10.0
"""Seconds to the end of a request's head, TLS' handshake included, and to the end of the answer."""

LONGEST_WRITE = 10.0
"""Seconds in which a reader of a stream that goes on has to take what was sent to it."""

_PEEKED = 16384


@dataclass(eq=False)
class Connection:
    """One connection that was let in."""

    socket: socket.socket
    peer: str
    local: bool
    since: float
    asked: bool = False
    """The head of a request has come, and its answer has not gone yet."""
    streams: bool = False
    """The answer goes on until the peer hangs up."""
    gone: bool = False
    """It is over."""
    writing_since: Optional[float] = None
    """Since when a piece of the answer waits for the peer to read; None while nothing waits."""


class Connections:
    """Lets connections in, and cuts those that last too long.

    A newcomer for whom there is no room takes the place of the oldest connection of the busiest peer that has not said what it
    wants. Only when all have does the newcomer have to go.

    Parameters
    ----------
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: List[Connection] = []
        self.displaced = 0
        """How many had to make room."""

    def __len__(self) -> int:
        """Return how many are open."""
        with self._lock:
            return len(self._open)

    def let_in(self, connection: socket.socket, host: str) -> Optional[Connection]:
        """Take a connection from `host`; None when there is no room for it."""
        peer, local = peer_of(host)
        with self._lock:
            crowd = self._crowd(peer, local)
            if crowd and not self._make_room(crowd):
                return None
            entry = Connection(connection, peer, local, self._clock())
            self._open.append(entry)
            return entry

    def ask(self, entry: Connection) -> None:
        """Note that the head of a request has come."""
        entry.asked, entry.streams, entry.since = True, False, self._clock()

    def answered(self, entry: Connection) -> None:
        """Note that the answer has gone: the next request has as long as the first."""
        entry.asked = entry.streams = False
        entry.writing_since, entry.since = None, self._clock()

    def writes(self, entry: Connection) -> None:
        """Note that a piece of the answer is to be written from now on."""
        entry.writing_since = self._clock()

    def leave(self, entry: Connection) -> None:
        """Forget a connection that is over."""
        entry.gone = True
        with self._lock, suppress(ValueError):  # it had to make room
            self._open.remove(entry)

    def are_being_answered(self) -> bool:
        """Return whether an answer is being given that comes to an end."""
        with self._lock:
            return any(entry.asked and not entry.streams for entry in self._open)

    def cut_old(self) -> None:
        """Cut connections that last too long."""
        now = self._clock()
        with self._lock:
            for entry in self._open:
                if _is_too_long(entry, now):
                    _cut(entry)

    def cut_all(self) -> None:
        """Cut every connection."""
        with self._lock:
            for entry in self._open:
                _cut(entry)

    def _crowd(self, peer: str, local: bool) -> Sequence[Connection]:
        """Return those of whom one has to go before another comes; nobody where there is room."""
        if not local:
            same = [entry for entry in self._open if entry.peer == peer]
            if len(same) >= MOST_OF_A_PEER:
                return same
            elsewhere = [entry for entry in self._open if not entry.local]
            if len(elsewhere) >= MOST_FROM_ELSEWHERE:
                return elsewhere
        return self._open if len(self._open) >= MOST_CONNECTIONS else ()

    def _make_room(self, crowd: Sequence[Connection]) -> bool:
        waiting = [entry for entry in crowd if not entry.asked and not _has_asked(entry.socket)]
        if not waiting:
            return False
        peers = [entry.peer for entry in waiting]
        busiest = max(peers, key=peers.count)
        oldest = next(entry for entry in waiting if entry.peer == busiest)
        _cut(oldest)
        self._open.remove(oldest)
        self.displaced += 1
        return True


def peer_of(host: str) -> Tuple[str, bool]:
    """Return what counts as one peer, and whether that is this machine."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False)), address.is_loopback
        address = address.ipv4_mapped
    return str(address), address.is_loopback


def _is_too_long(entry: Connection, now: float) -> bool:
    if entry.streams:
        return entry.writing_since is not None and now - entry.writing_since > LONGEST_WRITE
    return now - entry.since > (LONGEST_CONNECTION if entry.asked else LONGEST_HEAD)


def _has_asked(connection: socket.socket) -> bool:
    """Return whether the head of a request has come that no thread has had the time to read."""
    try:
        # Not through a TLS socket, which does not peek; there is no head to be seen within it anyway.
        head = socket.socket.recv(connection, _PEEKED, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return b"\n\r\n" in head or b"\n\n" in head


def _cut(entry: Connection) -> None:
    with suppress(OSError):  # the peer may have gone first
        # Past a TLS socket's own shutdown, which would have another thread go on in clear.
        socket.socket.shutdown(entry.socket, socket.SHUT_RDWR)
