"""Where a service listens."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_NAME = re.compile(r"(?i)[a-z0-9]([a-z0-9_.-]*[a-z0-9_.])?")
_ZONE = re.compile(r"(?i)[a-z0-9_.@-]{1,15}")


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return ``host:port``, with an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """Return whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str) -> Address:
    """Read ``host:port``, ``[::1]:port``, or a port alone, which means this machine only.

    Raises
    ------
    ValueError
        It is none of these.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or len(port) > 5 or not 1 <= int(port) <= 65535:
        raise ValueError("it must be HOST:PORT, such as 127.0.0.1:8650, with a port from 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        number, percent, zone = host.partition("%")
        if not _is_ipv6(number) or (percent and not _ZONE.fullmatch(zone)):
            raise ValueError("in brackets stands an IPv6 address, such as [::1]:8650 or [fe80::1%eth0]:8650")
    elif ":" in host:
        raise ValueError("an IPv6 address needs brackets, such as [::1]:8650")
    elif host and not _is_name(host):
        raise ValueError("a host is a name such as nano.local, or a number such as 127.0.0.1")
    return Address(host or "127.0.0.1", int(port))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    """Return whether a resolver can be asked for it; Python raises an error of another kind for what cannot be encoded."""
    try:
        return bool(_NAME.fullmatch(text.encode("idna").decode("ascii")))
    except UnicodeError:
        return False
