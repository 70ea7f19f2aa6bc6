"""Why a certificate is not trusted, in words that say what to change."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any, Dict, List, Tuple

from fer_edge.capture.address import CameraAddress, connect, wait_for
from fer_edge.errors import SourceUnreachable
from fer_edge.system.masking import printable

# X509_V_ERR_... of OpenSSL.
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED = frozenset({18, 19})
_UNKNOWN_ISSUER = frozenset({2, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_TOO_WEAK = frozenset({66, 67, 68})

_NO_CHECK_TIME = 0x200000
_MOST_NAMES = 4
_LONGEST_LOOK = 3.0  # s; it only makes the message better

_TRUST = "Trust its certificate with --tls-ca FILE, or check nothing with --tls-insecure"


def why_not_trusted(
    error: ssl.SSLCertVerificationError,
    address: CameraAddress,
    host: str,
    context: ssl.SSLContext,
    deadline: float,
    interrupted: threading.Event,
) -> Tuple[str, str]:
    """Say what is wrong with a certificate.

    Parameters
    ----------
    error : SSLCertVerificationError
        How the check ended.
    address : CameraAddress
        Where the certificate was shown.
    host : str
        What it should have been for.
    context : SSLContext
        With the same trust, but without a check of the host's name: to look at the certificate once more.
    deadline : float
        Monotonic seconds.

    Returns
    -------
    tuple of str
        The reason, and the advice; neither ends with a full stop.
    """
    code = error.verify_code
    if code in _SELF_SIGNED:
        get = f"openssl s_client -connect {address.netloc} </dev/null | openssl x509 > FILE"
        return "its certificate is signed by nobody this machine trusts (self-signed)", f"{_TRUST}. To get it:  {get}"
    if code in _UNKNOWN_ISSUER:
        return "its certificate is signed by nobody this machine trusts", f"{_TRUST}; FILE is that of who signed it"
    if code in _TOO_WEAK:
        weak = printable(error.verify_message)
        return (
            f"its certificate is too weak to be safe ({weak})",
            "Make it a new one, or check nothing with --tls-insecure",
        )
    if code not in (_NOT_YET_VALID, _EXPIRED, *_OTHER_NAME):
        return f"its certificate is not trusted ({printable(error.verify_message)})", _TRUST
    seen = _certificate(address, context, deadline, interrupted)
    if code == _EXPIRED:
        return f"its certificate expired{_on(seen, 'notAfter', ' on ')}", _renew("renew the certificate")
    if code == _NOT_YET_VALID:
        return f"its certificate is not yet valid{_on(seen, 'notBefore', ': it begins on ')}", _renew("wait")
    names = _names(seen)
    return (
        f"its certificate is for {', '.join(names) or 'another name'}, and the address says {printable(host)}",
        "Write a name in the address that the certificate is for, give the camera another certificate, or check nothing with "
        "--tls-insecure",
    )


def _renew(what: str) -> str:
    return f"Check the clock of this machine (date), {what}, or check nothing with --tls-insecure"


def _on(seen: Dict[str, Any], field: str, words: str) -> str:
    when = seen.get(field)
    return f"{words}{printable(when)}" if isinstance(when, str) else ""


def _names(seen: Dict[str, Any]) -> List[str]:
    names = [value for kind, value in seen.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    if not names:
        names = [value for group in seen.get("subject", ()) for field, value in group if field == "commonName"]
    shown = [printable(str(name)) for name in names[:_MOST_NAMES]]
    return shown + ["..."] if len(names) > _MOST_NAMES else shown


def _certificate(
    address: CameraAddress, context: ssl.SSLContext, deadline: float, interrupted: threading.Event
) -> Dict[str, Any]:
    """Look at the certificate once more, on a connection on which nothing is sent; empty where that fails."""
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    now = time.monotonic()
    deadline = min(deadline, now + _LONGEST_LOOK)
    with suppress(SourceUnreachable, OSError):
        connection: socket.socket = connect(address, max(0.0, deadline - now), interrupted)
        with context.wrap_socket(connection, server_hostname=address.host, do_handshake_on_connect=False) as secured:
            while True:
                try:
                    secured.do_handshake()
                    return dict(secured.getpeercert() or {})
                except ssl.SSLWantReadError:
                    if not wait_for(secured, deadline, interrupted):
                        break
                except ssl.SSLWantWriteError:
                    if not wait_for(secured, deadline, interrupted, writing=True):
                        break
    return {}
