"""H.264 by the program ``ffmpeg``."""

from __future__ import annotations

import shutil
from typing import List, Mapping

from fer_edge.sinks.video.avi import AviSplitter
from fer_edge.sinks.video.colour import MATRIX, PRIMARIES, TRANSFER
from fer_edge.sinks.video.encoder import Consume, Encoder, EncoderHangs, EncoderMissing, VideoFormat
from fer_edge.sinks.video.h264_options import FFMPEG_ENCODERS
from fer_edge.sinks.video.program import open_program

PROGRAM = "ffmpeg"


def open_encoder(video: VideoFormat, consume: Consume) -> Encoder:
    """Start an ``ffmpeg`` that is found on PATH. Raises EncoderMissing where there is none, or none that encodes H.264."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise EncoderMissing(f"there is no program '{PROGRAM}' on the PATH")
    reasons = []
    for codec, options in FFMPEG_ENCODERS:
        command = ffmpeg_command(program, codec, options(video), video)
        try:
            return open_program(f"{codec} by {program}", command, lambda: AviSplitter().feed, video, consume)
        except EncoderHangs:
            raise
        except EncoderMissing as error:
            reasons.append(str(error))
    raise EncoderMissing("; ".join(reasons))


def ffmpeg_command(program: str, codec: str, options: Mapping[str, str], video: VideoFormat) -> List[str]:
    """Return the command that encodes raw images from its input to AVI, which has the size of each, on its output."""
    width, height = video.size
    rate = max(1, round(video.fps))
    # Said of the stream only; said of the encoder, newer ones convert to it.
    colours = (
        f"h264_metadata=colour_primaries={PRIMARIES}:transfer_characteristics={TRANSFER}"
        f":matrix_coefficients={MATRIX}:video_full_range_flag=0"
    )
    return [
        *(program, "-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{width}x{height}", "-framerate", str(rate)),
        *("-i", "pipe:0", "-an", "-c:v", codec, "-pix_fmt", "yuv420p", "-bf", "0", "-g", str(video.key_interval)),
        *(part for name, value in options.items() for part in (f"-{name}:v" if name == "b" else f"-{name}", value)),
        *("-bsf:v", colours, "-flush_packets", "1", "-f", "avi", "pipe:1"),
    ]
