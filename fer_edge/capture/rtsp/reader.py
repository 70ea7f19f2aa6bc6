"""The child process that reads an RTSP stream.

FFmpeg's network reads cannot be left from outside, so they happen in a process that can be ended at any moment; the camera's
password and certificate are the relay's business there, and not FFmpeg's. A line of
JSON on the standard input says what to read; the standard output gets messages, each a header and a payload. When the
standard input closes, because the parent is gone, the process ends.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from typing import Any, BinaryIO, Dict, Union

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.rtsp.options import VARIABLE, RtspOptions
from fer_edge.capture.rtsp.relay import RtspRelay

HEADER = struct.Struct("<4sIII")
"""Kind, width, height, and the number of bytes that follow."""

OPENED, FRAME, FAILED, ENDED = b"OPEN", b"FRAM", b"FAIL", b"DONE"

LONGEST_FAILURE = 2000
"""Bytes of what follows FAILED: message and remedy in a line each, or nothing where FFmpeg's own words must do."""


def main() -> int:
    """Read what the standard input names, and write it to the standard output until its end."""
    output = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)  # whatever a library prints must not get between the frames
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _read(request, output)
    except BrokenPipeError:
        return 1
    return 0


def _read(request: Dict[str, Any], output: BinaryIO) -> None:
    address = CameraAddress.parse(request["url"])
    options = RtspOptions(address)
    # FFmpeg's own words are the only reason it gives. 16 is "error".
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"
    os.environ[VARIABLE] = options.text
    from fer_edge.capture.opencv import cv2, set_log_level

    set_log_level(0)
    relay = RtspRelay(address, request["open_timeout"], options.tls)
    threading.Thread(target=relay.run, daemon=True).start()
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(request["open_timeout"] * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(request["read_timeout"] * 1000),
    ]
    capture = cv2.VideoCapture(address.encoded if options.is_tunnel else relay.url, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        failure = relay.failure
        words = f"{failure.message}\n{failure.remedy}" if failure is not None else ""
        _send(output, FAILED, payload=words.encode("utf-8", "replace")[:LONGEST_FAILURE])
        return
    fps = capture.get(cv2.CAP_PROP_FPS)
    _send(output, OPENED, payload=json.dumps({"fps": fps}).encode())
    while capture.grab():
        ok, image = capture.retrieve()
        if ok:
            height, width = image.shape[:2]
            _send(output, FRAME, width, height, memoryview(image).cast("B"))
    _send(output, ENDED)


def _send(
    output: BinaryIO, kind: bytes, width: int = 0, height: int = 0, payload: Union[bytes, memoryview] = b""
) -> None:
    output.write(HEADER.pack(kind, width, height, len(payload)))
    view = memoryview(payload)
    while view:
        view = view[output.write(view) :]


def _end_with_parent() -> None:
    # Not through sys.stdin, whose lock would be held when the interpreter ends.
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
