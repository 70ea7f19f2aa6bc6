"""What the environment variable OPENCV_FFMPEG_CAPTURE_OPTIONS says of RTSP: ``rtsp_transport;udp|tls_verify;0``."""

from __future__ import annotations

import os
from typing import Dict, Mapping

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.tls import TlsSettings
from fer_edge.errors import UsageError

VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"


class RtspOptions:
    """FFmpeg's options as OpenCV takes them.

    Parameters
    ----------
    address : CameraAddress
        What they are for.
    environment : mapping
        Where they are looked up.
    """

    def __init__(self, address: CameraAddress, environment: Mapping[str, str] = os.environ) -> None:
        # TCP is what gets through networks without damage.
        text = environment.get(VARIABLE, "rtsp_transport;tcp")
        self._options: Dict[str, str] = dict(pair.split(";", 1) for pair in text.split("|") if ";" in pair)
        self._address = address
        if address.scheme == "rtsps" and not self.is_tunnel:
            # Everything else would go beside the safe connection.
            self._options["rtsp_transport"] = "tcp"

    @property
    def is_tunnel(self) -> bool:
        """Whether RTSP goes within HTTP, which FFmpeg alone can do."""
        return self._options.get("rtsp_transport", "") in ("http", "https")

    @property
    def text(self) -> str:
        """The options for OpenCV."""
        return "|".join(f"{name};{value}" for name, value in self._options.items())

    @property
    def tls(self) -> TlsSettings:
        """How to check a camera with ``rtsps://``; only ``tls_verify;0`` switches that off."""
        return TlsSettings(
            verify=self._options.get("tls_verify", "1").strip() not in ("0", "false"),
            ca_file=self._first("ca_file", "cafile"),
            certificate=self._first("cert_file", "cert"),
            key=self._first("key_file", "key"),
            host=self._first("verifyhost"),
        )

    def check(self) -> None:
        """Raise UsageError where FFmpeg would have to be told a password, which it takes wherever it is sent."""
        if self.is_tunnel and (self._address.user or self._address.scheme == "rtsps"):
            raise UsageError(
                f"{self._address.name} cannot be read through HTTP: {VARIABLE} asks for that, "
                "and neither a password nor rtsps:// is safe in it.",
                f"Set {VARIABLE}='rtsp_transport;tcp', or use an address without a password.",
            )

    def _first(self, *names: str) -> str:
        return next((self._options[name] for name in names if name in self._options), "")
