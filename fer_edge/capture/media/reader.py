"""The child process that reads a video or a stream.

FFmpeg's reads and its decoders cannot be left from outside, so they happen in a process that can be ended at any moment. When
the standard input closes, because the parent is gone, the process ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, BinaryIO, Callable, Iterator, Optional, Tuple

from fer_edge.capture.media.ffmpeg_log import FfmpegLog
from fer_edge.capture.media.messages import ENDED, FAILED, FRAME, OPENED, Report, Request, send
from fer_edge.system.python_child import end_with_parent
from fer_edge.types import Image

_ERROR = 16  # of libavutil/log.h
_LONGEST_PAUSE = 10.0
"""Seconds; a longer one between two stamps is a jump of the clock."""


def main() -> int:
    """Read what the standard input names, and write it to the standard output until its end."""
    output = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)  # whatever a library prints must not get between the frames
    request = Request.read(sys.stdin.buffer.readline())
    end_with_parent()
    with suppress(BrokenPipeError):
        _read(request, output)
    # Without waiting for a library's threads.
    os._exit(0)


def _read(request: Request, output: BinaryIO) -> None:
    log = FfmpegLog()
    try:
        decoder = _open(request)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, the parent puts it into words)
        log.finish()
        send(output, FAILED, _report(error, log).payload())
        return
    send(output, OPENED, Report(decoder.fps).payload())
    newest = Newest(output) if request.newest else None
    give = newest.put if newest is not None else _giver(output)
    failure: Optional[Exception] = None
    try:
        for image, moment in _paced(decoder.frames()) if request.paced else decoder.frames():
            give(image, moment)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001
        failure = error
    if newest is not None:
        newest.finish()
    log.finish()
    report = _report(failure, log, decoder.damaged, decoder.last_error)
    send(output, ENDED, replace(report, promised=decoder.frames_promised).payload())


def _open(request: Request) -> Any:
    if request.library == "cv2":
        from fer_edge.capture.media.opencv_decoder import OpenCvDecoder

        return OpenCvDecoder(request.place)
    import av

    from fer_edge.capture.media.decoder import MediaDecoder

    av.logging.restore_default_callback()
    av.logging.set_libav_level(_ERROR)
    return MediaDecoder(
        request.place,
        request.options,
        open_timeout=request.open_timeout,
        read_timeout=request.read_timeout,
        low_delay=request.newest,
        quick=request.quick,
    )


def _report(error: Optional[Exception], log: FfmpegLog, damaged: int = 0, words: str = "") -> Report:
    if error is not None:
        own = str(getattr(error, "strerror", "") or error)
        words = own if isinstance(error, (ConnectionError, TimeoutError)) else log.last or own
    name = type(error).__name__ if error is not None else ""
    return Report(damaged=damaged + log.damaged, error=name, words=words or log.last)


def _giver(output: BinaryIO) -> Callable[[Image, Optional[float]], None]:
    def give(image: Image, moment: Optional[float]) -> None:
        height, width = image.shape[:2]
        send(output, FRAME, image.data.cast("B"), width, height, moment)

    return give


class Newest:
    """Sends images in a thread of its own; one that waits is replaced by the next."""

    def __init__(self, output: BinaryIO) -> None:
        self._give = _giver(output)
        self._waiting: Optional[Tuple[Image, Optional[float]]] = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, image: Image, moment: Optional[float]) -> None:
        """Have this image sent, in place of one that still waits."""
        with self._changed:
            self._waiting = image, moment
            self._changed.notify()

    def finish(self) -> None:
        """Wait until the last one is sent."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._waiting is not None)
                waiting, self._waiting = self._waiting, None
            if waiting is None:
                return
            try:
                self._give(*waiting)
            except BrokenPipeError:  # nobody wants them any more
                os._exit(1)


def _paced(
    frames: Iterator[Tuple[Image, Optional[float]]],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Tuple[Image, Optional[float]]]:
    """Hold each image back until its time, as a player does with a playlist whose pieces are read at once."""
    start: Optional[float] = None
    for image, moment in frames:
        if moment is not None:
            wait = 0.0 if start is None else start + moment - clock()
            if start is None or not -_LONGEST_PAUSE < wait < _LONGEST_PAUSE:
                start = clock() - moment
            elif wait > 0:
                sleep(wait)
            else:
                start -= wait  # the network was late: the rest is shown from here on
        yield image, moment


if __name__ == "__main__":
    sys.exit(main())
