"""With what a broker is spoken to: its address, who we are, and whom we trust."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Optional, Protocol

from fer_edge.errors import UsageError
from fer_edge.sinks.mqtt.address import BrokerAddress, parse_broker
from fer_edge.system.credentials import TlsFiles, load_certificates, secret_in


class MqttOptions(Protocol):
    """The settings that are read; `fer_edge.settings.mqtt.MqttSettings` has them."""

    @property
    def broker(self) -> str:
        """Where it is, as `parse_broker` takes it."""

    @property
    def user(self) -> str:
        """Name of the account there; empty for none."""

    @property
    def password(self) -> str:
        """Of the account."""

    @property
    def password_file(self) -> str:
        """Holds the password instead."""

    @property
    def ca(self) -> str:
        """File with the certificates to trust; empty for those of the system."""

    @property
    def cert(self) -> str:
        """File with the certificate to show; empty for none."""

    @property
    def key(self) -> str:
        """File with its private key, where it stands not in the same."""

    @property
    def topic(self) -> str:
        """What all topics begin with; empty for the default."""

    @property
    def discovery(self) -> str:
        """What the topics of Home Assistant's discovery begin with, or ``off``."""


@dataclass(frozen=True)
class Access:
    """With what a broker is spoken to.

    Attributes
    ----------
    address : BrokerAddress
        Where it is.
    user, password : str
        Of the account there; empty for none.
    tls : SSLContext or None
        Whom we trust, and what we show.
    shows_certificate : bool
        Whether that is a certificate.
    """

    address: BrokerAddress
    user: str = ""
    password: str = field(default="", repr=False)
    tls: Optional[ssl.SSLContext] = None
    shows_certificate: bool = False


class _ClosedOnFailure(ssl.SSLSocket):
    """Is not left open where TLS cannot begin, which paho does."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def access_to(options: MqttOptions) -> Access:
    """Read what the settings name.

    Raises
    ------
    UsageError
        Settings that contradict each other.
    SettingsError
        A file is missing, cannot be read, or holds something else.
    """
    address = parse_broker(options.broker)
    password = options.password
    if options.password_file:
        if password:
            raise UsageError("There are an mqtt_password and an mqtt_password_file.", "Leave out one of the two.")
        password = secret_in(options.password_file, "mqtt_password_file", "password")
    if password and not options.user:
        raise UsageError("There is a password for the MQTT broker, and no user.", "Set mqtt_user, too.")
    files = TlsFiles(options.ca, options.cert, options.key, "mqtt")
    if not address.tls:
        files.refuse_without_tls(str(address), f"Write mqtts://{address.host}")
    tls = _context(files) if address.tls else None
    return Access(address, options.user, password, tls, bool(options.cert))


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the certificate and the name in it
    context.sslsocket_class = _ClosedOnFailure
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificates(context, files)
    return context
