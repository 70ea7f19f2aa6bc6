"""H.264 by the Python package PyAV, which the extra ``media`` brings."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, List, Mapping

import numpy as np

from fer_edge.errors import EncoderFailed, FerEdgeError
from fer_edge.sinks.video.colour import NAMES, planes
from fer_edge.sinks.video.encoder import Consume, Encoder, EncoderMissing, VideoFormat
from fer_edge.sinks.video.h264 import parameter_sets
from fer_edge.sinks.video.h264_options import FFMPEG_ENCODERS
from fer_edge.system.libraries import import_library
from fer_edge.types import Image

_LARGEST_RATE = 1000
_FAILURES = (OSError, ValueError, RuntimeError, TypeError, AttributeError, LookupError)
"""What PyAV raises besides its own `FFmpegError`."""


class PyavEncoder(Encoder):
    """Encodes in the caller's thread; an image's bytes come before `write` returns, but for hardware that lags behind.

    Parameters
    ----------
    av : module
        PyAV.
    codec, options : str, mapping of str to str
        Of FFmpeg.
    video : VideoFormat
        What is encoded.
    consume : callable
        Gets each encoded image.

    Raises
    ------
    EncoderMissing
        This FFmpeg has no such encoder, or it takes no such images.
    """

    def __init__(self, av: Any, codec: str, options: Mapping[str, str], video: VideoFormat, consume: Consume) -> None:
        self.name = f"{codec} by PyAV {av.__version__}"
        self._av = av
        self._failures = (*_FAILURES, av.error.FFmpegError)
        self._consume = consume
        self._count = 0
        try:
            context = av.CodecContext.create(codec, "w")
            context.width, context.height = video.size
            context.pix_fmt = "yuv420p"
            context.framerate = Fraction(min(_LARGEST_RATE, max(1, round(video.fps))))
            context.time_base = 1 / context.framerate
            context.gop_size = video.key_interval
            context.options = {**NAMES, "bf": "0", **options}
            context.open()
        except self._failures as error:
            raise EncoderMissing(f"{codec}: {type(error).__name__}: {error}") from error
        self._context = context

    def write(self, image: Image) -> None:
        """Encode one image. Raises as the seam says."""
        frame = self._av.VideoFrame.from_ndarray(planes(image), format="yuv420p")
        frame.pts, self._count = self._count, self._count + 1
        self._encode(frame)

    def close(self) -> None:
        """Encode what is left. Raises as the seam says."""
        self._encode(None)

    def _encode(self, frame: Any) -> None:
        try:
            packets = [bytes(packet) for packet in self._context.encode(frame)]
        except self._failures as error:
            raise EncoderFailed(
                f"The encoder {self.name} failed: {type(error).__name__}: {error}.",
                "Record to .avi if it does so again.",
            ) from error
        for packet in packets:
            if packet:
                self._consume(packet)


def open_encoder(video: VideoFormat, consume: Consume) -> Encoder:
    """Open the first encoder that works of those that PyAV's FFmpeg has. Raises EncoderMissing where none does."""
    try:
        av = import_library("av", "media", "H.264")
    except FerEdgeError as error:
        raise EncoderMissing(error.message.rstrip(".")) from error
    reasons = []
    for codec, options in FFMPEG_ENCODERS:
        try:
            _try(av, codec, options(video), video)
            return PyavEncoder(av, codec, options(video), video, consume)
        except EncoderMissing as error:
            reasons.append(str(error))
    raise EncoderMissing("; ".join(reasons))


def _try(av: Any, codec: str, options: Mapping[str, str], video: VideoFormat) -> None:
    """Encode a black image, as hardware may refuse with the first one only."""
    units: List[bytes] = []
    encoder = PyavEncoder(av, codec, options, video, units.append)
    try:
        encoder.write(np.zeros((video.size[1], video.size[0], 3), np.uint8))
        encoder.close()
    except EncoderFailed as error:
        raise EncoderMissing(f"{codec}: {error.message}") from error
    if not parameter_sets(b"".join(units)):
        raise EncoderMissing(f"{codec}: it does not describe its stream")
