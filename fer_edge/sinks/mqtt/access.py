"""With what a broker is spoken to: its address, who we are, and whom we trust."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass, field
from typing import Optional, Protocol

from fer_edge.errors import SettingsError, UsageError
from fer_edge.sinks.mqtt.address import BrokerAddress, parse_broker
from fer_edge.system.masking import shown

LARGEST_FILE = 1 << 20
_PEM = "Name a file in PEM form (-----BEGIN CERTIFICATE-----)."


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
        password = _password_in(options.password_file)
    if password and not options.user:
        raise UsageError("There is a password for the MQTT broker, and no user.", "Set mqtt_user, too.")
    if not address.tls:
        for name in ("ca", "cert", "key"):
            if getattr(options, name):
                raise UsageError(
                    f"mqtt_{name} is set, and {address} is spoken to without TLS.",
                    f"Write mqtts://{address.host}, or leave out mqtt_{name}.",
                )
    tls = _context(options) if address.tls else None
    return Access(address, options.user, password, tls, bool(options.cert))


def _password_in(path: str) -> str:
    text = _read(path, "mqtt_password_file").decode("utf-8", "replace")
    password = text.rstrip("\r\n")
    if not password or "\n" in password or "\0" in password:
        raise SettingsError(
            f"The file {shown(path)} holds no password in one line.", "Write it there, and nothing else."
        )
    if os.stat(path).st_mode & stat.S_IROTH:
        raise SettingsError(
            f"Everybody on this machine can read the password in {shown(path)}.",
            f"Take that away:  chmod o-rwx {shown(path)}   And take a new password if others have been here.",
        )
    return password


def _context(options: MqttOptions) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the certificate and the name in it
    context.sslsocket_class = _ClosedOnFailure
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.ca:
        content = _read(options.ca, "mqtt_ca").decode("ascii", "replace")
        try:
            context.load_verify_locations(cadata=content)
        except (ssl.SSLError, ValueError):
            raise SettingsError(
                f"The file {shown(options.ca)} of mqtt_ca holds no certificate that can be read.", _PEM
            ) from None
    else:
        context.load_default_certs()
    if options.key and not options.cert:
        raise UsageError("There is an mqtt_key, and no mqtt_cert.", "Give both, or neither.")
    if options.cert:
        _read(options.cert, "mqtt_cert")
        key = options.key or options.cert
        if b"ENCRYPTED" in _read(key, "mqtt_key"):
            raise SettingsError(
                f"The private key in {shown(key)} is encrypted, and there is nobody to ask for its passphrase.",
                f"Take it off:  openssl pkey -in {shown(key)} -out plain.pem",
            )
        try:
            context.load_cert_chain(options.cert, key)
        except ssl.SSLError as error:
            mismatch = "MISMATCH" in (error.reason or "")
            why = "the key is not that of the certificate" if mismatch else "one of them cannot be read"
            raise SettingsError(
                f"{shown(options.cert)} and {shown(key)} are of no use as mqtt_cert and mqtt_key: {why}.", _PEM
            ) from None
    return context


def _read(path: str, setting: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for its writer
            raise SettingsError(f"{shown(path)}, which {setting} names, is no ordinary file.", "Name a file.")
        with open(path, "rb") as file:
            return file.read(LARGEST_FILE)
    except OSError as error:
        raise SettingsError(
            f"The file {shown(path)}, which {setting} names, cannot be read: {error.strerror or error}.",
            f"Check the path, and who may read it; the service does as fer-edge:  sudo chgrp fer-edge {shown(path)}",
        ) from error
