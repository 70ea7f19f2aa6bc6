"""What `MediaDecoder` does, as far as OpenCV can: for a pipe, where PyAV is not installed."""

from __future__ import annotations

import math
import os
from typing import Iterator, Optional, Tuple

from fer_edge.capture.file.media_clock import MediaClock
from fer_edge.capture.limits import fits
from fer_edge.types import Image


class OpenCvDecoder:
    """Reads with OpenCV's FFmpeg.

    Parameters
    ----------
    place : str
        As OpenCV takes it, such as ``pipe:5``.

    Attributes
    ----------
    fps : float
        The nominal rate; 0 if unknown.
    damaged, frames_promised : int
        Always 0: OpenCV does not tell.
    last_error : str
        Empty.
    """

    damaged = 0
    frames_promised = 0
    last_error = ""

    def __init__(self, place: str) -> None:
        os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"  # error
        from fer_edge.capture.opencv import cv2, set_log_level

        set_log_level(0)
        self._cv2 = cv2
        self._capture = cv2.VideoCapture(place, cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise ValueError("OpenCV cannot read it")
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if math.isfinite(fps) and 0 < fps <= 1000 else 0.0

    def frames(self) -> Iterator[Tuple[Image, Optional[float]]]:
        """Decode to the end, as `MediaDecoder.frames` does."""
        from fer_edge.capture.opencv import to_bgr

        clock = MediaClock(self.fps)
        while self._capture.grab():
            time = clock.read(float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000)
            done, image = self._capture.retrieve()
            if done and image is not None and fits(image.shape[1], image.shape[0]):
                yield to_bgr(image), time
