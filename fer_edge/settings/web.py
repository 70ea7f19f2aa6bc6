"""Who may ask the program over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from fer_edge.settings.field import setting
from fer_edge.settings.values import ADDRESS, NAMES, PATH, WHOLE, WORD, choice
from fer_edge.system.address import Address

AUTO, PICTURES, DATA = "auto", "pictures", "data"


@dataclass(frozen=True)
class WebSettings:
    """Who may ask the program over HTTP."""

    listen: Optional[Address] = setting(  # noqa: RUF009 - it gives a dataclass field
        "listen",
        None,
        ADDRESS,
        "HOST:PORT",
        "output",
        "show a page to browsers there, with an API, /healthz and /metrics (for Prometheus): 127.0.0.1:8650, or a port alone",
    )
    shows: str = setting(
        "web",
        AUTO,
        choice(AUTO, PICTURES, DATA),
        "WHAT",
        "output",
        "what can be seen there: pictures (of the cameras, and all else), data, which is no picture at all, or auto, which is "
        "pictures where only this machine can look, else data",
    )
    viewers: int = setting(
        "web_viewers", 20, WHOLE, "COUNT", "output", "how many streams of pictures may be looked at there at a time"
    )
    names: Tuple[str, ...] = setting(
        "web_names",
        (),
        NAMES,
        "NAME,...",
        "output",
        "names under which browsers may ask, beside addresses, localhost and the machine's own name",
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

    @property
    def shows_pictures(self) -> bool:
        """Whether pictures can be seen: other machines are shown some only where somebody asked for it."""
        return self.shows == PICTURES or (self.shows == AUTO and self.listen is not None and self.listen.local)
