"""The child process that decodes a video file where OpenCV gives foreign memory for images that FFmpeg refused.

A line of JSON on the standard input says which file; the standard output gets messages, each a header and a payload. When the
standard input closes, because the parent is gone, the process ends.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
from dataclasses import asdict
from typing import BinaryIO, Union

from fer_edge.capture.file.complaints import LEVEL, Complaints, tells_of_refusal
from fer_edge.system.python_child import end_with_parent

HEADER = struct.Struct("<4sIIId")
"""Kind, width, height, the number of bytes that follow, and the image's position in seconds."""

OPENED, FRAME, REFUSED, UNREADABLE, ENDED = b"OPEN", b"FRAM", b"REFU", b"NONE", b"DONE"


def main() -> int:
    """Decode the file that the standard input names, and write it to the standard output until its end."""
    output = os.fdopen(os.dup(1), "wb", 0)
    path = base64.b64decode(json.loads(sys.stdin.buffer.readline())["path"])
    end_with_parent()
    try:
        _read(os.fsdecode(path), output)
    except BrokenPipeError:
        return 1
    return 0


def _read(path: str, output: BinaryIO) -> None:
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = LEVEL
    from fer_edge.capture.file.decoder import OpenCvDecoder
    from fer_edge.errors import SourceUnreadable

    # This takes the standard output as well, so that nothing that a library prints gets between the images.
    complaints = Complaints()
    try:
        decoder = OpenCvDecoder(path)
    except (SourceUnreadable, OSError):
        _send(output, UNREADABLE)
        return
    _send(output, OPENED, payload=json.dumps(asdict(decoder.header)).encode())
    complaints.take()
    while decoder.grab():
        image = decoder.retrieve()
        if tells_of_refusal(complaints.take()):
            _send(output, REFUSED)
            return
        if image is None:
            _send(output, FRAME, 0, 0, b"", decoder.position)
            continue
        height, width = image.shape[:2]
        _send(output, FRAME, width, height, image.data.cast("B"), decoder.position)
    _send(output, ENDED)


def _send(
    output: BinaryIO,
    kind: bytes,
    width: int = 0,
    height: int = 0,
    payload: Union[bytes, memoryview] = b"",
    position: float = 0.0,
) -> None:
    output.write(HEADER.pack(kind, width, height, len(payload), position))
    view = memoryview(payload)
    while view:
        view = view[output.write(view) :]


if __name__ == "__main__":
    sys.exit(main())
