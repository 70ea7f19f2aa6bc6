"""Opens a classifier whose network runs on a server."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Callable, Optional

from fer_edge.classify.base import ExpressionClassifier
from fer_edge.classify.onnx import read_contract
from fer_edge.classify.remote.access import LOCAL, ServerAccess
from fer_edge.classify.remote.classifier import RemoteClassifier
from fer_edge.classify.remote.http import HttpTransport
from fer_edge.classify.remote.transport import Transport
from fer_edge.errors import ServerError, UsageError
from fer_edge.inference.model_files import sha256_of

logger = logging.getLogger("fer_edge")

REOPENING = 15.0
"""Seconds that a stage which is built anew waits for a server without which nothing is read. With more than a fault in twelve
seconds the pipeline would give the stage up."""

PAUSE = 1.0
"""Seconds between two questions meanwhile."""


def open_remote(
    model: Path,
    access: Optional[ServerAccess],
    local: Optional[Callable[[], ExpressionClassifier]],
    transport: Optional[Callable[[ServerAccess, str], Transport]] = None,
    sleep: Callable[[float], None] = time.sleep,
) -> ExpressionClassifier:
    """Open the network of a server, and, where it is to step in, the local one with it.

    The local network is opened here and not when it is needed first: a frame would be late by its load.

    Parameters
    ----------
    model : Path
        The local ONNX file.
    access : ServerAccess or None
        Which server, and how it is spoken to.
    local : callable or None
        Opens the local network.
    transport : callable, optional
        Makes what speaks to the server, in place of `transport_to`.
    sleep : callable, optional
        Waits some seconds.

    Raises
    ------
    UsageError
        No server is named.
    ModelError
        The local file is no expression network: labels, crop and input are read from it.
    MissingExtra
        gRPC is asked for, and its library is not there.
    ServerError
        The server is not there, or not fit.
    """
    if access is None:
        raise UsageError(
            "--backend kserve needs a server.", "Name one:  --server http://HOST:8000   or  grpc://HOST:8001"
        )
    spec, _ = read_contract(model)
    sha256 = sha256_of(model)
    name = access.model or model.stem
    if not access.tally.opened:
        _tell_what_leaves(access)

    def opened() -> ExpressionClassifier:
        speaks = (transport or transport_to)(access, name)
        try:
            reserve = local() if access.fallback == LOCAL and local is not None else None
        except BaseException:
            speaks.close()
            raise
        return RemoteClassifier(speaks, spec, sha256, access, reserve)

    waits = int(REOPENING / PAUSE) if access.tally.opened and access.fallback != LOCAL else 0
    for _ in range(waits):
        try:
            return opened()
        except ServerError as error:
            logger.debug("the server is asked again in %g s: %s", PAUSE, error.message)
            sleep(PAUSE)
    return opened()


def transport_to(access: ServerAccess, model: str) -> Transport:
    """Return what speaks to a server as its address says."""
    if not access.address.scheme.startswith("grpc"):
        return HttpTransport(access, model)
    from fer_edge.classify.remote.grpc import GrpcTransport

    return GrpcTransport(access, model)


def _tell_what_leaves(access: ServerAccess) -> None:
    address = access.address
    if address.local:
        where = "stay on this machine"
    else:
        where = "leave this machine, " + ("encrypted" if address.tls else "in clear, as --server has no TLS")
    logger.log(
        logging.INFO if address.local else logging.WARNING,
        "pictures of faces go to %s to be read there, and %s",
        address,
        where,
        extra={"event": "faces_sent", "server": str(address), "encrypted": address.tls, "local": address.local},
    )
    if access.token and not address.tls and not address.local:
        logger.warning("the token for %s travels in clear: whoever listens can use it", address)
