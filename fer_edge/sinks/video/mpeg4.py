"""MPEG-4 Part 2 as OpenCV's encoder gives it (fourcc ``mp4v``), and as MP4 files have it (ISO/IEC 14496-14)."""

from __future__ import annotations

import re
import struct
from typing import Tuple

from fer_edge.sinks.video.boxes import Parts, box, descriptor, full_box

_IMAGE = b"\x00\x00\x01\xb6"

_START_OF_IMAGES = re.compile(rb"\x00\x00\x01[\xb3\xb6]")
"""What precedes the first group (B3) or image (B6) describes the stream."""


class Mpeg4Track:
    """What an MP4 file says of MPEG-4 Part 2, and how it has the images; the first image describes the stream."""

    def __init__(self) -> None:
        self._config = b""

    def sample(self, image: bytes) -> Tuple[bytes, bool]:
        """Return an image as a file has it, and whether it stands for itself: two bits say so, 0 for yes."""
        if not self._config:
            start = _START_OF_IMAGES.search(image)
            self._config = image[: start.start()] if start else b""
        start_code = image.find(_IMAGE)
        key = start_code >= 0 and start_code + 4 < len(image) and image[start_code + 4] >> 6 == 0
        return image, key

    def description(self, size: Tuple[int, int]) -> Parts:
        """Return the sample entry of the stream."""
        width, height = size
        # 0x20: MPEG-4 Part 2; 0x11: a visual stream (ISO/IEC 14496-1, tables 5 and 6).
        decoder = descriptor(4, struct.pack(">BBBHII", 0x20, 0x11, 0, 0, 0, 0), descriptor(5, self._config))
        stream = descriptor(3, struct.pack(">HB", 1, 0), decoder, descriptor(6, b"\x02"))
        return box(
            b"mp4v",
            struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1),
            full_box(b"esds", 0, 0, stream),
        )
