"""Is there a display that a window can be opened on? Asked without risking the process.

The Qt in OpenCV's wheels ends the whole process when the X server cannot be reached or refuses it. So the first step that
Qt would take is taken here: connect, and greet as the X protocol says (X Window System Protocol, version 11, chapter 8).
"""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
import time
from typing import Iterator, Mapping, NamedTuple, Optional, Tuple

import cv2

from fer_edge.ui.qt import missing_library

_PATIENCE = 2.0
"""Seconds that the X server has for each step of its answer."""

_ATTEMPTS, _PAUSE = 8, 0.1
"""How often a server that hangs up while greeting is asked again, and after how many seconds: it may be starting anew."""

_COOKIE = b"MIT-MAGIC-COOKIE-1"
_FAMILY_LOCAL, _FAMILY_WILD = 256, 65535
_DISPLAY = re.compile(r"^(?P<host>[^:/]*|/.*|unix):(?P<number>[0-9]{1,9})(?:\.[0-9]+)?$")


def display_available(environment: Optional[Mapping[str, str]] = None) -> Tuple[bool, str]:
    """Return whether a window can be opened.

    Parameters
    ----------
    environment : mapping of str to str, optional
        Instead of `os.environ`.

    Returns
    -------
    available : bool
    reason : str
        Why not, in words that can follow a colon; empty when it can.
    """
    connection, reason = reach_display(environment)
    if connection is not None:
        connection.close()
    return not reason, reason


def reach_display(environment: Optional[Mapping[str, str]] = None) -> Tuple[Optional[socket.socket], str]:
    """Do what `display_available` does, and leave the connection open.

    An X server without a desktop, such as Xvfb, starts anew when its last client leaves, and hangs up on whoever comes
    meanwhile. A window is therefore opened before this connection is closed.

    Returns
    -------
    connection : socket or None
        To be closed by the caller.
    reason : str
        Empty when a window can be opened.
    """
    environment = os.environ if environment is None else environment
    if not _opencv_has_windows():
        return None, "this OpenCV was built without windows (opencv-python-headless is; opencv-python has them)"
    if not sys.platform.startswith("linux"):
        return None, ""
    name = environment.get("DISPLAY", "")
    if not name:
        if environment.get("WAYLAND_DISPLAY"):
            return None, "the environment variable DISPLAY is not set: this Wayland desktop runs without Xwayland"
        return None, "the environment variable DISPLAY is not set, so there is no desktop to open a window on"
    missing = missing_library()
    if missing:
        return None, f"a library that windows need is missing ({missing})"
    match = _DISPLAY.match(name)
    if match is None:
        return None, f"DISPLAY is '{name}', which names no X server"
    for attempt in range(_ATTEMPTS):
        try:
            return _greet(match["host"], int(match["number"]), name, environment)
        except (ConnectionResetError, BrokenPipeError, EOFError) as error:
            reason = _words(error)
            if attempt + 1 < _ATTEMPTS:
                time.sleep(_PAUSE)
        except OSError as error:
            reason = _words(error)
            break
    return None, f"the X server '{name}' that DISPLAY names cannot be reached ({reason})"


def _opencv_has_windows() -> bool:
    found = re.search(r"^\s*GUI:[ \t]*(\S*)", cv2.getBuildInformation(), re.MULTILINE)
    return found is None or found.group(1).upper() != "NONE"


def _greet(host: str, number: int, name: str, environment: Mapping[str, str]) -> Tuple[Optional[socket.socket], str]:
    connection = _connected(host, number)
    try:
        connection.settimeout(_PATIENCE)
        local = connection.family == socket.AF_UNIX
        cookie = _cookie(environment, number, None if local else connection.getpeername()[0])
        kind = _COOKIE if cookie else b""
        greeting = struct.pack("<BxHHHHxx", 0x6C, 11, 0, len(kind), len(cookie)) + _padded(kind) + _padded(cookie)
        connection.sendall(greeting)
        status, length = struct.unpack("<BB6x", _received(connection, 8))
        if status == 1:
            return connection, ""
        words = _received(connection, length).decode("ascii", "replace").strip() if status == 0 else "it wants a login"
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None, f"the X server '{name}' refused this user: {words}"


def _connected(host: str, number: int) -> socket.socket:
    if host not in ("", "unix") and not host.startswith("/"):
        return socket.create_connection((host, 6000 + number), _PATIENCE)
    path = f"{host}:{number}" if host.startswith("/") else f"/tmp/.X11-unix/X{number}"  # noqa: S108  # Its fixed place.
    try:
        return _connected_to(path)
    except OSError:
        return _connected_to("\0" + path)


def _connected_to(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _received(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError("it hung up")
        data += piece
    return data


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or "no answer"


class _Entry(NamedTuple):
    """One line of an Xauthority file."""

    family: int
    address: bytes
    number: bytes
    kind: bytes
    data: bytes


def _cookie(environment: Mapping[str, str], number: int, peer: Optional[str]) -> bytes:
    """Return the secret for a display, chosen as libXau does (its function XauGetBestAuthByAddr), or nothing."""
    path = environment.get("XAUTHORITY") or os.path.join(environment.get("HOME", ""), ".Xauthority")
    hostname = socket.gethostname().encode()
    for entry in _entries(path):
        if peer is None or peer in ("127.0.0.1", "::1"):
            ours = entry.family == _FAMILY_LOCAL and entry.address == hostname
        else:
            ours = entry.address == socket.inet_pton(socket.AF_INET6 if ":" in peer else socket.AF_INET, peer)
        numbered = entry.number in (b"", str(number).encode())
        if (ours or entry.family == _FAMILY_WILD) and numbered and entry.kind == _COOKIE:
            return entry.data
    return b""


def _entries(path: str) -> Iterator[_Entry]:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return
    at = 0
    while at + 2 <= len(content):
        (family,) = struct.unpack_from(">H", content, at)
        at += 2
        fields = []
        for _ in range(4):
            if at + 2 > len(content):
                return
            (length,) = struct.unpack_from(">H", content, at)
            fields.append(content[at + 2 : at + 2 + length])
            at += 2 + length
        yield _Entry(family, fields[0], fields[1], fields[2], fields[3])
