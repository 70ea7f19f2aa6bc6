"""What FFmpeg is told of an RTSP camera: by the camera's settings, and by OPENCV_FFMPEG_CAPTURE_OPTIONS, which wins.

The variable looks like ``rtsp_transport;udp|tls_verify;0``.
"""

from __future__ import annotations

import os
from typing import Dict, Mapping

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.tls import TlsSettings
from fer_edge.errors import UsageError

VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"

_TRANSPORTS = {
    "tcp": {"rtsp_transport": "tcp"},
    "udp": {"rtsp_transport": "udp"},
    # FFmpeg goes on to the next that it may use when the camera answers 461, and else would begin with UDP.
    "auto": {"rtsp_transport": "tcp+udp", "rtsp_flags": "prefer_tcp"},
}
_MOST_PROBED = 1 << 26
"""Bytes that FFmpeg keeps while it waits for the first key frame of a stream that does not describe itself."""


class RtspOptions:
    """FFmpeg's options for one camera.

    Parameters
    ----------
    address : CameraAddress
        What they are for.
    environment : mapping
        Where the variable is looked up.
    asked : CaptureSettings
        What is asked of the camera.
    """

    def __init__(
        self,
        address: CameraAddress,
        environment: Mapping[str, str] = os.environ,
        asked: CaptureSettings = DEFAULTS,
    ) -> None:
        text = environment.get(VARIABLE, "")
        self._given: Dict[str, str] = dict(pair.split(";", 1) for pair in text.split("|") if ";" in pair)
        self._address = address
        self._asked = asked
        self._transport = {"rtsp_transport": self._given["rtsp_transport"]} if "rtsp_transport" in self._given else {}
        if address.scheme == "rtsps" and not self.is_tunnel:
            # Everything else would go beside the safe connection.
            self._transport = _TRANSPORTS["tcp"]
        self._transport = self._transport or _TRANSPORTS[asked.transport]

    @property
    def is_tunnel(self) -> bool:
        """Whether RTSP goes within HTTP, which FFmpeg alone can do."""
        return self._given.get("rtsp_transport", "") in ("http", "https")

    @property
    def transport(self) -> str:
        """How images come, in FFmpeg's word; ``tcp+udp`` where TCP is tried first."""
        return self._transport["rtsp_transport"]

    @property
    def ffmpeg(self) -> Dict[str, str]:
        """The options by name."""
        own = {
            # Else it waits for the seventh picture, to guess how they are ordered, and then for twenty more, to count
            # their rate: minutes, with a camera that sends one every 8 s.
            "max_ts_probe": "0",
            "fpsprobesize": "0",
            # The first key frame may be long in coming; the limit is ours.
            "analyzeduration": str(int(2e6 * self._asked.first_image_timeout)),
            "probesize": str(_MOST_PROBED),
            # A sound track may be silent, and must not be waited for.
            "allowed_media_types": "video",
        }
        if not self.is_tunnel:
            own["protocol_whitelist"] = "rtsp,rtp,tcp,udp"
        return {**own, **self._given, **self._transport}

    @property
    def text(self) -> str:
        """The options for OpenCV."""
        return "|".join(f"{name};{value}" for name, value in self.ffmpeg.items())

    @property
    def tls(self) -> TlsSettings:
        """How to check a camera with ``rtsps://``."""
        says = self._given.get("tls_verify")
        return TlsSettings(
            verify=not self._asked.tls_insecure if says is None else says.strip() not in ("0", "false"),
            ca_file=self._first("ca_file", "cafile") or self._asked.tls_ca,
            certificate=self._first("cert_file", "cert"),
            key=self._first("key_file", "key"),
            host=self._first("verifyhost"),
        )

    @property
    def unsafe_because(self) -> str:
        """What says that nobody checks who answers at ``rtsps://``; empty where somebody does."""
        if self._address.scheme != "rtsps" or self.tls.verify:
            return ""
        return VARIABLE if "tls_verify" in self._given else "tls_insecure"

    def check(self) -> None:
        """Raise UsageError where FFmpeg would have to be told a password, which it takes wherever it is sent."""
        secret = self._address.user or self._address.password
        if self.is_tunnel and (secret or self._address.scheme == "rtsps"):
            raise UsageError(
                f"{self._address.name} cannot be read through HTTP: {VARIABLE} asks for that, "
                "and neither a password nor rtsps:// is safe in it.",
                f"Set {VARIABLE}='rtsp_transport;tcp', or use an address without a password.",
            )

    def _first(self, *names: str) -> str:
        return next((self._given[name] for name in names if name in self._given), "")
