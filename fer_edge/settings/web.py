"""Who may ask the program over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from fer_edge.settings.field import setting
from fer_edge.settings.values import ADDRESS, PATH, WORD
from fer_edge.system.address import Address


@dataclass(frozen=True)
class WebSettings:
    """Who may ask the program over HTTP."""

    listen: Optional[Address] = setting(  # noqa: RUF009 - it gives a dataclass field
        "listen",
        None,
        ADDRESS,
        "HOST:PORT",
        "output",
        "answer GET /healthz and /metrics (for Prometheus) there: 127.0.0.1:8650, or a port alone",
    )
    token: str = setting(
        "token",
        "",
        WORD,
        "WORD",
        "output",
        "what others must send to be answered (Authorization: Bearer WORD); better given as FER_EDGE_TOKEN, as everybody "
        "can read a command line",
    )
    tls_cert: str = setting(
        "tls_cert",
        "",
        PATH,
        "FILE",
        "output",
        "answer HTTPS, with the certificate (and those that lead to its authority) in this PEM file",
    )
    tls_key: str = setting(
        "tls_key", "", PATH, "FILE", "output", "the certificate's private key, where it does not stand in the same file"
    )
