"""Decodes a video file with OpenCV, in this process."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, Iterator, Optional, Union

from fer_edge.capture.file.aspect import shown_size
from fer_edge.capture.file.opencv_name import OpenCvName
from fer_edge.capture.file.rate import is_believable, rate_of
from fer_edge.capture.limits import fits
from fer_edge.capture.opencv import cv2, quiet, to_bgr
from fer_edge.errors import SourceUnreadable
from fer_edge.types import Image

_MOST_FRAMES = 1 << 24
"""Six days; a header that promises more was never filled in."""


@dataclass(frozen=True)
class VideoHeader:
    """What is known of a video before its first image.

    Attributes
    ----------
    width, height : int
        In pixels, of the image as a player shows it.
    fps : float
        Images a second; 0 if unknown.
    frames : int
        How many there are, as the header says or FFmpeg guesses; 0 if unknown.
    """

    width: int
    height: int
    fps: float
    frames: int


class OpenCvDecoder:
    """Gives the images of a file, one after the other.

    Parameters
    ----------
    path : str or path
        The file.
    threads : int
        That decode; 0 for as many as OpenCV takes. Releases before 4.6 or so take no other number.

    Attributes
    ----------
    header : VideoHeader
        Of this file.
    position : float
        Seconds at which the image that was last grabbed is shown, as FFmpeg gives it.

    Raises
    ------
    SourceUnreadable
        It holds no video that OpenCV can read, or one with larger images than can be worked on.
    OSError
        It cannot be opened.
    """

    def __init__(self, path: Union[str, os.PathLike[str]], threads: int = 0) -> None:
        self.position = 0.0
        self._threads = threads
        self._name = OpenCvName(path)
        self._capture = self._open()
        width, height = (self._read(p) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        pixel = self._number("CAP_PROP_SAR_NUM"), self._number("CAP_PROP_SAR_DEN")
        # The shape of a pixel is that in the file, before the image is turned as a phone was held.
        if self._number("CAP_PROP_ORIENTATION_AUTO") and self._number("CAP_PROP_ORIENTATION_META") % 180 == 90:
            pixel = pixel[1], pixel[0]
        self._shown = shown_size(width, height, *pixel)
        self._decoded = width, height
        if not self._capture.isOpened() or not fits(width, height) or not fits(*self._shown):
            self.close()
            raise SourceUnreadable("OpenCV cannot read it.")
        frames = self._read(cv2.CAP_PROP_FRAME_COUNT)
        self.header = VideoHeader(*self._shown, self._rate(), frames if 0 < frames < _MOST_FRAMES else 0)

    def grab(self) -> bool:
        """Move on to the next image; False when there is no more."""
        if not self._capture.grab():
            return False
        self.position = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return True

    def retrieve(self) -> Optional[Image]:
        """Return the grabbed image, height x width x 3, as a player shows it; None if it cannot be decoded."""
        done, image = self._capture.retrieve()
        if not done or image is None:
            return None
        image = to_bgr(image)
        if self._shown == self._decoded:
            return image
        # A stream may change its size in the middle.
        scale = self._shown[0] / self._decoded[0], self._shown[1] / self._decoded[1]
        size = round(image.shape[1] * scale[0]), round(image.shape[0] * scale[1])
        stretched: Image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return stretched

    def interrupt(self) -> None:
        """Do nothing: a file does not keep anybody waiting."""

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._capture.release()
        self._name.close()

    def _open(self) -> Any:
        with quiet():
            if self._threads and hasattr(cv2, "CAP_PROP_N_THREADS"):
                return cv2.VideoCapture(self._name.text, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, self._threads])
            return cv2.VideoCapture(self._name.text, cv2.CAP_FFMPEG)

    def _rate(self) -> float:
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if is_believable(fps):
            return fps
        ahead = self._open()
        try:
            return rate_of(_positions(ahead))
        finally:
            ahead.release()

    def _read(self, number: int) -> int:
        value = float(self._capture.get(number))
        return int(value) if math.isfinite(value) else 0

    def _number(self, name: str) -> float:
        """Return a property that older releases of OpenCV do not have; 0 there."""
        value = float(self._capture.get(getattr(cv2, name))) if hasattr(cv2, name) else 0.0
        return value if math.isfinite(value) else 0.0


def _positions(capture: Any) -> Iterator[float]:
    while capture.grab():
        yield float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
