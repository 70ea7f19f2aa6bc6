"""Addresses of network sources, and connecting to them without ever blocking for long."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, List, Tuple
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from fer_edge.errors import SourceUnreachable, UsageError
from fer_edge.system.masking import PLACEHOLDER, mask, printable
from fer_edge.system.user_info import split_user_info

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
        return printable(mask(self._without_user("***@")), len(self.url) + len("***@"))

    @property
    def encoded(self) -> str:
        """The URL as RFC 3986 has it, with credentials, for programs that know no other."""
        user, password = (quote(text, safe="", errors="surrogateescape") for text in (self.user, self.password))
        return self._without_user(f"{user}:{password}@" if user or password else "")

    @property
    def with_placeholder(self) -> str:
        """Scheme, host and port, and how to write a user and a password before them."""
        return f"{self.scheme}://{PLACEHOLDER}{self.netloc}"

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
            target = CameraAddress.parse(urljoin(self._without_user(), location.strip()))
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
        """Take a URL apart.

        User name and password may hold any sign as it is: `fer_edge.system.user_info` says where they end. ``%`` and two
        hexadecimal digits stand for a byte of UTF-8, any other ``%`` for itself.

        Raises
        ------
        UsageError
            The URL has no host, a port that is none, a space or a control character where none can be, or an ``@`` that may or
            may not be the end of a password.
        """
        before, slashes, behind = url.partition("//")
        info = split_user_info(behind)
        if info is None:
            raise UsageError(
                f"{mask(url)} can be read in more than one way: which @ ends the password?",
                "Write each @ but that before the host as %40, and in a user name or password / as %2F, ? as %3F and # as %23.",
            )
        given, rest = info.text or "", info.rest
        if any(letter < " " or letter == "\x7f" for letter in given) or any(
            letter <= " " or letter.isspace() or letter == "\x7f" for letter in before + rest
        ):
            raise UsageError(
                "The address of the camera holds a control character, or a space that is not in a user name or a password.",
                "Write a space as %20, or leave it out.",
            )
        try:
            parts = urlsplit(before + slashes + rest)
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
        user, _, password = given.partition(":")
        return cls(
            url, scheme, parts.hostname, port or _PORTS.get(scheme, 80), path, _decoded(user), _decoded(password)
        )

    def _without_user(self, instead: str = "") -> str:
        before, slashes, behind = self.url.partition("//")
        info = split_user_info(behind)
        if info is None or info.text is None:
            return self.url
        return f"{before}{slashes}{instead}{info.rest}"


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


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
