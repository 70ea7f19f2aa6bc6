"""Answers HTTP on one address: the page, the API, ``/healthz`` and ``/metrics``."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Type

from fer_edge.system.address import Address
from fer_edge.system.libraries import needing
from fer_edge.web.listening import listening_socket, refuse_without_token

if TYPE_CHECKING:
    import ssl

    from fer_edge.web.run import WebRun
    from fer_edge.web.server import Server

logger = logging.getLogger("fer_edge")

SHORT = 12
"""Letters below which a token is called short: with less, luck and patience may find it."""


class Endpoint:
    """Answers on `address` in a thread of its own, from `open` to `close`.

    Parameters
    ----------
    address : Address
        Where to listen.
    run : WebRun
        What is told.
    token : str, optional
        What a peer must send as ``Authorization: Bearer ...``, or give at ``/login``. Without one, only this machine may be
        listened to.
    tls : SSLContext, optional
        The server's side of TLS; without it, requests and answers travel in clear.

    Raises
    ------
    UsageError
        Others could reach the address, and there is no token.
    MissingExtra
        The packages that answer are not installed.
    """

    def __init__(self, address: Address, run: WebRun, token: str = "", tls: Optional[ssl.SSLContext] = None) -> None:
        refuse_without_token(address, token)
        with needing("web", "Answering on an address (--listen)"):
            # What is missing is told before anything begins, and by its own name: those that others need stand first.
            import anyio  # noqa: F401
            import click  # noqa: F401
            import h11  # noqa: F401
            import starlette  # noqa: F401
            import uvicorn  # noqa: F401
        self.address = address
        self._run = run
        self._token = token
        self._tls = tls
        self._server: Optional[Server] = None

    def open(self) -> None:
        """Begin to listen.

        Raises
        ------
        EndpointUnavailable
            The port is taken, or the address is not one of this machine.
        """
        from fer_edge.web.access import Access
        from fer_edge.web.application import application
        from fer_edge.web.origin import Origins
        from fer_edge.web.server import Server

        listening = listening_socket(self.address, self._token)
        access = Access(self._token, self.address.port, self._tls is not None)
        origins = Origins((self.address.host, *self._run.names))
        server = Server(listening, application(self._run, access, origins), self._tls)
        server.start()
        self._server = server
        place = f"{'http' if self._tls is None else 'https'}://{self.address}"
        logger.info("seen in a browser at %s/, health at %s/healthz", place, place)
        if not self.address.local:
            self._warn()

    def _warn(self) -> None:
        if self._tls is None:
            logger.warning("who can listen in on the network to %s learns the token; --tls-cert helps", self.address)
        if len(self._token) < SHORT:
            logger.warning(
                "the token has less than %d letters and may be guessed; a better one:  "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(24))'",
                SHORT,
                extra={"event": "token_short"},
            )

    def close(self) -> None:
        """Close the port and every connection, and end the threads; takes a second at most while answers are given."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> Endpoint:
        """Open it."""
        self.open()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Close it."""
        self.close()
