from __future__ import annotations

import socket
from typing import Iterator, List, Optional, Tuple

import pytest

from fer_edge.web.connections import (
    LONGEST_CONNECTION,
    LONGEST_HEAD,
    LONGEST_WRITE,
    MOST_CONNECTIONS,
    MOST_FROM_ELSEWHERE,
    MOST_OF_A_PEER,
    Connection,
    Connections,
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Door:
    """Connections of peers with made-up addresses, over real sockets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.connections = Connections(self.clock)
        self.sockets: List[socket.socket] = []

    def come(self, host: str) -> Tuple[socket.socket, Optional[Connection]]:
        ours, theirs = socket.socketpair()
        self.sockets += [ours, theirs]
        theirs.setblocking(False)
        return theirs, self.connections.let_in(ours, host)

    def let_in(self, host: str) -> Tuple[socket.socket, Connection]:
        theirs, entry = self.come(host)
        assert entry is not None
        return theirs, entry


def is_cut(theirs: socket.socket) -> bool:
    try:
        return theirs.recv(1) == b""
    except BlockingIOError:
        return False


@pytest.fixture
def door() -> Iterator[Door]:
    opened = Door()
    yield opened
    for end in opened.sockets:
        end.close()


@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "fe80::7%eth0"])
def test_a_peer_with_too_many_loses_its_oldest_one(door: Door, peer: str) -> None:
    other, _ = door.let_in("192.0.2.8")
    peers = [door.let_in(peer)[0] for _ in range(MOST_OF_A_PEER)]
    assert not any(map(is_cut, [other, *peers]))
    door.let_in(peer)
    assert [is_cut(theirs) for theirs in peers] == [True] + [False] * (MOST_OF_A_PEER - 1)
    assert not is_cut(other)
    assert len(door.connections) == MOST_OF_A_PEER + 1


def test_all_addresses_of_a_network_of_ipv6_are_one_peer(door: Door) -> None:
    first, _ = door.let_in("2001:db8::1")
    for number in range(MOST_OF_A_PEER):
        door.let_in(f"2001:db8::1:{number}")
    assert is_cut(first)


def test_peers_of_other_machines_cannot_take_the_room_that_is_kept_for_this_one(door: Door) -> None:
    strangers = [door.let_in(f"192.0.2.{number}")[1] for number in range(MOST_FROM_ELSEWHERE)]
    for entry in strangers:
        entry.asked = True
    assert door.come("198.51.100.1")[1] is None
    for _ in range(MOST_CONNECTIONS - MOST_FROM_ELSEWHERE):
        door.let_in("127.0.0.1")[1].asked = True
    assert len(door.connections) == MOST_CONNECTIONS
    assert door.come("127.0.0.1")[1] is None


def test_who_has_asked_does_not_have_to_go(door: Door) -> None:
    answered, entry = door.let_in("192.0.2.7")
    entry.asked = True
    unread, _ = door.let_in("192.0.2.7")
    unread.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    silent = [door.let_in("192.0.2.7")[0] for _ in range(MOST_OF_A_PEER - 2)]
    for _ in silent:
        door.let_in("192.0.2.7")[1].asked = True
    assert all(map(is_cut, silent))
    assert not is_cut(answered)
    assert not is_cut(unread)
    assert door.come("192.0.2.7")[1] is None


def test_of_a_full_house_the_busiest_peer_makes_room(door: Door) -> None:
    lonely, _ = door.let_in("192.0.2.7")
    crowd = [door.let_in("127.0.0.1")[0] for _ in range(MOST_CONNECTIONS - 1)]
    door.let_in("127.0.0.1")
    assert is_cut(crowd[0])
    assert not is_cut(lonely)
    assert door.connections.displaced == 1


def test_those_that_take_too_long_are_cut(door: Door) -> None:
    silent, _ = door.let_in("127.0.0.1")
    slow, entry = door.let_in("127.0.0.1")
    entry.asked = True
    door.clock.now += LONGEST_HEAD
    door.connections.cut_old()
    assert not is_cut(silent)
    door.clock.now += 0.1
    door.connections.cut_old()
    assert is_cut(silent)
    assert not is_cut(slow)
    door.clock.now = 100.0 + LONGEST_CONNECTION + 0.1
    door.connections.cut_old()
    assert is_cut(slow)


def test_who_leaves_makes_room(door: Door) -> None:
    entries = [door.let_in("127.0.0.1")[1] for _ in range(MOST_CONNECTIONS)]
    for entry in entries:
        entry.asked = True
    door.connections.leave(entries[3])
    door.connections.leave(entries[3])
    assert len(door.connections) == MOST_CONNECTIONS - 1
    door.let_in("127.0.0.1")


def test_a_reader_of_a_stream_is_cut_where_it_takes_nothing_and_not_for_the_length(door: Door) -> None:
    theirs, entry = door.let_in("127.0.0.1")
    door.connections.ask(entry)
    entry.streams = True
    door.clock.now += 10 * LONGEST_CONNECTION
    door.connections.cut_old()
    assert not is_cut(theirs)
    door.connections.writes(entry)
    door.clock.now += LONGEST_WRITE
    door.connections.cut_old()
    assert not is_cut(theirs)
    door.clock.now += 0.1
    door.connections.cut_old()
    assert is_cut(theirs)


def test_a_next_request_has_as_long_as_the_first(door: Door) -> None:
    theirs, entry = door.let_in("127.0.0.1")
    door.connections.ask(entry)
    door.clock.now += LONGEST_CONNECTION
    door.connections.answered(entry)
    door.clock.now += LONGEST_HEAD
    door.connections.cut_old()
    assert not is_cut(theirs)
    door.clock.now += 0.1
    door.connections.cut_old()
    assert is_cut(theirs)
