"""Passwords, tokens and certificates that settings name as files, for whatever this machine logs on to."""

from __future__ import annotations

import os
import ssl
import stat
from typing import NamedTuple

from fer_edge.errors import SettingsError, UsageError
from fer_edge.system.masking import shown
from fer_edge.system.regular_file import open_regular

LARGEST_FILE = 1 << 20
_PEM = "Name a file in PEM form (-----BEGIN CERTIFICATE-----)."


class TlsFiles(NamedTuple):
    """Whom to trust, and what to show; each a path, or empty.

    Attributes
    ----------
    ca : str
        The certificates to trust; empty for those of the system.
    cert : str
        The certificate to show.
    key : str
        Its private key, where it does not stand in the same file.
    prefix : str
        What the settings' names begin with, for messages: ``mqtt`` of ``mqtt_ca``.
    """

    ca: str
    cert: str
    key: str
    prefix: str

    def refuse_without_tls(self, where: str, remedy: str) -> None:
        """Raise UsageError where a file is named, and no TLS is spoken.

        Parameters
        ----------
        where : str
            The address, for people.
        remedy : str
            What to write in place of it.
        """
        for name in ("ca", "cert", "key"):
            if getattr(self, name):
                raise UsageError(
                    f"{self.prefix}_{name} is set, and {where} is spoken to without TLS.",
                    f"{remedy}, or leave out {self.prefix}_{name}.",
                )


def secret_in(path: str, setting: str, what: str) -> str:
    """Return what a file holds in its only line.

    Parameters
    ----------
    setting : str
        Names the file: ``mqtt_password_file``.
    what : str
        ``password`` or ``token``, for messages.

    Raises
    ------
    SettingsError
        It is missing, cannot be read, holds something else, or everybody can read it.
    """
    text = read_named(path, setting).decode("utf-8", "replace")
    secret = text.rstrip("\r\n")
    if not secret or "\n" in secret or "\0" in secret:
        raise SettingsError(f"The file {shown(path)} holds no {what} in one line.", "Write it there, and nothing else.")
    if os.stat(path).st_mode & stat.S_IROTH:
        raise SettingsError(
            f"Everybody on this machine can read the {what} in {shown(path)}.",
            f"Take that away:  chmod o-rwx {shown(path)}   And take a new {what} if others have been here.",
        )
    return secret


def load_certificates(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Let a context trust and show what `files` name.

    Raises
    ------
    UsageError
        There is a key, and no certificate.
    SettingsError
        A file is missing, cannot be read, or holds something else.
    """
    prefix = files.prefix
    if files.ca:
        content = read_named(files.ca, f"{prefix}_ca").decode("ascii", "replace")
        try:
            context.load_verify_locations(cadata=content)
        except (ssl.SSLError, ValueError):
            raise SettingsError(
                f"The file {shown(files.ca)} of {prefix}_ca holds no certificate that can be read.", _PEM
            ) from None
    else:
        context.load_default_certs()
    if files.key and not files.cert:
        raise UsageError(f"There is an {prefix}_key, and no {prefix}_cert.", "Give both, or neither.")
    if files.cert:
        read_named(files.cert, f"{prefix}_cert")
        key = files.key or files.cert
        if b"ENCRYPTED" in read_named(key, f"{prefix}_key"):
            raise SettingsError(
                f"The private key in {shown(key)} is encrypted, and there is nobody to ask for its passphrase.",
                f"Take it off:  openssl pkey -in {shown(key)} -out plain.pem",
            )
        try:
            context.load_cert_chain(files.cert, key)
        except ssl.SSLError as error:
            mismatch = "MISMATCH" in (error.reason or "")
            why = "the key is not that of the certificate" if mismatch else "one of them cannot be read"
            raise SettingsError(
                f"{shown(files.cert)} and {shown(key)} are of no use as {prefix}_cert and {prefix}_key: {why}.", _PEM
            ) from None


def read_named(path: str, setting: str) -> bytes:
    """Return the beginning of a file that a setting names, of at most `LARGEST_FILE` bytes.

    Raises
    ------
    SettingsError
        It is missing, cannot be read, or is no ordinary file.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for its writer
            raise SettingsError(f"{shown(path)}, which {setting} names, is no ordinary file.", "Name a file.")
        with open_regular(path) as file:
            return file.read(LARGEST_FILE)
    except OSError as error:
        raise SettingsError(
            f"The file {shown(path)}, which {setting} names, cannot be read: {error.strerror or error}.",
            f"Check the path, and who may read it; the service does as fer-edge:  sudo chgrp fer-edge {shown(path)}",
        ) from error
