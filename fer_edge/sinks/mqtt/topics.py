"""Names of topics and devices: made of the names of this machine and of its cameras, safely and each of one camera only."""

from __future__ import annotations

import hashlib
import re
import socket
from dataclasses import dataclass

PROGRAM = "fer-edge"

LONGEST_TOPIC = 1024
"""Letters of a prefix. MQTT allows 65,535 bytes for a topic, and some brokers less."""

_HARMLESS = re.compile(r"[A-Za-z0-9_.-]+")
_HARMLESS_ID = re.compile(r"[A-Za-z0-9_-]+")
_ENDS_LIKE_A_HASH = re.compile(r"-[0-9a-f]{8}$")
_FORBIDDEN = re.compile(r"[#+\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Topics:
    """The topics of one camera.

    Parameters
    ----------
    prefix : str
        What all cameras of a program have in common, as ``fer-edge/nano``.
    camera : str
        Its name.

    Examples
    --------
    >>> Topics("fer-edge/nano", "door").of("persons")
    'fer-edge/nano/door/persons'
    """

    prefix: str
    camera: str

    @property
    def base(self) -> str:
        """What all topics of the camera begin with."""
        return f"{self.prefix}/{level(self.camera)}"

    def of(self, what: str) -> str:
        """Return the topic of one kind of message."""
        return f"{self.base}/{what}"

    @property
    def availability(self) -> str:
        """Where it is told whether the program is there."""
        return self.of("availability")

    @property
    def device(self) -> str:
        """The id of the camera's device: the same in each run, and of no other camera; letters, digits, ``_`` and ``-``."""
        return _safe(f"{self.prefix}/{self.camera}", _HARMLESS_ID, r"[^A-Za-z0-9_-]")


def level(name: str) -> str:
    """Return a name as one level of a topic: as it is where that does no harm, else with what tells it from all others.

    Examples
    --------
    >>> level("front.door"), level("a/b"), level("a_b")
    ('front.door', 'a_b-c14cddc0', 'a_b')
    """
    return _safe(name, _HARMLESS, r"[^A-Za-z0-9_.-]")


def default_prefix() -> str:
    """Return the prefix that has this machine's name in it."""
    return f"{PROGRAM}/{level(host_name())}"


def host_name() -> str:
    """Return the name of this machine, without its domain."""
    return socket.gethostname().partition(".")[0] or "localhost"


def why_no_prefix(text: str) -> str:
    """Return why a text is no prefix of topics, for people; empty where it is one."""
    if not text.strip("/"):
        return "it names no topic"
    if _FORBIDDEN.search(text):
        return "a topic to write to holds neither # nor + nor control characters"
    if text.startswith(("$", "/")) or text.endswith("/") or "//" in text:
        return "it begins with no $, and with no /; no / ends it, and none follows another"
    if len(text.encode("utf-8", "replace")) > LONGEST_TOPIC:
        return f"it has more than {LONGEST_TOPIC} bytes"
    return ""


def _safe(name: str, harmless: re.Pattern[str], harmful: str) -> str:
    # A name that looks as if it had got a hash gets one, so that no two names become one.
    if harmless.fullmatch(name) and not _ENDS_LIKE_A_HASH.search(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{re.sub(harmful, '_', name)[:64]}-{digest}"
