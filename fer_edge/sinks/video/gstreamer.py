"""H.264 by GStreamer's ``gst-launch-1.0``: how a Jetson's hardware is reached."""

from __future__ import annotations

import shutil
from typing import Callable, Iterator, List, Tuple

from fer_edge.sinks.video.encoder import Consume, Encoder, EncoderHangs, EncoderMissing, VideoFormat
from fer_edge.sinks.video.program import open_program

PROGRAM = "gst-launch-1.0"

ALIGN = 4
"""Bytes: where GStreamer expects each row of a raw image to begin."""

_CONSTANT_QUALITY, _KEY_INTERVAL = "pass=quant", "key-int-max"
"""Apart from what they belong to, as what looks like a password or a key is masked in a message."""

Elements = Callable[[VideoFormat], str]

GSTREAMER_ENCODERS: Tuple[Tuple[str, Elements], ...] = (
    # JetPack 5 and 6; insert-sps-pps as MP4 wants them said, and the first image has them in any case.
    (
        "nvv4l2h264enc",
        lambda video: (
            f"nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc bitrate={video.bit_rate} "
            f"iframeinterval={video.key_interval} idrinterval={video.key_interval} insert-sps-pps=true maxperf-enable=true"
        ),
    ),
    # JetPack 4.
    (
        "omxh264enc",
        lambda video: (
            f"nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! omxh264enc bitrate={video.bit_rate} "
            f"iframeinterval={video.key_interval} insert-sps-pps=true"
        ),
    ),
    (
        "x264enc",
        lambda video: (
            f"x264enc speed-preset=superfast tune=zerolatency {_CONSTANT_QUALITY} quantizer=25 threads=1 "
            f"{_KEY_INTERVAL}={video.key_interval}"
        ),
    ),
    ("openh264enc", lambda video: f"openh264enc bitrate={video.bit_rate} gop-size={video.key_interval}"),
)
"""By element, the first choice first."""

_LENGTH = b"content-length:"


class MultipartSplitter:
    """Cuts the output of ``multipartmux``, which says the size of each encoded image before it, into images."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take some bytes and give the images that are complete by now."""
        self._rest += data
        while True:
            head, end, body = self._rest.partition(b"\r\n\r\n")
            size = _length(head) if end else 0
            if not end or len(body) < size:
                return
            self._rest = body[size:]
            yield body[:size]


def _length(head: bytes) -> int:
    """Return the size that a part's head says; 0 where it says none."""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    return 0


def open_encoder(video: VideoFormat, consume: Consume) -> Encoder:
    """Start the first pipeline that works here. Raises EncoderMissing where none does."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise EncoderMissing(f"there is no program '{PROGRAM}' on the PATH")
    reasons = []
    for element, elements in GSTREAMER_ENCODERS:
        try:
            command = gstreamer_command(program, elements(video), video)
            name = f"{element} by {PROGRAM}"
            return open_program(name, command, lambda: MultipartSplitter().feed, video, consume, ALIGN)
        except EncoderHangs:
            raise
        except EncoderMissing as error:
            reasons.append(str(error))
    raise EncoderMissing("; ".join(reasons))


def gstreamer_command(program: str, elements: str, video: VideoFormat) -> List[str]:
    """Return the command that encodes raw images from its input by some elements, to parts with their sizes on its output."""
    (width, height), rate = video.size, max(1, round(video.fps))
    pipeline = (
        f"fdsrc fd=0 blocksize=65536 ! rawvideoparse format=i420 width={width} height={height} "
        f"framerate={rate}/1 ! {elements} ! h264parse config-interval=-1 ! "
        "video/x-h264,stream-format=byte-stream,alignment=au ! multipartmux boundary=image ! fdsink fd=1 sync=false"
    )
    return [program, "-q", *pipeline.split()]
