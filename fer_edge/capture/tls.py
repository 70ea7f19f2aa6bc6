"""TLS to a camera, with every wait bounded. Certificate and host name are checked unless somebody said not to."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import Tuple

from fer_edge.capture.address import CameraAddress, wait_for
from fer_edge.capture.distrust import why_not_trusted
from fer_edge.capture.settings import CaptureSettings
from fer_edge.errors import SourceUnreachable
from fer_edge.system.masking import printable, shown
from fer_edge.system.regular_file import open_regular

_PARTIAL_CHAIN, _STRICT = 0x80000, 0x20  # X509_V_FLAG_... of OpenSSL, which older Pythons have no names for
_OLD = re.compile(
    r"UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_LOW|ALERT_PROTOCOL_VERSION|BAD_PROTOCOL_VERSION"
)
_WEAK = re.compile(
    r"DH_KEY_TOO_SMALL|KEY_TOO_SMALL|KEY_TOO_WEAK|MD_TOO_WEAK|WRONG_SIGNATURE_TYPE|HANDSHAKE_FAILURE|LEGACY_RENEG"
)
_ENDED = re.compile(r"UNEXPECTED_EOF|EOF occurred|closed \(EOF\)")
_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|RECORD_LAYER|HTTP_REQUEST|PACKET_LENGTH")


@dataclass(frozen=True)
class TlsSettings:
    """How to check who answers.

    Attributes
    ----------
    verify : bool
        Check the certificate and the host name in it. Without, old versions of TLS and weak keys are taken as well: they keep
        nobody out who is not kept out by that.
    ca_file : str
        Certificates to trust instead of those of the system and of SSL_CERT_FILE: of authorities, or of the camera itself.
    certificate, key : str
        Files with what this machine shows of itself, where a camera wants that.
    host : str
        The name that the certificate must be for; empty for that of the address.
    """

    verify: bool = True
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    host: str = ""

    @classmethod
    def of(cls, settings: CaptureSettings) -> TlsSettings:
        """Return what is asked for a source."""
        return cls(verify=not settings.tls_insecure, ca_file=settings.tls_ca)


DEFAULTS = TlsSettings()


def secure(
    connection: socket.socket,
    address: CameraAddress,
    deadline: float,
    interrupted: threading.Event,
    settings: TlsSettings = DEFAULTS,
    remedy: str = "",
) -> ssl.SSLSocket:
    """Begin TLS on a connection that does not block.

    Parameters
    ----------
    deadline : float
        Monotonic seconds.
    remedy : str
        What else the reader can do when the certificate is not trusted, to go on with the sentence.

    Returns
    -------
    SSLSocket
        Which took the connection over; also when this fails, the connection is closed.

    Raises
    ------
    SourceUnreachable
        No answer in time, no TLS, or a certificate that is not trusted or is for another host.
    """
    try:
        context = _context(settings, address)
    except BaseException:
        connection.close()
        raise
    secured = context.wrap_socket(
        connection, server_hostname=settings.host or address.host, do_handshake_on_connect=False
    )
    try:
        while True:
            try:
                secured.do_handshake()
                return secured
            except ssl.SSLWantReadError:
                ready = wait_for(secured, deadline, interrupted)
            except ssl.SSLWantWriteError:
                ready = wait_for(secured, deadline, interrupted, writing=True)
            if not ready:
                raise SourceUnreachable(
                    f"{address.name} began no TLS in time.",
                    "Check the address and the port; one that is slow to answer needs a longer --connect-timeout.",
                ) from None
    except ssl.SSLCertVerificationError as error:
        secured.close()
        context.check_hostname = False
        reason, advice = why_not_trusted(error, address, settings.host or address.host, context, deadline, interrupted)
        raise SourceUnreachable(f"{address.name} has no safe connection: {reason}.", f"{advice}{remedy}.") from None
    except ssl.SSLError as error:
        secured.close()
        reason, advice = _reason(error)
        raise SourceUnreachable(f"{address.name} has no safe connection: {reason}.", advice) from None
    except BaseException:
        secured.close()
        raise


def _context(settings: TlsSettings, address: CameraAddress) -> ssl.SSLContext:
    try:
        if settings.ca_file:
            open_regular(settings.ca_file).close()  # OpenSSL would wait for the writer of a pipe
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:  # of ssl, too
        what = shown(settings.ca_file or "named by SSL_CERT_FILE")
        raise SourceUnreachable(
            f"The file {what} with the certificates to trust for {address.name} cannot be used: {_trouble(error)}.",
            "Name a file of certificates in PEM form (-----BEGIN CERTIFICATE-----) with --tls-ca.",
        ) from None
    if settings.ca_file:
        if not context.cert_store_stats()["x509"]:
            raise SourceUnreachable(
                f"The file {shown(settings.ca_file)} with the certificates to trust for {address.name} holds none.",
                "Name a file of certificates in PEM form (-----BEGIN CERTIFICATE-----) with --tls-ca.",
            )
        # Whoever names the certificate of the camera itself means it, whatever it lacks that an authority's has.
        context.verify_flags = ssl.VerifyFlags((context.verify_flags | _PARTIAL_CHAIN) & ~_STRICT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # as Pythons after 3.9 have it by themselves
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    if settings.certificate:
        try:
            for file in filter(None, (settings.certificate, settings.key)):
                open_regular(file).close()
            context.load_cert_chain(settings.certificate, settings.key or None)
        except OSError as error:
            raise SourceUnreachable(
                f"The certificate to show to {address.name} cannot be used: {_trouble(error)}.",
                "Check the files that cert_file and key_file name.",
            ) from None
    return context


def _trouble(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds no certificate that can be read"
    return printable((error.strerror or str(error)).lower())


def _reason(error: ssl.SSLError) -> Tuple[str, str]:
    """Return why there is no TLS, and what to do."""
    code = error.reason or str(error)
    insecure = "Renew the camera's firmware, or take it as it is, whoever may read along: --tls-insecure."
    if _OLD.search(code):
        return "it speaks a version of TLS that is older than 1.2, which is not safe", insecure
    if _WEAK.search(code):
        return f"its keys or ciphers are too weak to be safe ({printable(code)})", insecure
    if _NO_TLS.search(code):
        return "there is no TLS on this port", "Check the port, or whether it is http:// and rtsp:// that belong there."
    if _ENDED.search(code):
        return "it ended the connection", "Check the port, and the camera's settings for HTTPS."
    return printable(code), "Check the address and the port, and the camera's settings for HTTPS."
