"""Which encoders of H.264 there are, the first choice first. To add one: its file with `open_encoder`, and an entry here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple, cast

from fer_edge.sinks.video.encoder import Consume, Encoder, EncoderMissing, VideoFormat

OpenEncoder = Callable[[VideoFormat, Consume], Encoder]


@dataclass(frozen=True)
class EncoderKind:
    """A way to H.264.

    Attributes
    ----------
    name : str
        For people.
    home : str
        The module whose ``open_encoder(format, consume)`` makes one, or raises `EncoderMissing`; imported when it is needed.
    """

    name: str
    home: str

    def open(self, video: VideoFormat, consume: Consume) -> Encoder:
        """Open an encoder. Raises EncoderMissing where there is none for this."""
        opener = cast(OpenEncoder, importlib.import_module(self.home).open_encoder)
        return opener(video, consume)


H264: Tuple[EncoderKind, ...] = (
    EncoderKind("PyAV", "fer_edge.sinks.video.pyav"),
    EncoderKind("ffmpeg", "fer_edge.sinks.video.ffmpeg"),
    EncoderKind("gst-launch-1.0", "fer_edge.sinks.video.gstreamer"),
)


def open_h264(
    video: VideoFormat, consume: Consume, kinds: Sequence[EncoderKind] = H264
) -> Tuple[Optional[Encoder], Dict[str, str]]:
    """Open the first encoder of H.264 that works here.

    Returns
    -------
    encoder : Encoder or None
        None where none works.
    reasons : dict of str to str
        By kind that was tried in vain, why.
    """
    reasons: Dict[str, str] = {}
    for kind in kinds:
        try:
            return kind.open(video, consume), reasons
        except EncoderMissing as error:
            reasons[kind.name] = str(error)
    return None, reasons


def look(kinds: Sequence[EncoderKind] = H264) -> Tuple[str, Dict[str, str]]:
    """Return what encodes H.264 here, empty for nothing, and why others do not."""
    units: List[bytes] = []
    encoder, reasons = open_h264(VideoFormat((640, 480), 30.0), units.append, kinds)
    if encoder is None:
        return "", reasons
    encoder.close()
    return encoder.name, reasons
