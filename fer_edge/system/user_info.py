"""Where the user and the password of an address end, whose signs people type as they are.

RFC 3986 has an address divided at the first ``/``, ``?`` or ``#``, so that one with ``admin:12/34@host`` would tell a host
named ``admin`` a part of the password. Whoever connects and whoever hides passwords must read it in the same way: here.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional

_NAME = r"(?![0-9]+(?:[:/?#]|\Z))[^\W_](?:[\w.-]*[\w.])?"
_HOST = re.compile(rf"(?:\[[0-9A-Za-z:.%]+\]|{_NAME})(?P<port>:[0-9]{{0,5}})?(?=[/?#]|\Z)")
_SURE = re.compile(
    r"(?:\[[0-9A-Za-z:.%]+\]|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|localhost)(?::[0-9]*)?(?=[/?#]|\Z)", re.IGNORECASE
)
_END = re.compile(r"[/?#]|\Z")
_PARAMETER = re.compile(r"[?&][A-Za-z_]\w*=")
_NO_PART = re.compile(r"[#\s\x00-\x20\x7f]")
_MOST = 32
"""Signs ``@`` that are looked at, the last ones."""


class UserInfo(NamedTuple):
    """What stands behind the two slashes of an address.

    Attributes
    ----------
    text : str or None
        User and password as given; None where there are none.
    rest : str
        All behind the ``@``: host, port, path, query and fragment.
    """

    text: Optional[str]
    rest: str


def split_user_info(text: str) -> Optional[UserInfo]:
    """Take apart what stands behind ``scheme://``.

    User and password end at the last ``@`` that can end them: one behind which stands what can be a host (a name that is not
    a mere number, or an IP address, with or without a port) up to the end or a ``/``, ``?`` or ``#``. Where several can, or
    where the address makes sense without the later ones,

    - a fragment (``#``) or a space before a later one rules a reading out, unless its host is an IP address or ``localhost``;
    - the only one with an IP address or ``localhost`` is taken, unless what would be a password looks like a query;
    - else nobody can know, and None is returned.

    Returns
    -------
    UserInfo or None
        None where the text can be read in several ways.
    """
    first = _END.search(text)
    start = first.start() if first else len(text)
    authority = text[:start]
    ends = [found.start() for found in re.finditer("@", text)][-_MOST:]
    later = [at for at in ends if at > start and _can_end(text, at)]
    inner = authority.rfind("@")
    plain = UserInfo(authority[:inner], text[inner + 1 :]) if inner >= 0 else UserInfo(None, text)
    if not later:
        return plain
    host = _HOST.match(plain.rest)
    is_possible = host is not None and host.end() == start - (inner + 1)
    if not is_possible and inner < 0 and ":" not in authority:
        is_possible = bool(authority)
    if plain.text is None and is_possible and not _NO_PART.match(text, start):
        # A port that is one: the password may as well begin so.
        return plain if _SURE.match(plain.rest) else None
    readings: List[UserInfo] = [plain] if is_possible else []
    readings += [UserInfo(text[:at], text[at + 1 :]) for at in later]
    return _only(readings)


def _only(readings: List[UserInfo]) -> Optional[UserInfo]:
    """Return the one reading that makes sense; None if there are several, or none."""
    last = readings[-1].text or ""
    left = []
    for reading in readings:
        between = last[len(reading.text) + 1 if reading.text is not None else 0 :]
        if _SURE.match(reading.rest) or not _NO_PART.search(between):
            left.append(reading)
    if len(left) > 1:
        left = [reading for reading in left if _SURE.match(reading.rest)]
        if len(left) == 1 and _PARAMETER.search(left[0].text or "") and left[0] is not readings[0]:
            return None
    return left[0] if len(left) == 1 else None


def _can_end(text: str, at: int) -> bool:
    """Return whether a user and a password can end here; a user alone holds none of the signs that need thought."""
    host = _HOST.match(text, at + 1)
    return host is not None and ":" in text[:at]
