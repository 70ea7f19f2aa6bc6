"""Which variables with our prefix are no settings: those that Kubernetes and Docker make of a service's name."""

from __future__ import annotations

import ipaddress
import re

_NAMED = "(?:[A-Z0-9_]+_)?"
"""A service ``fer-edge-web`` gives variables that begin as those of ``fer-edge`` do."""

_URL = re.compile(r"(?:tcp|udp|sctp)://\S+:[0-9]{1,5}")
_PORT = re.compile("[0-9]{1,5}")
_LINKS = (
    (re.compile(f"{_NAMED}SERVICE_HOST"), "address"),
    (re.compile(f"{_NAMED}SERVICE_PORT(?:_[A-Z0-9_]+)?"), _PORT),
    (re.compile(f"{_NAMED}PORT"), _URL),
    (re.compile(f"{_NAMED}PORT_[0-9]{{1,5}}_(?:TCP|UDP|SCTP)"), _URL),
    (re.compile(f"{_NAMED}PORT_[0-9]{{1,5}}_(?:TCP|UDP|SCTP)_PROTO"), re.compile("tcp|udp|sctp")),
    (re.compile(f"{_NAMED}PORT_[0-9]{{1,5}}_(?:TCP|UDP|SCTP)_PORT"), _PORT),
    (re.compile(f"{_NAMED}PORT_[0-9]{{1,5}}_(?:TCP|UDP|SCTP)_ADDR"), "address"),
    (re.compile(f"{_NAMED}NAME"), re.compile(r"/[^/\s]+/[^/\s]+")),
)
"""The rest of a name, and what its value must be. https://kubernetes.io/docs/concepts/services-networking/service, and
https://docs.docker.com/engine/network/links, where the last one is from."""


def is_link(rest: str, value: str) -> bool:
    """Return whether a variable says where another container's service is, by the form of its name and of its value.

    Parameters
    ----------
    rest : str
        Its name, without ``FER_EDGE_``.
    value : str
        What it is set to.
    """
    return any(
        name.fullmatch(rest) and (_is_address(value) if isinstance(form, str) else form.fullmatch(value))
        for name, form in _LINKS
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
