"""Why there is no connection to a broker, for people: what is wrong, and what to do."""

from __future__ import annotations

import socket
import ssl
from typing import Mapping

from fer_edge.sinks.mqtt.address import BrokerAddress
from fer_edge.system.masking import printable

_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, _NOT_YET_VALID
_WRONG_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH

REFUSALS: Mapping[str, str] = {
    "Bad user name or password": "it takes neither this user nor this password: check mqtt_user and the password",
    "Not authorized": "it lets nobody in without the right user and password: check mqtt_user and the password",
    "Client identifier not valid": "it does not take the name of this client; its log says why",
    "Identifier rejected": "it does not take the name of this client; its log says why",
    "Server unavailable": "it says that it is not available at the moment",
    "Unsupported protocol version": "it does not speak MQTT 3.1.1",
}
"""By what MQTT 3.1.1 has for refusals (3.2.2.3), as paho words them."""


def why_refused(reason: str) -> str:
    """Return why a broker that answered lets nobody in."""
    return REFUSALS.get(reason, f"it refused: {printable(reason)}")


def why_ended(tls: bool, shows: bool) -> str:
    """Return why a broker may have ended a connection before it answered.

    Parameters
    ----------
    tls, shows : bool
        Whether it was spoken to by TLS, and whether a certificate was shown to it.
    """
    if tls and not shows:
        return "it ended the connection before it answered; one that wants a certificate is shown that of mqtt_cert"
    if tls:
        return "it ended the connection before it answered; it may not take the certificate of mqtt_cert"
    return "it ended the connection before it answered; one that wants TLS is named mqtts://"


def why_not_reached(error: Exception, address: BrokerAddress) -> str:
    """Return why a connection could not be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _not_trusted(error, address)
    if isinstance(error, ssl.SSLError):
        code = error.reason or str(error)
        if "WRONG_VERSION" in code or "UNKNOWN_PROTOCOL" in code or "HTTP_REQUEST" in code or "RECORD_LAYER" in code:
            return "there is no TLS on this port: check the port, or write mqtt://"
        if "ALERT" in code or "EOF" in code:
            return f"it ended the beginning of TLS ({printable(code)}): it may want a certificate of mqtt_cert"
        return f"TLS cannot begin ({printable(code)})"
    if isinstance(error, socket.gaierror):
        return f"nobody knows the name {address.host} ({printable(error.strerror or str(error))})"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on port {address.port}: check the port, and whether the broker runs"
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "it did not answer in time: check the address, and what stands between (a firewall)"
    if isinstance(error, OSError) and error.strerror:
        return printable(error.strerror.lower())
    return printable(str(error) or type(error).__name__)


def _not_trusted(error: ssl.SSLCertVerificationError, address: BrokerAddress) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "its certificate has expired: renew it, or set the clock right"
    if code == _NOT_YET:
        return "its certificate is not valid yet: set the clock right"
    if code in _WRONG_NAME:
        return f"its certificate is for other names than {address.host}: name the broker by one that stands in it"
    return (
        f"its certificate is of no authority that is trusted ({printable(error.verify_message)}): name that authority's "
        "certificate with mqtt_ca"
    )
