"""TLS to a camera, with every wait bounded. Certificate and host name are checked unless somebody said not to."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass

from fer_edge.capture.address import CameraAddress, wait_for
from fer_edge.errors import SourceUnreachable
from fer_edge.system.masking import printable


@dataclass(frozen=True)
class TlsSettings:
    """How to check who answers.

    Attributes
    ----------
    verify : bool
        Check the certificate and the host name in it.
    ca_file : str
        Certificates to trust instead of those of the system and of SSL_CERT_FILE.
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
        context = _context(settings)
    except (OSError, ssl.SSLError) as error:
        connection.close()
        raise SourceUnreachable(
            f"The certificates for {address.name} cannot be read: {printable(str(error))}.",
            "Check the files that ca_file, cert_file and key_file, or SSL_CERT_FILE, name.",
        ) from None
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
                    f"{address.name} began no TLS in time.", "Check the address and the port."
                ) from None
    except ssl.SSLError as error:
        secured.close()
        raise SourceUnreachable(
            f"{address.name} has no safe connection: {_reason(error)}.",
            f"A camera with a certificate of its own: name that certificate's file in SSL_CERT_FILE{remedy}.",
        ) from None
    except BaseException:
        secured.close()
        raise


def _context(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.key or None)
    return context


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({printable(error.verify_message)})"
    return printable(str(error.reason or error))
