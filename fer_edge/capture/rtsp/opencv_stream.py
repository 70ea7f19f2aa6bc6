"""An RTSP stream decoded by OpenCV, for where PyAV is not installed."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Iterator

from fer_edge.capture.file.aspect import shown_size
from fer_edge.capture.file.complaints import LEVEL
from fer_edge.capture.limits import fits
from fer_edge.capture.rtsp.options import VARIABLE, RtspOptions
from fer_edge.types import Image

_THREADS = "2"
"""Each decodes an image of its own and so holds one back: with four, a camera that sends one every 8 s shows it after 24 s."""

_MOST_HELD_BACK = 16
"""Images that a decoder holds back at most."""


class OpenCvStream:
    """Opens a stream, and gives its images from the first key frame on, with square pixels; interlacing stays as it is.

    Parameters
    ----------
    place : str
        What FFmpeg is to open.
    options : RtspOptions
        What it is told.
    limit : float
        Seconds that opening, or one image, may take.

    Raises
    ------
    OSError
        It cannot be opened; FFmpeg's words are on the standard error.
    """

    def __init__(self, place: str, options: RtspOptions, limit: float) -> None:
        # FFmpeg's own words are the only reason it gives.
        os.environ["OPENCV_FFMPEG_LOGLEVEL"] = LEVEL
        os.environ.setdefault("OPENCV_FFMPEG_THREADS", _THREADS)
        os.environ[VARIABLE] = options.text
        from fer_edge.capture.opencv import cv2, set_log_level

        set_log_level(0)
        self._cv2: Any = cv2
        milliseconds = int(limit * 1000)
        self._capture = cv2.VideoCapture(
            place,
            cv2.CAP_FFMPEG,
            [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds],
        )
        if not self._capture.isOpened():
            raise OSError("there is none, or none that OpenCV knows")
        self._since_key_frame = -1

    def frames(self) -> Iterator[Image]:
        """Decode to the end, and give images of height x width x 3, uint8, blue-green-red."""
        begun = self._holds_back_itself()
        flush = ctypes.CDLL(None).fflush
        while self._capture.grab():
            begun = begun or self._is_whole()
            if not begun:
                continue
            ok, image = self._capture.retrieve()
            # What OpenCV says of this image is to be out before the image is; newer ones say it in the standard output.
            flush(None)
            if ok:
                yield self._square(image)

    def _holds_back_itself(self) -> bool:
        """Return whether FFmpeg gives no image before the first that it can decode wholly, as it does of H.264 alone."""
        code = int(self._capture.get(self._cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        return code.to_bytes(4, "little").lower() in (b"h264", b"avc1") or not hasattr(
            self._cv2, "CAP_PROP_LRF_HAS_KEY_FRAME"
        )

    def _is_whole(self) -> bool:
        """Return whether the image just grabbed depends on none that was missed."""
        # This is of the packet that was read last, which the decoder may not be done with.
        if self._since_key_frame >= 0 or self._capture.get(self._cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0:
            self._since_key_frame += 1
        kind = getattr(self._cv2, "CAP_PROP_FRAME_TYPE", None)
        if kind is None:
            return self._since_key_frame >= 0
        return int(self._capture.get(kind)) == ord("I") or self._since_key_frame > _MOST_HELD_BACK

    def _square(self, image: Image) -> Image:
        pixel = self._capture.get(self._cv2.CAP_PROP_SAR_NUM), self._capture.get(self._cv2.CAP_PROP_SAR_DEN)
        size = shown_size(image.shape[1], image.shape[0], *pixel)
        if size == (image.shape[1], image.shape[0]) or not fits(*size):
            return image
        stretched: Image = self._cv2.resize(image, size, interpolation=self._cv2.INTER_LINEAR)
        return stretched

    def close(self) -> None:
        """Give back what is open."""
        self._capture.release()
