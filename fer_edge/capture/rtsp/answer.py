"""What FFmpeg gets of a camera's RTSP messages: built anew from what it needs.

FFmpeg takes more for a message than RFC 2326 does: a line of a head that begins with a dollar sign is a packet to it, and it
leaves out each carriage return, wherever it stands. So nothing goes on to it as the camera wrote it but values without control
characters, and the description of the session.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Iterable

from fer_edge.capture.rtsp.message import Headers, Message

_OF_REPLIES = (
    "Content-Base",
    "Content-Type",
    "Notice",
    "Public",
    "Range",
    "RTP-Info",
    "Session",
    "X-Accept-Dynamic-Rate",
    "X-Notice",
)
"""What FFmpeg looks at, but for what the relay says itself and what only other servers than cameras send."""

_OF_REQUESTS = ("CSeq", "Notice", "Session", "X-Notice")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_REASON = 100
_PROTOCOL = re.compile(r"(?i)(?:RTP|RAW)(?:/[A-Z]{1,8}){1,2}")
_PARAMETER = re.compile(
    r"unicast|multicast|(?:(?:client_|server_)?port|interleaved)=[0-9]{1,5}(?:-[0-9]{1,5})?|ttl=[0-9]{1,3}"
)


def reply_for_ffmpeg(reply: Message, method: str, number: str, peer: str, location: str = "") -> Message:
    """Return what FFmpeg is to get of a camera's reply.

    Parameters
    ----------
    method : str
        Of the request that it answers; a body goes on with DESCRIBE alone.
    number : str
        The request's CSeq, as FFmpeg gave it.
    peer : str
        The camera's address, which UDP is to come from.
    location : str
        Where a redirect leads, as the relay says; nothing else of it goes on.
    """
    headers: Headers = (("CSeq", number),)
    body = b""
    if 300 <= reply.status < 400:
        headers += (("Location", location),)
    else:
        headers += _clean(reply, _OF_REPLIES)
        transports = [_transport(value, peer) for value in reply.all("Transport")]
        headers += tuple(("Transport", value) for value in transports if value)
        if method == "DESCRIBE" and reply.status == 200:
            body = reply.body
    return replace(reply, reason=_CONTROL.sub("", reply.reason)[:_LONGEST_REASON], headers=headers, body=body)


def request_for_ffmpeg(request: Message) -> Message:
    """Return what FFmpeg is to get of a camera's own request, which it answers without doing anything."""
    return Message(request.method, "*", headers=_clean(request, _OF_REQUESTS))


def _clean(message: Message, names: Iterable[str]) -> Headers:
    return tuple((name, value) for name in names for value in message.all(name) if not _CONTROL.search(value))


def _transport(value: str, peer: str) -> str:
    """Name the camera as the source of UDP, whatever it says: FFmpeg sends its reports there, or to where it is connected."""
    return ",".join(filter(None, (_one_transport(one, peer) for one in value.split(","))))


def _one_transport(value: str, peer: str) -> str:
    protocol, *parameters = (part.strip() for part in value.split(";"))
    if not _PROTOCOL.fullmatch(protocol):
        return ""
    kept = [protocol, *(parameter for parameter in parameters if _PARAMETER.fullmatch(parameter))]
    if "multicast" in kept:
        kept += [parameter for parameter in parameters if _is_group(parameter)]
    if not protocol.lower().endswith("/tcp"):
        kept.append(f"source={peer}")
    return ";".join(kept)


def _is_group(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    try:
        return name == "destination" and ipaddress.ip_address(value).is_multicast
    except ValueError:
        return False
