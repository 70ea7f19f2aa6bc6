"""Where a request comes from, as a browser tells it: other sites are to read nothing, whatever name they use."""

from __future__ import annotations

import ipaddress
import socket
from typing import FrozenSet, Iterable, Mapping
from urllib.parse import urlsplit

from fer_edge.web.refusal import Refusal

PAGES = ("/", "/login")
"""What a link on another site may lead to."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "server": "fer-edge",
}
"""What every answer has, unless it says otherwise itself."""


class Origins:
    """Knows under which names the program may be asked.

    Parameters
    ----------
    names : iterable of str
        Beside addresses, ``localhost`` and this machine's own name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        host = socket.gethostname()
        short = host.partition(".")[0]
        known = ("localhost", host, short, f"{short}.local", *names)
        self._names: FrozenSet[str] = frozenset(_as_asked(name) for name in known if name)

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Let a request pass.

        Raises
        ------
        Refusal
            421 where it names another host, as one whose address another site changed to ours would (DNS rebinding); 403
            where another site has a browser ask.
        """
        host = headers.get("host", "")
        if host and not self._is_ours(host):
            raise Refusal(
                421,
                "Nothing is answered under the name that the request has for this machine.",
                "Ask by an address or by the machine's own name, or name it with --web-names.",
            )
        safe = method in ("GET", "HEAD")
        site = headers.get("sec-fetch-site", "none")
        led_here = safe and path in PAGES and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("same-origin", "none") and not led_here:
            raise _elsewhere()
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host.lower():
            raise _elsewhere()

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            return name.rstrip(".") in self._names
        return True


def _as_asked(name: str) -> str:
    """Return a name as browsers write it into a header: in small letters of ASCII."""
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name.lower()


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _elsewhere() -> Refusal:
    return Refusal(403, "Another site had the browser ask.", "Open the page itself, or ask with a program.")
