"""Where a server is: ``http://HOST[:PORT]``, ``grpc://HOST[:PORT]``, and with an ``s`` for TLS."""

from __future__ import annotations

import re
from typing import NamedTuple

from fer_edge.system.address import Address, parse_address

PORTS = {"http": 8000, "https": 443, "grpc": 8001, "grpcs": 443}
"""Of each scheme, where none is said: in clear those of Triton, with TLS that of whatever stands before it."""

FORM = "http://HOST:8000 or grpc://HOST:8001, with https:// or grpcs:// for TLS"

_KEPT_APART = (
    "a user and a password do not belong there, where everybody on this machine can read them; a token is set as "
    "FER_EDGE_SERVER_TOKEN, or in the file that server_token_file names"
)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class ServerAddress(NamedTuple):
    """Where a server is, and how it is spoken to.

    Attributes
    ----------
    scheme : str
        ``http``, ``https``, ``grpc`` or ``grpcs``.
    host : str
        A name or a number.
    port : int
        1 to 65535.
    path : str
        Of HTTP, what stands before ``/v2``; empty for nothing.

    Examples
    --------
    >>> str(parse_server("grpc://gpu.local"))
    'grpc://gpu.local:8001'
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("https", "grpcs")

    @property
    def netloc(self) -> str:
        """Host and port, as they stand in an address."""
        return str(Address(self.host, self.port))

    @property
    def local(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return Address(self.host, self.port).local

    def __str__(self) -> str:
        """Return it as `parse_server` takes it, with the port."""
        return f"{self.scheme}://{self.netloc}{self.path}"


class ServerText(ValueError):
    """Says why a text names no server, without a word of what may be a password in it."""


def parse_server(text: str) -> ServerAddress:
    """Read ``http://host:port``, ``grpcs://[::1]:port`` and the like.

    Raises
    ------
    ServerText
        It is none of these, or holds a user.
    """
    scheme, slashes, rest = text.strip().partition("://")
    scheme = scheme.lower()
    if "@" in text:
        raise ServerText(_KEPT_APART)
    if not slashes or scheme not in PORTS:
        raise ServerText(f"it must be {FORM}")
    place, slash, path = rest.partition("/")
    path = (slash + path).rstrip("/")
    if path and (scheme.startswith("grpc") or not _PATH.fullmatch(path)):
        raise ServerText(f"behind host and port stands, of http:// alone, a path of plain words: it must be {FORM}")
    if path.endswith("/v2"):
        raise ServerText("/v2 is added by itself; leave it out")
    if not place or place.startswith(":"):
        raise ServerText(f"it names no host: it must be {FORM}")
    has_port = place.rpartition("]")[2].count(":") == 1
    try:
        host, port = parse_address(place if has_port else f"{place}:{PORTS[scheme]}")
    except ValueError as error:
        raise ServerText(f"{error}; as a whole it must be {FORM}") from None
    return ServerAddress(scheme, host, port, path)
