"""What cameras send that HTTP does not allow, put right before `h11` reads it.

h11 refuses a whole answer for one line that is none, and people watch cameras that send such lines. So it gets the head
with the fields that matter here and no others: a camera that sends a date without a name, as many with the web server GoaHead
do (``Tue, 12 Jun 2012 01:56:34 GMT``), or ``X-Frame-Options : x``, is read like any other. Nothing is guessed: a line that
cannot be understood is left out. There is one answer on a connection, so that nobody can be led to take one for another.
"""

from __future__ import annotations

import re
from typing import List

_STATUS = re.compile(rb"(?:HTTP/(1\.[0-9])|ICY) ([0-9]{3}) ?(.*)", re.DOTALL)
_FIELD = re.compile(rb"([A-Za-z-]+)[ \t]*:[ \t]*([^\0\r\v\f]*)")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_HAS_TYPE = re.compile(rb"(?im)^content-type[ \t]*:")
_IS_MULTIPART = re.compile(rb"(?i)content-type: *multipart/")
_NO_REASON = re.compile(rb"[\0\s]")

_KEPT = frozenset({b"content-type", b"location", b"www-authenticate"})
_LENGTH = re.compile(rb"[0-9]{1,18}")


def allowed(head: bytes) -> bytes:
    """Return the head of an answer as HTTP allows it.

    Parameters
    ----------
    head : bytes
        All up to the empty line, and that line.

    Returns
    -------
    bytes
        A status line of HTTP/1.x, then the fields that say what and how long the body is, where else to look, and how to
        answer a challenge. ``ICY 200 OK``, SHOUTcast's way to say HTTP/1.0, is taken for that; the reason may be missing, or
        follow its number without a space; of several lengths the first that is a number counts, but none of a body in parts,
        which has none: some cameras say 0. A head without a status line that has a content type, as some sketches for small
        boards send it, is a good answer of HTTP/1.0. What is no answer at all is returned as it is.
    """
    first, *lines = re.split(rb"\r?\n", _FOLD.sub(b" ", head))
    status = _STATUS.fullmatch(first)
    if status is not None:
        version, number, reason = status.groups()
    elif (_FIELD.fullmatch(first) or first.startswith(b"--")) and _HAS_TYPE.search(head):
        version, number, reason = b"1.0", b"200", b"OK"
        lines.insert(0, first)
    else:
        return head
    kept: List[bytes] = [b"HTTP/%b %b %b" % (version or b"1.0", number, _NO_REASON.sub(b" ", reason))]
    lengths: List[bytes] = []
    chunked = False
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            continue
        name, value = field.group(1).lower(), field.group(2).strip()
        if name in _KEPT:
            kept.append(b"%b: %b" % (name, value))
        elif name == b"content-length" and _LENGTH.fullmatch(value):
            lengths.append(value)
        elif name == b"transfer-encoding":
            chunked |= b"chunked" in value.lower()
    if chunked:
        kept.append(b"transfer-encoding: chunked")
    elif lengths and not any(map(_IS_MULTIPART.match, kept)):
        kept.append(b"content-length: " + lengths[0])
    return b"\r\n".join([*kept, b"", b""])
