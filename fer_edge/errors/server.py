"""What goes wrong with a server that classifies for this machine."""

from __future__ import annotations

from fer_edge.errors.base import FerEdgeError


class ServerError(FerEdgeError):
    """Base of what goes wrong with a server of the KServe v2 protocol; itself: it says that it failed."""

    exit_code = 26


class ServerUnreachable(ServerError):
    """It cannot be reached, or closes the connection."""


class ServerLate(ServerUnreachable):
    """It has not answered by the deadline."""


class ServerRefused(ServerError):
    """It does not take our token or certificate, or we do not trust its own."""

    exit_code = 27


class ServerUnfit(ServerError):
    """It has no such model, or one with another input, output or network than the local file."""

    exit_code = 28


class ServerGarbled(ServerError):
    """It answers something that is not the KServe v2 protocol, or not what was asked for."""

    exit_code = 29
