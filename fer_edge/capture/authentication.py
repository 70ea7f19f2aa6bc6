"""Answers to a camera that asks who is there: basic and digest authentication (RFC 7617, RFC 7616), for HTTP and RTSP alike.

Credentials go to the scheme, host and port that they were given for and nowhere else, and in clear only after the camera asked
for that.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Dict, Iterator, List, Optional, Sequence, Tuple
from urllib.request import parse_http_list

from fer_edge.capture.address import CameraAddress
from fer_edge.errors import SourceUnreachable
from fer_edge.system.masking import printable

_HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"""The strongest first; RFC 7616 has the client take the first that it knows of those that a server offers, best first."""

_LONGEST_CHALLENGE = 8192


class Authentication:
    """What is known of how one camera wants to be answered.

    Parameters
    ----------
    address : CameraAddress
        The place that the credentials in it were given for.
    """

    def __init__(self, address: CameraAddress) -> None:
        self._address = address
        self._digest: Optional[Dict[str, str]] = None
        self._basic = False
        self._uses = 0

    def is_for(self, target: CameraAddress) -> bool:
        """Return whether there are credentials, and `target` is where they belong."""
        return bool(self._address.user or self._address.password) and target.origin == self._address.origin

    def challenge(self, headers: Sequence[str]) -> bool:
        """Take the ``WWW-Authenticate`` headers of a refusal, and tell whether they ask for something that can be answered."""
        offers = list(_offers(headers))
        usable = [fields for scheme, fields in offers if scheme == "digest" and _is_usable(fields)]
        self._digest = min(usable, key=lambda fields: list(_HASHES).index(_hash_name(fields)), default=None)
        self._basic = self._digest is None and any(scheme == "basic" for scheme, _ in offers)
        self._uses = 0
        return self._basic or self._digest is not None

    @property
    def is_stale(self) -> bool:
        """Whether the last refusal said that the answer was right, but to a question that is too old."""
        return self._digest is not None and self._digest.get("stale", "").lower() == "true"

    def answer(self, target: CameraAddress, method: str, uri: str) -> str:
        """Return the ``Authorization`` header's value for a request; empty where none may be sent, or none was asked for.

        Parameters
        ----------
        target : CameraAddress
            Where the request goes.
        method, uri : str
            As they stand in the request.
        """
        if not self.is_for(target):
            return ""
        if self._digest is not None:
            return self._digest_answer(self._digest, method, uri)
        if self._basic:
            return "Basic " + base64.b64encode(_bytes(f"{self._address.user}:{self._address.password}")).decode("ascii")
        return ""

    def _digest_answer(self, fields: Dict[str, str], method: str, uri: str) -> str:
        algorithm = fields.get("algorithm", "MD5")
        name = _HASHES[_hash_name(fields)]
        realm, nonce = fields["realm"], fields["nonce"]
        self._uses += 1
        count, own = f"{self._uses:08x}", secrets.token_hex(8)

        def hashed(text: str) -> str:
            return hashlib.new(name, _bytes(text)).hexdigest()

        who = hashed(f"{self._address.user}:{realm}:{self._address.password}")
        if algorithm.upper().endswith("-SESS"):
            who = hashed(f"{who}:{nonce}:{own}")
        qop = "auth" if "auth" in _ways(fields) else "auth-int"
        # A request without a body is all that is sent, so that to protect the body as well takes nothing more.
        what = hashed(f"{method}:{uri}" if qop == "auth" else f"{method}:{uri}:{hashed('')}")
        named = {"username": self._address.user, "realm": realm, "nonce": nonce, "uri": uri}
        parts = [f'{field}="{_quoted(value)}"' for field, value in named.items()]
        if "qop" in fields:
            parts.append(f'response="{hashed(f"{who}:{nonce}:{count}:{own}:{qop}:{what}")}"')
            parts.append(f'qop={qop}, nc={count}, cnonce="{own}"')
        else:
            parts.append(f'response="{hashed(f"{who}:{nonce}:{what}")}", cnonce="{own}"')
        if "algorithm" in fields:
            parts.append(f"algorithm={algorithm}")
        if "opaque" in fields:
            parts.append(f'opaque="{_quoted(fields["opaque"])}"')
        return "Digest " + ", ".join(parts)


def password_is_not_for(given: CameraAddress, target: CameraAddress) -> SourceUnreachable:
    """Say that a camera refers to another place, which asks for a password that was not given for it."""
    place = printable(f"{target.scheme}://{target.netloc}")
    return SourceUnreachable(
        f"{given.name} refers to {place}, which wants a user and a password. "
        f"Those in the address are for {given.scheme}://{given.netloc} alone, and were not sent there.",
        f"If that place is yours, give its own address, with a user and a password for it: {printable(target.name)}.",
    )


def _offers(headers: Sequence[str]) -> Iterator[Tuple[str, Dict[str, str]]]:
    """Return scheme and parameters of each challenge; one header may hold several."""
    for header in headers:
        if len(header) > _LONGEST_CHALLENGE or not header.isprintable():
            continue
        scheme = ""
        fields: Dict[str, str] = {}
        for part in parse_http_list(header):
            begin = re.match(r"([\w-]+)(?:\s+(?!=)(.*))?$", part)
            if begin:
                if scheme:
                    yield scheme, fields
                scheme, fields = begin.group(1).lower(), {}
            name, _, value = (begin.group(2) or "" if begin else part).partition("=")
            fields[name.strip().lower()] = value.strip().strip('"')
        if scheme:
            yield scheme, fields


def _is_usable(fields: Dict[str, str]) -> bool:
    name = _HASHES.get(_hash_name(fields))
    return name in hashlib.algorithms_available and bool(_ways(fields)) and {"realm", "nonce"} <= set(fields)


def _hash_name(fields: Dict[str, str]) -> str:
    name = fields.get("algorithm", "MD5").upper()
    return name[: -len("-SESS")] if name.endswith("-SESS") else name


def _ways(fields: Dict[str, str]) -> List[str]:
    """Return which of the protections there are that a server offers."""
    offered = [way.strip().lower() for way in fields.get("qop", "auth").split(",")]
    return [way for way in offered if way in ("auth", "auth-int")]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
