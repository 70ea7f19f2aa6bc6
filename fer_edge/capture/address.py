"""Addresses of network sources, and connecting to them without ever blocking for long."""

from __future__ import annotations

import os
import re
import select
import socket
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, List, Tuple
from urllib.parse import unquote, urljoin, urlsplit

from fer_edge.errors import SourceUnreachable, UsageError
from fer_edge.system.masking import mask, printable

_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_REDIRECTS = {
    "http": ("http", "https"),
    "https": ("https",),
    "rtsp": ("rtsp", "rtsps"),
    "rtsps": ("rtsps",),
}
"""Where a scheme may lead: never from a safe connection, which somebody asked for, to one in clear."""

_SLICE = 0.1


@dataclass(frozen=True)
class CameraAddress:
    """The parts of a URL.

    Attributes
    ----------
    url : str
        As given, with credentials.
    scheme, host : str
        In lower case; an IPv6 address without brackets.
    port : int
        The scheme's own if the URL names none.
    path : str
        With the query, without the fragment; at least ``/``.
    user, password : str
        Decoded; empty if the URL has none.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str
    user: str
    password: str

    @property
    def name(self) -> str:
        """The URL as it may be shown."""
        return printable(mask(self.url), len(self.url))

    @property
    def origin(self) -> Tuple[str, str, int]:
        """Scheme, host and port: what credentials belong to."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host and port as they stand in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def elsewhere(self, location: str) -> CameraAddress:
        """Return where a redirect leads, without the credentials that stand in it: a stranger chose those.

        Raises UsageError if it leads nowhere or into another protocol, SourceUnreachable if out of a safe connection.
        """
        try:
            target = CameraAddress._take_apart(urljoin(self.url, location.strip()))
        except ValueError:
            raise UsageError(f"{printable(mask(location))} is no valid address.") from None
        if target.scheme not in _REDIRECTS.get(self.scheme, ()):
            if self.scheme in _REDIRECTS.get(target.scheme, ()):
                raise SourceUnreachable(
                    f"{self.name} refers to {printable(target.name)}, which is not a safe connection as {self.scheme}:// is.",
                    "Set the camera so that it does not refer there; or give that address, where the network is safe.",
                )
            raise UsageError(f"{printable(target.name)} is of another protocol.")
        url = f"{target.scheme}://{target.netloc}{target.path}"
        return replace(target, url=url, user="", password="")

    @classmethod
    def parse(cls, url: str) -> CameraAddress:
        """Take a URL apart. Raises UsageError if it has no host, a port that is none, or a password that ends too early."""
        authority, before, _ = re.split(r"([/?#]|$)", url.partition("//")[2], maxsplit=1)
        user, at, _ = url.partition("//")[2].rpartition("@")
        if at and before and len(user) >= len(authority) and ":" in user:
            # A password such as 12/34: the host would be the user, and learn the rest of it.
            raise UsageError(
                f"{mask(url)} has an @ behind its host, which may be the end of a password with a / in it.",
                "Write / as %2F, ? as %3F, # as %23 and @ as %40 in a user name or password, and an @ in a path as %40.",
            )
        return cls._take_apart(url)

    @classmethod
    def _take_apart(cls, url: str) -> CameraAddress:
        if any(letter <= " " or letter.isspace() for letter in url):
            # It may stand within a password, which `mask` would not find.
            raise UsageError(
                "The address of the camera holds a space or a control character.",
                "Write a space as %20, or leave it out.",
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            # The library's own words may hold a part of the password.
            raise UsageError(
                f"{mask(url)} is no valid address.",
                "Check host and port; in a user name or password, write / as %2F, @ as %40, ? as %3F and # as %23.",
            ) from None
        if not parts.hostname:
            raise UsageError(f"{mask(url)} names no host.", "Write it like http://192.168.1.20:8080/video.")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        scheme = parts.scheme.lower()
        return cls(
            url,
            scheme,
            parts.hostname,
            port or _PORTS.get(scheme, 80),
            path,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


def connect(address: CameraAddress, timeout: float, interrupted: threading.Event) -> socket.socket:
    """Open a TCP connection to `address`.

    Parameters
    ----------
    timeout : float
        Seconds for name resolution and connection together.
    interrupted : Event
        Gives up within a tenth of a second once set.

    Returns
    -------
    socket
        Not blocking.

    Raises
    ------
    SourceUnreachable
        Saying whether the name is unknown, the connection was refused, or nothing answered.
    """
    deadline = time.monotonic() + timeout
    place = f"{address.host} port {address.port}"
    failure = "nothing answered"
    for family, target in _resolve(address, deadline, interrupted):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            status = connection.connect_ex(target)
            while status and wait_for(connection, deadline, interrupted, writing=True) is False:
                if interrupted.is_set() or time.monotonic() >= deadline:
                    break
            else:
                status = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if status == 0:
                    return connection
                failure = os.strerror(status).lower()
            connection.close()
        except BaseException:
            connection.close()
            raise
    if interrupted.is_set():
        raise SourceUnreachable(f"Connecting to {address.name} was interrupted.")
    if time.monotonic() >= deadline:
        failure = f"nothing answered within {timeout:g} s"
    raise SourceUnreachable(
        f"{address.name} cannot be reached: {failure} ({place}).",
        "Check that the camera is on, that its address and port are right, and that this machine is in its network.",
    )


def wait_for(connection: Any, deadline: float, interrupted: threading.Event, writing: bool = False) -> bool:
    """Wait until a socket can be read (or written); False once `deadline` (monotonic) passed or `interrupted` is set."""
    while not interrupted.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        readable, writable, _ = select.select(
            [] if writing else [connection], [connection] if writing else [], [], min(left, _SLICE)
        )
        if readable or writable:
            return True
    return False


def _resolve(address: CameraAddress, deadline: float, interrupted: threading.Event) -> List[Tuple[int, Any]]:
    """Look the name up in a thread, because the system's resolver cannot be told to stop."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [(entry[0], entry[4]) for entry in found]
    except (socket.gaierror, UnicodeError):
        pass  # a name, not a number
    answers: List[Tuple[int, Any]] = []
    failures: List[str] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            answers.extend((entry[0], entry[4]) for entry in entries)
        except (OSError, UnicodeError) as error:
            failures.append(str(error))

    thread = threading.Thread(target=look_up, name="fer-edge-resolver", daemon=True)
    thread.start()
    while thread.is_alive() and time.monotonic() < deadline and not interrupted.is_set():
        thread.join(_SLICE)
    if answers or interrupted.is_set():
        return list(answers)
    raise SourceUnreachable(
        f"{address.name} cannot be reached: there is no answer for the host name '{address.host}'.",
        "Check the spelling, or write the camera's IP address instead.",
    )
