"""The socket on which others can ask, and why there is none."""

from __future__ import annotations

import errno
import ipaddress
import socket

from fer_edge.errors import EndpointUnavailable, UsageError
from fer_edge.system.address import Address

BACKLOG = 128
"""Connections that the kernel keeps until they are accepted."""

_FOR_OTHERS = "Set FER_EDGE_TOKEN to a secret word, or listen on 127.0.0.1."


def refuse_without_token(address: Address, token: str) -> None:
    """Raise a `UsageError` where others can reach an address, and there is no token."""
    if not token and not address.local:
        raise UsageError(f"Listening on {address} lets other machines ask, and there is no token.", _FOR_OTHERS)


def listening_socket(address: Address, token: str) -> socket.socket:
    """Begin to listen, on a socket that does not block.

    Raises
    ------
    EndpointUnavailable
        The port is taken, the address is not one of this machine, or others can reach it and there is no token.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        if not token and not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback:
            raise EndpointUnavailable(
                f"{address} is {place[0]}, where other machines can ask, and there is no token.", _FOR_OTHERS
            )
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(place)
            listening.listen(BACKLOG)
            listening.setblocking(False)
        except BaseException:
            listening.close()
            raise
        return listening
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise EndpointUnavailable(f"Cannot listen on {address}: {reason}.", _remedy(error)) from error


def _remedy(error: Exception) -> str:
    """Return what to do against an address on which nobody can listen."""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "Give an address of this machine, or a name that it knows:  ip -brief address  shows the addresses."
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRNOTAVAIL:
        return "Give an address of this machine, as  ip -brief address  shows them; 0.0.0.0 means all of them."
    if number in (errno.EACCES, errno.EPERM):
        return "Give a port from 1024 on: those below need a right that this user lacks."
    if number == errno.EADDRINUSE:
        return "Give another port with --listen, or end the program that has this one:  ss -ltnp  shows it."
    if number == errno.EAFNOSUPPORT:
        return "This machine has no addresses of the kind: give one such as 127.0.0.1."
    return "Give another address with --listen."
