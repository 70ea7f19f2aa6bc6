"""Where an MQTT broker is: ``mqtt://HOST[:PORT]``, or ``mqtts://`` for TLS."""

from __future__ import annotations

from typing import NamedTuple

from fer_edge.system.address import Address, parse_address

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Of each scheme, as IANA has registered them."""

FORM = "mqtt://HOST or mqtts://HOST, with :PORT where it is not 1883 or 8883"

_KEPT_APART = (
    "a user and a password do not belong there, where everybody on this machine can read them: set mqtt_user and "
    "mqtt_password_file in the settings file, or FER_EDGE_MQTT_USER and FER_EDGE_MQTT_PASSWORD"
)


class BrokerAddress(NamedTuple):
    """Where a broker is, and whether it is spoken to by TLS.

    Examples
    --------
    >>> str(parse_broker("mqtts://broker.local"))
    'mqtts://broker.local:8883'
    """

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        """Return it as `parse_broker` takes it, with the port."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{Address(self.host, self.port)}"


class BrokerText(ValueError):
    """Says why a text names no broker, without a word of what may be a password in it."""


def parse_broker(text: str) -> BrokerAddress:
    """Read ``mqtt://host``, ``mqtts://host:port`` or ``mqtt://[::1]:port``.

    Raises
    ------
    BrokerText
        It is none of these, or holds a user.
    """
    scheme, slashes, rest = text.strip().partition("://")
    if "@" in text:
        raise BrokerText(_KEPT_APART)
    if not slashes or scheme.lower() not in PORTS:
        raise BrokerText(f"it must be {FORM}")
    rest = rest[:-1] if rest.endswith("/") else rest
    if "/" in rest or "?" in rest or "#" in rest:
        raise BrokerText(f"nothing stands behind host and port: it must be {FORM}; mqtt_topic sets the topic")
    port = PORTS[scheme.lower()]
    has_port = rest.rpartition("]")[2].count(":") == 1
    try:
        host, port = parse_address(rest if has_port else f"{rest}:{port}")
    except ValueError as error:
        raise BrokerText(f"{error}; as a whole it must be {FORM}") from None
    if not rest or rest.startswith(":"):
        raise BrokerText(f"it names no host: it must be {FORM}")
    return BrokerAddress(host, port, scheme.lower() == "mqtts")
