"""The child process that reads an RTSP stream.

FFmpeg's network reads cannot be left from outside, so they happen in a process that can be ended at any moment; the camera's
password and certificate are the relay's business there, and not FFmpeg's. A line of
JSON on the standard input says what to read; the standard output gets messages, each a header and a payload. When the
standard input closes, because the parent is gone, the process ends.

PyAV decodes where it is installed, else OpenCV.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any, Callable, Dict, Iterator, Tuple

from fer_edge.capture.address import CameraAddress
from fer_edge.capture.rtsp.options import RtspOptions
from fer_edge.capture.rtsp.outlet import ANSWERED, ENDED, FAILED, LONGEST_FAILURE, OPENED, STARTED, Outlet
from fer_edge.capture.rtsp.relay import RtspRelay
from fer_edge.capture.settings import CaptureSettings
from fer_edge.system.python_child import end_with_parent
from fer_edge.types import Image

Opened = Tuple[float, Iterator[Image]]
"""Nominal rate, 0 if unknown, and the images."""


def main() -> int:
    """Read what the standard input names, and write it to the standard output until its end."""
    output = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)  # whatever a library prints must not get between the frames
    request = json.loads(sys.stdin.buffer.readline())
    end_with_parent()
    try:
        _read(request, Outlet(output))
    except BrokenPipeError:
        return 1
    return 0


def _read(request: Dict[str, Any], outlet: Outlet) -> None:
    address = CameraAddress.parse(request["url"])
    asked = CaptureSettings(**request["asked"])
    options = RtspOptions(address, asked=asked)
    open_stream = _decoder()
    outlet.send(STARTED)
    relay = RtspRelay(address, asked.connect_timeout, options.tls, options.transport, lambda: outlet.send(ANSWERED))
    threading.Thread(target=relay.run, daemon=True).start()
    if options.is_tunnel:
        outlet.send(ANSWERED)  # nobody is between to see when it does
    try:
        fps, images = open_stream(address.encoded if options.is_tunnel else relay.url, options, request["limit"])
        outlet.send(OPENED, payload=json.dumps({"fps": fps}).encode())
    except (OSError, ValueError) as error:
        _fail(outlet, relay, options.is_tunnel, error)
        return
    try:
        for image in images:
            outlet.show(image)
    except ValueError as error:  # images that are too large
        outlet.finish()
        _fail(outlet, relay, options.is_tunnel, error)
        return
    outlet.finish()
    outlet.send(ENDED)


def _decoder() -> Callable[[str, RtspOptions, float], Opened]:
    try:
        from fer_edge.capture.media import decoder
    except ImportError:
        from fer_edge.capture import opencv  # noqa: F401  (takes seconds on a slow board, which are not the camera's)

        return _by_opencv

    from av.error import FFmpegError

    def by_pyav(place: str, options: RtspOptions, limit: float) -> Opened:
        try:
            stream = decoder.MediaDecoder(
                place,
                options.ffmpeg,
                "rtsp",
                open_timeout=limit,
                read_timeout=limit,
                low_delay=True,
                from_key_frame=True,
            )
        except FFmpegError as error:
            raise OSError(error.strerror) from None  # without the place

        def images() -> Iterator[Image]:
            try:
                for image, _ in stream.frames():
                    yield image
            except FFmpegError:
                return  # the connection

        return stream.fps, images()

    return by_pyav


def _by_opencv(place: str, options: RtspOptions, limit: float) -> Opened:
    from fer_edge.capture.rtsp.opencv_stream import OpenCvStream

    # The rate that OpenCV tells is a guess of FFmpeg's, and twice the right one with some releases.
    return 0.0, OpenCvStream(place, options, limit).frames()


def _fail(outlet: Outlet, relay: RtspRelay, is_tunnel: bool, error: Exception) -> None:
    failure = relay.failure or relay.refusal
    words = f"{failure.message}\n{failure.remedy}" if failure is not None else ""
    if not words and (relay.has_heard or is_tunnel):
        # For the parent to say, which takes it for what it is: a stranger's.
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
    outlet.send(FAILED, payload=words.encode("utf-8", "replace")[:LONGEST_FAILURE])


if __name__ == "__main__":
    sys.exit(main())
