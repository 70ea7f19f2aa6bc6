"""Which texts name a pipe or a stream, and whether there is a decoder for it; to ask loads none."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from typing import Dict, Tuple, Type

from fer_edge.system.regular_file import is_fifo
from fer_edge.system.user_info import split_user_info

PLAYLISTS = (".m3u8", ".m3u", ".mpd")
"""Endings of the names of lists of pieces (HLS, DASH), in lower case."""

PROTOCOLS: Dict[str, str] = {
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
    "srt": "srt",
    "udp": "udp",
    "rtp": "rtp,udp",
    "tcp": "tcp",
    "http": "http,https,tcp,tls,crypto,data,httpproxy",
    "https": "https,tls,tcp,crypto,data,httpproxy",
}
"""What FFmpeg may use for a stream, by its scheme: no files of this machine, and behind a safe web server none in clear."""

_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/[0-9]{1,9}")


def has_av() -> bool:
    """Return whether PyAV is installed."""
    return find_spec("av") is not None


def av_failures() -> Tuple[Type[Exception], ...]:
    """Return what PyAV raises, and its import; its own errors are of many kinds, not all of them Python's for such a case."""
    try:
        from av.error import FFmpegError
    except ImportError:
        return OSError, ValueError, ImportError
    return OSError, ValueError, ImportError, FFmpegError


def is_standard_input(text: str) -> bool:
    """Return whether `text` names the standard input."""
    return text in _STANDARD_INPUT


def is_descriptor(text: str) -> bool:
    """Return whether `text` is the path of a descriptor, as a shell writes for ``<(...)``."""
    return _DESCRIPTOR.fullmatch(text) is not None


def is_pipe(text: str) -> bool:
    """Return whether `text` names the standard input, a descriptor or a named pipe."""
    return is_standard_input(text) or is_descriptor(text) or is_fifo(os.path.expanduser(text))


def is_playlist_url(text: str) -> bool:
    """Return whether a web address is that of a playlist, by the ending of its path."""
    scheme, slashes, behind = text.partition("://")
    if not slashes or scheme.lower() not in ("http", "https"):
        return False
    info = split_user_info(behind)  # a password may hold what ends a path
    return re.split("[?#]", info.rest if info is not None else behind, maxsplit=1)[0].lower().endswith(PLAYLISTS)


def is_stream(text: str) -> bool:
    """Return whether `text` is a stream that FFmpeg reads: an address, or the path of a session description."""
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("http", "https"):
        return is_playlist_url(text)
    return scheme in PROTOCOLS or (not scheme and text.lower().endswith(".sdp"))
