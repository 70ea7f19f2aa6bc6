"""Streams from the network, for PyAV."""

from __future__ import annotations

import os
import re
import ssl
import threading
import time
from typing import Dict

from fer_edge.capture.address import CameraAddress, connect
from fer_edge.capture.file.places import path_of
from fer_edge.capture.media.file_input import encodable
from fer_edge.capture.media.inputs import MediaInput, Prepared
from fer_edge.capture.media.messages import Report
from fer_edge.capture.media.names import PROTOCOLS
from fer_edge.capture.settings import CaptureSettings
from fer_edge.capture.tls import TlsSettings, secure
from fer_edge.errors import SourceError, SourceNotFound, SourceUnreachable, SourceUnreadable, UsageError
from fer_edge.system.masking import mask, printable, shown
from fer_edge.system.user_info import split_user_info

_SDP = "file,rtp,udp,srtp,crypto,data"
_ANALYSIS, _ANALYSIS_OF_FLV = 5.0, 1.5
"""Seconds that FFmpeg looks at a stream. FLV (RTMP) begins with all it needs, and may promise sound that never comes."""
_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

_UNREACHABLE = re.compile(
    r"HTTP\w*Error|Connection\w*Error|TimeoutError|ExitError|OSError|EOFError|BrokenPipeError|PermissionError|FileNotFoundError"
)
"""Names of PyAV's errors that tell of the network or of the server."""

_ADVICE = "Check that it is sent, that address and port are right, and that this machine is in its network."


class StreamInput(MediaInput):
    """A stream that comes by itself.

    Parameters
    ----------
    text : str
        An address, with ``user:password@`` where it needs that, or the path of an ``.sdp`` file.
    settings : CaptureSettings
        Time limits, and whom to trust.

    Raises
    ------
    UsageError
        The address holds a space, or a password that would go to somebody who is not checked.
    """

    live = True

    def __init__(self, text: str, settings: CaptureSettings) -> None:
        self._settings = settings
        self._is_description = "://" not in text
        self._url = f"file:{encodable(path_of(text))}" if self._is_description else text
        self._scheme = "sdp" if self._is_description else text.partition("://")[0].lower()
        self.name = self.title = shown(path_of(text)) if self._is_description else printable(mask(text), len(text))
        has_password = not self._is_description and self._take_password(text)
        if self._scheme == "https" and not settings.tls_insecure and has_password:
            # FFmpeg checks who gives the playlist, and hands the password on to those who give its pieces, unchecked.
            raise UsageError(
                f"{self.name} has a password, and FFmpeg does not check the servers of a playlist's pieces, which get it.",
                "Leave the password out, or say with --tls-insecure that nobody else can be in between.",
            )
        self.paced = self._scheme in ("http", "https")
        self.open_timeout = settings.connect_timeout
        self.first_timeout = settings.first_image_timeout
        self.stall_timeout = settings.stall_timeout

    def _take_password(self, text: str) -> bool:
        """Have the user and password that people type as they are read as everywhere else, and tell whether there are some.

        FFmpeg ends a host at the first of ``/ ? #``, wherever that stands: it would tell one named ``admin`` the rest of
        ``admin:12/34@camera``.
        """
        if self._scheme in ("http", "https"):
            address = CameraAddress.parse(text)
            self._url = address.encoded
            return bool(address.user or address.password)
        info = split_user_info(text.partition("://")[2])
        given = info.text if info is not None else "?"
        if given and re.search("[/?#]", given):
            raise UsageError(
                f"{self.name} has a /, ? or # in its user or password, or an @ behind them, which FFmpeg takes otherwise.",
                "Write an @ behind the host as %40; and give the user a password without the others.",
            )
        if any(letter <= " " or letter.isspace() for letter in text):
            raise UsageError(
                "The address of the stream holds a space or a control character.",
                "Write a space as %20, or leave it out.",
            )
        return bool(given)

    def prepare(self, interrupted: threading.Event) -> Prepared:
        """Look whether a web server answers, and who; FFmpeg would say less. Others may serve a single connection."""
        if self._is_description and not os.path.isfile(self._url[len("file:") :]):
            raise SourceNotFound(f"There is no file {self.name}.", "Check the spelling and the folder.")
        if self._scheme in ("http", "https"):
            self._look(CameraAddress.parse(self._url), interrupted)
        analysis = min(
            _ANALYSIS_OF_FLV if self._scheme.startswith("rtmp") else _ANALYSIS, 0.8 * self._settings.connect_timeout
        )
        options = {
            "protocol_whitelist": _SDP if self._is_description else PROTOCOLS[self._scheme],
            "analyzeduration": str(int(analysis * 1_000_000)),
        }
        if self._scheme in ("https", "rtmps"):
            options.update(_trust(self._settings))
        return Prepared(self._url, options)

    def _look(self, address: CameraAddress, interrupted: threading.Event) -> None:
        deadline = time.monotonic() + self._settings.connect_timeout
        connection = connect(address, self._settings.connect_timeout, interrupted)
        if self._scheme == "https" and not self._settings.tls_insecure:
            connection = secure(connection, address, deadline, interrupted, TlsSettings.of(self._settings))
        connection.close()

    def unreadable(self, report: Report) -> SourceError:
        """Tell one that does not answer from one that cannot be decoded."""
        common = self.common(report)
        if common is not None:
            return common
        words = self.words(report)
        if report.error == "ProtocolNotFoundError":
            return SourceUnreadable(
                f"{self.name} cannot be read: the FFmpeg in the installed package 'av' has no {self._scheme}://.",
                "Receive it with a program that has, and pipe it:  ffmpeg -i ... -c copy -f nut - | fer-edge --camera -",
            )
        if report.error in ("HTTPUnauthorizedError", "HTTPForbiddenError") or re.search(r"\b40[13]\b", words):
            return SourceUnreachable(
                f"{self.name} refuses: {words}.",
                "The user or the password is missing or wrong: write USER:PASSWORD@ before the host in the address.",
            )
        if report.error == "ExitError":
            return SourceUnreachable(f"{self.name} sent nothing for {self.open_timeout:g} s.", _ADVICE)
        if "404 Not Found" in words:
            return SourceUnreachable(
                f"{self.name} refuses: {words}.", "The host is there, but not this path: look up that of the stream."
            )
        if "Stream ends prematurely" in words:
            return SourceUnreadable(
                f"{self.name} breaks off: {words}.",
                "The server does not send it whole, or not from its end, where an MP4 may have its index: save it as a file, "
                "or write it anew with  ffmpeg -i ... -c copy -movflags +faststart",
            )
        if self._scheme == "rtmps" and "connection tls:" in words:
            return SourceUnreachable(
                f"{self.name} has no safe connection: {words}.",
                "Check address and port; trust its certificate with --tls-ca FILE, or check nothing with --tls-insecure.",
            )
        if _UNREACHABLE.fullmatch(report.error):
            return SourceUnreachable(f"{self.name} cannot be reached: {words}.", _ADVICE)
        said = f": {words}" if words else ""
        return SourceUnreadable(
            f"{self.name} gives no video that can be read{said}.",
            "Try the address in another player, such as ffplay or VLC.",
        )


def _trust(settings: CaptureSettings) -> Dict[str, str]:
    """Return whom FFmpeg's TLS trusts. It would trust anybody by itself, and knows no place of certificates."""
    if settings.tls_insecure:
        return {"tls_verify": "0"}
    known = ssl.get_default_verify_paths()
    places = (settings.tls_ca, os.environ.get(known.openssl_cafile_env, ""), known.cafile or "", *_CERTIFICATES)
    found = next((place for place in places if place and os.path.isfile(place)), "")
    return {"tls_verify": "1", **({"ca_file": found} if found else {})}
