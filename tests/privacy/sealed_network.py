"""Runs a command where the network ends at this process, and writes down what the command wanted from it.

``sealed_network.py REPORT COMMAND...``: the command gets a network namespace of its own. Every packet in it is seen, and a name
server in it notes each name and answers with this machine. The file that the command finds in the variable NAMES_ASKED_FOR is
there once there was a name. REPORT gets ``{"code": 0, "names": [...], "packets": [...]}``.
Needs root, or a kernel that lets users make namespaces; ends with `CANNOT` where it has neither.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import List

CANNOT = 77

_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x20000, 0x10000000, 0x40000000  # linux/sched.h
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000  # linux/mount.h
_SIOCADDRT, _SIOCSIFFLAGS = 0x890B, 0x8914  # linux/sockios.h
_UP = 0x1 | 0x40  # up and running, linux/if.h
_EVERY_PROTOCOL = 3  # linux/if_ether.h
_OUTGOING = 4  # linux/if_packet.h
_A = 1  # a question for an IPv4 address

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter() -> None:
    """Leave the machine's network and its list of mounts for empty ones."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        _check(_libc.unshare(_NEW_MOUNTS | _NEW_NETWORK))
    else:
        _check(_libc.unshare(_NEW_USER | _NEW_MOUNTS | _NEW_NETWORK))
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    _check(_libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None))


def ask_here(folder: Path) -> None:
    """Have the C library ask the name server of this namespace, and nobody through a socket of the machine."""
    for path, text in (
        ("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
        ("/etc/nsswitch.conf", "hosts: files dns\n"),
    ):
        if os.path.exists(path):  # without the first, it asks 127.0.0.1 anyway
            file = folder / os.path.basename(path)
            file.write_text(text, encoding="ascii")
            _check(_libc.mount(os.fsencode(file), path.encode(), None, _BIND, None))
    for service in ("/run/nscd", "/run/systemd/resolve"):
        if os.path.isdir(service):
            empty = folder / service.replace("/", "-")
            empty.mkdir()
            _check(_libc.mount(os.fsencode(empty), service.encode(), None, _BIND, None))


def lead_everything_here() -> None:
    """Bring the loopback up, with a route to everywhere: what is sent to an address is seen, though no name was asked for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _UP))
        device = ctypes.create_string_buffer(b"lo")
        nowhere = struct.pack("HH4s8x", socket.AF_INET, 0, bytes(4))
        # struct rtentry of linux/route.h: destination, gateway and mask are all zero, RTF_UP is 1.
        route = struct.pack("@L16s16s16sHhLPhP", 0, nowhere, nowhere, nowhere, 1, 0, 0, 0, 0, ctypes.addressof(device))
        fcntl.ioctl(control, _SIOCADDRT, route.ljust(120, b"\0"))


def serve_names(server: socket.socket, names: List[str], asked: Path) -> None:
    """Note every name that is asked for; each is at 127.0.0.1."""
    while True:
        question, asker = server.recvfrom(4096)
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", "replace"))
            at += 1 + question[at]
        names.append(".".join(labels))
        asked.touch()
        (kind,) = struct.unpack_from("!H", question, at + 1)
        answer = b"\xc0\x0c" + struct.pack("!HHIH4s", _A, 1, 5, 4, b"\x7f\0\0\1") if kind == _A else b""
        head = question[:2] + b"\x81\x80" + struct.pack("!HHHH", 1, 1 if answer else 0, 0, 0)
        server.sendto(head + question[12 : at + 5] + answer, asker)


def watch(every: socket.socket, packets: List[str], ended: threading.Event) -> None:
    """Note where every packet goes, until the command has ended and none is left."""
    every.settimeout(0.2)
    while True:
        try:
            packet, (_, _, direction, *_) = every.recvfrom(65536)
        except socket.timeout:
            if ended.is_set():
                return
            continue
        if direction == _OUTGOING:
            packets.append(describe(packet))


def describe(packet: bytes) -> str:
    """Say where an IP packet goes: ``udp 127.0.0.1:53``."""
    if packet[0] >> 4 == 6:
        protocol, place, at = packet[6], f"[{socket.inet_ntop(socket.AF_INET6, packet[24:40])}]", 40
    else:
        protocol, place, at = packet[9], socket.inet_ntoa(packet[16:20]), (packet[0] & 15) * 4
    name = {6: "tcp", 17: "udp"}.get(protocol)
    return f"{name} {place}:{struct.unpack_from('!H', packet, at + 2)[0]}" if name else f"protocol {protocol} {place}"


def main() -> int:
    """Run the command."""
    report, command = Path(sys.argv[1]), sys.argv[2:]
    names: List[str] = []
    packets: List[str] = []
    with tempfile.TemporaryDirectory(dir=report.parent) as folder:
        asked = Path(folder) / "asked"
        try:
            enter()
            ask_here(Path(folder))
            lead_everything_here()
            every = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_PROTOCOL))
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind(("127.0.0.1", 53))
        except OSError as error:
            sys.stderr.write(f"no network of its own can be had here: {error}\n")
            return CANNOT
        threading.Thread(target=serve_names, args=(server, names, asked), daemon=True).start()
        ended = threading.Event()
        watcher = threading.Thread(target=watch, args=(every, packets, ended))
        watcher.start()
        try:
            code = subprocess.call(command, env={**os.environ, "NAMES_ASKED_FOR": str(asked)})
        finally:
            ended.set()
            watcher.join()
        report.write_text(json.dumps({"code": code, "names": names, "packets": packets}), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
