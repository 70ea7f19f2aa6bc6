"""From the text behind ``--camera`` to the source that it means."""

from __future__ import annotations

from fer_edge.capture.base import Source
from fer_edge.capture.registry import kind_of
from fer_edge.capture.settings import DEFAULTS, CaptureSettings


def open_source(text: str, settings: CaptureSettings = DEFAULTS) -> Source:
    """Choose the source that `text` means and build it, without opening it.

    Parameters
    ----------
    text : str
        A camera's number or device node; ``csi:0`` and ``gst:PIPELINE`` through GStreamer; an ``rtsp://`` or ``http://``
        address; ``demo`` or ``demo:1`` to ``demo:8``; or the path of a video, of an image, of a folder of images, or a
        pattern such as ``shots/*.jpg``. A file whose name looks like one of the other forms is given as ``./name``.
    settings : CaptureSettings
        Size, rate, time limits, and how its images are turned, flipped and cut.

    Returns
    -------
    Source
        Not open yet: use it in a ``with`` block, where what does not exist or cannot be used is reported.

    Raises
    ------
    UsageError
        The text is empty, names a protocol that is not supported, or has a wrong number; or there is no such turn, flip or
        region.
    """
    text = text.strip()
    from fer_edge.capture.shaped import shaped

    kind = kind_of(text)
    return shaped(kind.build(text, settings), settings, kind.sized)
