"""Certificates: for the endpoint that shows one, and for those who ask it.

Both are read once; after a renewal the program is started anew.
"""

from __future__ import annotations

import logging
import os
import ssl
import stat
from typing import NoReturn, Tuple

from fer_edge.errors import SettingsError
from fer_edge.system.regular_file import open_regular

logger = logging.getLogger("fer_edge")

LARGEST_FILE = 1 << 20

_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, _NOT_YET_VALID
_WRONG_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH
_PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN; the ssl module names it from Python 3.10 on
_BEGIN = "-----BEGIN CERTIFICATE-----"
_MAKE_ONE = "docs/service.md shows how to make one with openssl."


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Make the server's side of TLS 1.2 and newer.

    Parameters
    ----------
    certificate : str
        A PEM file: the server's own certificate, then those that lead to its authority.
    key : str
        A PEM file with the private key, not encrypted; empty where it stands in the same file.

    Raises
    ------
    SettingsError
        A file is missing, cannot be read or holds something else, the key does not fit, or the certificate has expired.

    Notes
    -----
    A key that everybody can read is taken, with a warning in the log.
    """
    if not certificate:
        raise SettingsError(f"There is a tls_key ('{key}'), and no tls_cert.", "Give both, or neither.")
    key = key or certificate
    first_certificate(certificate)
    content = _read(key, "private key")
    _warn_of_readers(key)
    if "PRIVATE KEY-----" not in content:
        raise SettingsError(f"The file '{key}' holds no private key.", "Give a PEM file with one as tls_key.")
    if "ENCRYPTED" in content:
        _refuse_passphrase(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # With a password at hand, OpenSSL never asks for one at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: _refuse_passphrase(key))
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            raise SettingsError(
                f"The private key in '{key}' is not that of the certificate in '{certificate}'.",
                f"Give the key that the certificate was made with. {_MAKE_ONE}",
            ) from error
        raise SettingsError(
            f"'{certificate}' and '{key}' are of no use as certificate and key: {_reason(error)}.", _MAKE_ONE
        ) from error
    except OSError as error:
        raise SettingsError(f"'{key}' cannot be read: {error.strerror or error}.", "Check the file.") from error
    _rehearse(context, certificate)
    return context


def first_certificate(path: str) -> str:
    """Return the first certificate of a PEM file, which is a server's own. Raises SettingsError if there is none."""
    content = _read(path, "certificate")
    begin, end = content.find(_BEGIN), content.find("-----END CERTIFICATE-----")
    if not 0 <= begin < end:
        raise SettingsError(f"The file '{path}' holds no certificate.", f"Give a PEM file with one. {_MAKE_ONE}")
    return content[begin:end] + "-----END CERTIFICATE-----\n"


def client_context(authorities: str = "", only: str = "") -> ssl.SSLContext:
    """Make the side that asks, which speaks with nobody whom it does not know.

    Parameters
    ----------
    authorities : str
        A PEM file with the certificates of those who vouch for others. The name of the other side must be right, too.
    only : str
        Instead, a PEM file of which the first certificate is the one that is spoken to; its name does not matter.

    Raises
    ------
    SettingsError
        The file is missing, cannot be read, or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = not only
    # A certificate that was chosen by hand is trusted though it is no authority's.
    context.verify_flags |= _PARTIAL_CHAIN
    trusted = first_certificate(only) if only else _read(authorities, "certificate")
    try:
        context.load_verify_locations(cadata=trusted)
    except (ssl.SSLError, ValueError) as error:
        reason = _reason(error) if isinstance(error, ssl.SSLError) else error
        raise SettingsError(
            f"The file '{only or authorities}' holds no certificate that can be read: {reason}.", _MAKE_ONE
        ) from error
    return context


def why_not_asked(error: ssl.SSLError) -> Tuple[str, str]:
    """Return why who asked sent nothing, and what to do: the other side showed the wrong certificate, or speaks no TLS.

    Parameters
    ----------
    error : SSLError
        Of a connection with a `client_context`.
    """
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else None
    if code in (_EXPIRED, _NOT_YET):
        state = "has expired" if code == _EXPIRED else "is not valid yet"
        return f"the certificate that it shows {state}", "Renew it and start it anew, or set the clock right."
    if code in _WRONG_NAME:
        return (
            "the certificate that it shows is one for other names",
            "Ask by a name that stands in it, or give a copy of the certificate itself with --tls-cert.",
        )
    if code is not None:
        return (
            "it shows another certificate than the one that was named, or that an authority that was named has signed",
            "Name the file that it was started with (--tls-cert), or its authority's (--tls-ca); where its certificate was "
            "renewed since, start it anew. Else another program answers there, and should not be told a token.",
        )
    return (
        f"it does not answer by HTTPS ({_reason(error)})",
        "Where it was started without tls_cert, ask without --tls-cert and --tls-ca. Else its log says more.",
    )


def _read(path: str, what: str) -> str:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for its writer
            raise SettingsError(f"The {what} '{path}' is no ordinary file.", "Give the path of a PEM file.")
        with open_regular(path) as file:
            content = file.read(LARGEST_FILE)
    except FileNotFoundError as error:
        raise SettingsError(f"There is no {what} '{path}'.", "Check the path.") from error
    except PermissionError as error:
        raise SettingsError(
            f"The {what} '{path}' may not be read by this user.",
            f"For the service:  sudo chgrp fer-edge '{path}' && sudo chmod 640 '{path}'",
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"The {what} '{path}' cannot be read: {reason}.", "Check the path and the disk.") from error
    return content.decode("ascii", "replace")


def _warn_of_readers(key: str) -> None:
    try:
        mode = os.stat(key).st_mode
    except OSError:  # it was removed meanwhile, which its loading will tell
        return
    if mode & stat.S_IROTH:
        logger.warning(
            "everybody on this machine can read the private key '%s', and so answer in its place: mend it with "
            "chmod o-rwx, and take a new key if others have been here",
            key,
            extra={"event": "tls_key_not_safe"},
        )


def _refuse_passphrase(key: str) -> NoReturn:
    raise SettingsError(
        f"The private key in '{key}' is encrypted, and there is nobody to ask for its passphrase.",
        f"Take it off:  openssl pkey -in '{key}' -out plain.pem",
    )


def _rehearse(server: ssl.SSLContext, certificate: str) -> None:
    """Shake hands with ourselves, which shows whether others could."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asked = server.wrap_bio(to_server, to_client, server_side=True)
    asking = client_context(only=certificate).wrap_bio(to_client, to_server)
    try:
        for _ in range(10):
            for side in (asking, asked):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _NOT_YET:  # a board without a clock may wake up years ago
            return
        reason = "has expired" if error.verify_code == _EXPIRED else f"will not do: {error.verify_message}"
        raise SettingsError(f"The certificate in '{certificate}' {reason}.", f"Renew it. {_MAKE_ONE}") from error
    except ssl.SSLError as error:
        raise SettingsError(f"The certificate in '{certificate}' will not do: {_reason(error)}.", _MAKE_ONE) from error


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")
