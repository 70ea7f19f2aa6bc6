"""OpenCV as the sources want it: quiet, and never waiting for long."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator, Optional

# OpenCV reads these once, when it opens its first camera or video: a camera that gives nothing is waited for ten seconds
# unless told otherwise, and FFmpeg writes to the standard error what our own error messages say better.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from fer_edge.capture.affordable import is_affordable
from fer_edge.capture.limits import fits
from fer_edge.types import Image

__all__ = ["cv2", "decode", "quiet", "set_log_level", "to_bgr"]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep OpenCV from writing warnings to the standard error while it tries something that may fail."""
    level = set_log_level(0)
    try:
        yield
    finally:
        set_log_level(level)


def set_log_level(level: int) -> int:
    """Set how much OpenCV says, 0 being nothing, and give the level before."""
    # The function has moved between the releases of OpenCV 4.
    logging = getattr(getattr(cv2, "utils", None), "logging", cv2)
    before = logging.setLogLevel(level) if hasattr(logging, "setLogLevel") else level
    return int(before)


def to_bgr(image: Image) -> Image:
    """Turn what a decoder gave (gray, BGR or BGRA) into three channels, blue-green-red.

    Parameters
    ----------
    image : Image
        Height x width, or height x width x 1, 3 or 4; uint8.

    Returns
    -------
    Image
        Height x width x 3; the same array if it was that already.
    """
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 3:
        return image
    code = cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR
    converted: Image = cv2.cvtColor(image, code)
    return converted


def decode(data: bytes) -> Optional[Image]:
    """Decode an image file that is in memory; None if it is none, or one that costs too much.

    Alpha is dropped, 16 bits become 8.
    """
    return _decode(data, cv2.IMREAD_COLOR, 1)


def decode_reduced(data: bytes, reduction: int) -> Optional[Image]:
    """Decode a JPEG file to a half, a quarter or an eighth of its width and height, without memory for the whole.

    None as for `decode`; what counts is the size that is left.
    """
    return _decode(data, _REDUCED[reduction], reduction)


def decode_unturned(data: bytes) -> Optional[Image]:
    """Decode as `decode` does, but without turning the image as its EXIF data says."""
    return _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION, 1)


_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def _decode(data: bytes, flags: int, reduction: int) -> Optional[Image]:
    if not data or not is_affordable(data, reduction):
        return None
    with quiet():
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error:  # raised for sizes beyond OpenCV's limits
            return None
    if image is None or image.dtype != np.uint8 or not fits(image.shape[1], image.shape[0]):
        return None
    return to_bgr(image)
