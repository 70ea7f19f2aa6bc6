"""The connection with a Ray cluster."""

from __future__ import annotations

import os
import socket
from typing import Any

from fer_edge.errors import ClusterUnusable, UsageError
from fer_edge.system.libraries import import_library, in_short
from fer_edge.system.masking import printable

_SLOW = "Initialization failure"
"""What Ray says where the process that the head starts for a client was not there after half a minute, as on a busy machine."""

REACH_SECONDS = 10.0
"""To reach an address at all."""


def load_ray() -> Any:
    """Return Ray's module, which sends no statistics to its makers. Raises MissingExtra, LibraryUnusable."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    return import_library("ray", "cluster", "A run on a cluster")


def address_of(on: str, variable: str = "") -> str:
    """Return the address for Ray that ``--on`` and the variable ``RAY_ADDRESS`` name.

    Raises
    ------
    UsageError
        They name none.

    Examples
    --------
    >>> address_of("ray"), address_of("ray", "head:6379"), address_of("ray://head:10001")
    ('auto', 'head:6379', 'ray://head:10001')
    """
    address = (variable.strip() or "auto") if on == "ray" else on
    place = address[len("ray://") :] if address.startswith("ray://") else address
    host, colon, port = place.rstrip("/").rpartition(":")
    named_so = on == "ray" or on.startswith("ray://")
    if address != "auto" and not (
        named_so and host and colon and port.isdecimal() and 0 < int(port) < 65536 and "/" not in host
    ):
        named = printable(address)
        where = "--on" if on != "ray" else "The variable RAY_ADDRESS"
        raise UsageError(
            f"{where} names no Ray cluster: '{named}'.",
            "Give --on ray on a machine of the cluster, or --on ray://HOST:10001 elsewhere; RAY_ADDRESS is HOST:6379.",
        )
    return address


def connect(ray: Any, address: str) -> None:
    """Connect with a cluster that is there; none is started.

    Raises
    ------
    ClusterUnusable
        It cannot be reached, or has another Ray or Python.
    """
    _reach(address)
    try:
        try:
            ray.init(address=address, log_to_driver=False)
        except ConnectionError as error:
            if _SLOW not in str(error):
                raise
            ray.init(address=address, log_to_driver=False)
    except SystemExit as error:
        raise unreachable(address, "it ended the connection") from error
    except Exception as error:
        words = printable(in_short(error), 300)
        if "mismatch" in str(error).lower():
            words = printable(" ".join(str(error).split()), 300)
            raise ClusterUnusable(
                f"The Ray cluster at {address} has another Ray or Python: {words}.",
                "Install the same Ray here as there, with the same Python.",
            ) from error
        raise unreachable(address, words) from error


def unreachable(address: str, words: str) -> ClusterUnusable:
    """Return the error for a cluster that does not answer."""
    return ClusterUnusable(
        f"The Ray cluster at {address} cannot be reached: {words.rstrip('.')}.",
        "Look with `ray status` whether it runs, and name its address: --on ray://HOST:10001, or RAY_ADDRESS=HOST:6379 and "
        "--on ray on one of its machines.",
    )


def _reach(address: str) -> None:
    """See whether somebody listens at an address, since Ray would try for minutes."""
    place = address.partition("://")[2] or address
    host, colon, port = place.rstrip("/").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise unreachable(address, getattr(error, "strerror", None) or in_short(error)) from error
