"""A client of paho's, for one connection."""

from __future__ import annotations

from typing import Any

from fer_edge.sinks.mqtt.access import Access
from fer_edge.system.libraries import import_library

CONNECT_SECONDS = 10.0
"""Longest wait for the broker's answer, each: to the first packet, in TLS' handshake, and to being let in."""

KEEPALIVE = 30
"""Seconds of silence after which the broker is asked for a sign of life; after half as many more it gives up on us."""

QOS = 1
"""Each message is confirmed, and arrives once, or more often where a confirmation got lost."""


def load_paho() -> Any:
    """Return the library that speaks MQTT. Raises MissingExtra, or LibraryUnusable."""
    return import_library("paho.mqtt.client", "mqtt", "MQTT")


def new_client(access: Access, client_id: str) -> Any:
    """Return a client that speaks MQTT 3.1.1 and connects to nobody yet, and never by itself.

    Parameters
    ----------
    access : Access
        Whom it trusts, and who we are there.
    client_id : str
        What the broker calls it: of two with one name it ends the older.

    Raises
    ------
    MissingExtra, LibraryUnusable
        Of paho-mqtt.
    """
    paho = load_paho()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
    client.connect_timeout = CONNECT_SECONDS
    if access.user:
        client.username_pw_set(access.user, access.password or None)
    if access.tls is not None:
        client.tls_set_context(access.tls)
    return client
