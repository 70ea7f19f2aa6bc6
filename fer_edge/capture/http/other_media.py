"""What an HTTP answer is, if it is no picture: told from how it begins, and where that says nothing, from its type."""

from __future__ import annotations

import re

LOOKED_AT = 1024
"""Bytes of the beginning that tell what it is."""

PAGE = "text/html"

_BEGINNINGS = (
    (re.compile(rb".{4}ftyp", re.DOTALL), "video/mp4"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "video/webm"),
    (re.compile(rb"\s*#EXTM3U"), "application/vnd.apple.mpegurl"),
    (re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<MPD\b", re.DOTALL), "application/dash+xml"),
    (re.compile(rb"\x47.{187}\x47", re.DOTALL), "video/mp2t"),
    (re.compile(rb"FLV\x01"), "video/x-flv"),
    (re.compile(rb"OggS"), "video/ogg"),
    (re.compile(rb"\0\0\0?\x01[\x67\x27\x40\x42]"), "video/h264"),
    (re.compile(rb"v=0\r?\n"), "application/sdp"),
    (re.compile(rb"\s*<(?:!doctype|html|head|body|script|meta|title|\?xml|!--|frameset)", re.IGNORECASE), PAGE),
)
_MARK = re.compile(rb"\xef\xbb\xbf")
_TYPES = re.compile(
    r"video/(?!x-motion-jpeg|.*jpe?g|x-mixed).+|audio/.+|application/(?:vnd\.apple\.mpegurl|x-mpegurl|dash\+xml|sdp|ogg|mp4)"
)
_PICTURES = re.compile(rb"\s*--|\xff\xd8\xff|\x89PNG|RIFF|(?i:\s*content-)")


def kind_of(begin: bytes, content_type: str) -> str:
    """Return what a body is that begins so, as a type; empty where it may be pictures, or more must come first.

    Parameters
    ----------
    begin : bytes
        The first bytes of the body.
    content_type : str
        In lower case, without parameters; what a camera says of its pictures may be wrong.
    """
    begin = _MARK.sub(b"", begin[:LOOKED_AT], count=1) if begin.startswith(b"\xef\xbb\xbf") else begin[:LOOKED_AT]
    if _PICTURES.match(begin):
        return ""
    for pattern, kind in _BEGINNINGS:
        if pattern.match(begin):
            return kind
    return content_type if len(begin) >= LOOKED_AT and _TYPES.fullmatch(content_type) else ""
