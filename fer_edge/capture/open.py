"""From the text behind ``--camera`` to the source that it means."""

from __future__ import annotations

import re

from fer_edge.capture.base import Source
from fer_edge.capture.file.images import ImageSource, is_image_place
from fer_edge.capture.file.video import VideoFileSource
from fer_edge.capture.gstreamer import GStreamerSource, csi_pipeline
from fer_edge.capture.http.source import HttpSource
from fer_edge.capture.rtsp.source import RtspSource
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.capture.synthetic import DemoSource
from fer_edge.capture.v4l2.camera import CameraSource
from fer_edge.errors import UsageError

__all__ = ["FORMS", "CaptureSettings", "open_source"]

FORMS = (
    "0, /dev/video0, /dev/v4l/by-id/..., csi:0, gst:PIPELINE, rtsp://..., http://..., a video file, a picture, "
    "a folder or pattern of pictures, demo, or demo:1 to demo:8"
)
"""What `open_source` takes, for help texts and messages."""


def open_source(text: str, settings: CaptureSettings = DEFAULTS) -> Source:
    """Choose the source that `text` means and build it, without opening it.

    Parameters
    ----------
    text : str
        A camera's number or device node; ``csi:0`` and ``gst:PIPELINE`` through GStreamer; an ``rtsp://`` or ``http://``
        address; ``demo`` or ``demo:1`` to ``demo:8``; or the path of a video, of a picture, of a folder of pictures, or a
        pattern such as ``shots/*.jpg``. A file whose name looks like one of the other forms is given as ``./name``.
    settings : CaptureSettings
        Size, rate and time limits.

    Returns
    -------
    Source
        Not open yet: use it in a ``with`` block, where what does not exist or cannot be used is reported.

    Raises
    ------
    UsageError
        The text is empty, names a protocol that is not supported, or has a wrong number.
    """
    text = text.strip()
    kind, separator, rest = text.partition(":")
    if not text or "\0" in text:
        raise UsageError("No source was named.", f"--camera takes {FORMS}.")
    if re.fullmatch(r"[0-9]{1,9}", text) or text.startswith("/dev/"):
        return CameraSource(text, settings)
    if kind == "demo" and re.fullmatch(r"[0-9]{0,9}", rest) and (rest or not separator):
        return DemoSource(int(rest or 1), settings)
    if kind == "csi":
        if not re.fullmatch(r"[0-9]{1,2}", rest):
            raise UsageError(f"'{text}' names no CSI camera.", "Give csi:0, or csi:1 for the second.")
        return GStreamerSource(csi_pipeline(int(rest), settings), settings, name=text)
    if kind == "gst":
        return GStreamerSource(rest, settings)
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", text)
    if scheme is None:
        return ImageSource(text, settings) if is_image_place(text) else VideoFileSource(text, settings)
    protocol = scheme.group(1).lower()
    if protocol in ("rtsp", "rtsps"):
        return RtspSource(text, settings)
    if protocol in ("http", "https"):
        return HttpSource(text, settings)
    raise UsageError(f"{protocol}:// is not supported.", f"--camera takes {FORMS}.")
