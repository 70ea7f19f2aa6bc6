"""Video files."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Optional, Union

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.file.container import is_cut, is_text, lacks_index
from fer_edge.capture.file.media_clock import MediaClock
from fer_edge.capture.file.places import path_of
from fer_edge.capture.limits import fits
from fer_edge.capture.opencv import cv2, quiet, to_bgr
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.errors import SourceNotFound, SourcePermission, SourceTruncated, SourceUnreadable
from fer_edge.system.masking import shown
from fer_edge.types import Image

KINDS = "mp4, mov, mkv, webm, avi, gif, and what else FFmpeg reads"

# Of the frames that the header promises, this part must come. The header's number may be an estimate, and an edit list may
# leave frames out; a file that was cut is recognised by its structure, so this is for damage in the middle alone.
_EXPECTED_PART = 0.9
_EXPECTED_SLACK = 5


class VideoFileSource(Source):
    """Gives every frame of a video file, as fast as they are taken.

    Parameters
    ----------
    path : str or path
        A file that FFmpeg reads; an animated GIF is one.
    settings : CaptureSettings
        Only ``loop`` matters.
    """

    live = False

    def __init__(self, path: Union[str, os.PathLike[str]], settings: CaptureSettings = DEFAULTS) -> None:
        self._path = Path(path_of(os.fspath(path)))
        self._loop = settings.loop
        self._capture: Any = None
        self._promised = 0
        self._delivered = 0
        self._clock = MediaClock(0.0)
        self._grabbed_at: Optional[float] = None
        self._media_time: Optional[float] = None

    def open(self) -> SourceInfo:
        """Open the file and read its header."""
        self.close()
        self._check()
        with quiet():
            self._capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        width, height = (self._read(p) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if not self._capture.isOpened() or not fits(width, height):
            self.close()
            raise self._unreadable()
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        fps = fps if 0 < fps <= 1000 else 0.0
        self._clock = MediaClock(fps)
        self._promised = max(0, self._read(cv2.CAP_PROP_FRAME_COUNT))
        self._delivered = 0
        self._grabbed_at = self._media_time = None
        return SourceInfo(shown(self._path.name), width, height, fps)

    def grab(self) -> Optional[bool]:
        """Move on to the next frame.

        Raises
        ------
        SourceTruncated
            At the end, when the file is cut off or damaged; all frames before were given.
        """
        if self._next():
            return True
        if self._delivered == 0:
            raise self._unreadable()
        if is_cut(self._path) or self._delivered < self._promised * _EXPECTED_PART - _EXPECTED_SLACK:
            of = f" of {self._promised}" if self._promised > self._delivered else ""
            raise SourceTruncated(
                f"{shown(self._path)} is cut off or damaged: {self._delivered}{of} frames could be read.",
                "Everything before that point was used. Copy the file again if there is a whole one.",
            )
        if self._loop:
            self.open()
            return self._next()
        return False

    def retrieve(self) -> Image:
        """Return the frame."""
        done, image = self._capture.retrieve()
        if not done or image is None:
            raise SourceUnreadable(
                f"Frame {self._delivered} of {shown(self._path)} cannot be decoded.", "Convert the file with ffmpeg."
            )
        self._media_time = self._grabbed_at
        return to_bgr(image)

    @property
    def media_time(self) -> Optional[float]:
        """Seconds from the start of the file to the frame that was last retrieved; None where the file has no times."""
        return self._media_time

    def close(self) -> None:
        """Close the file."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _read(self, number: int) -> int:
        value = float(self._capture.get(number))
        return int(value) if math.isfinite(value) else 0

    def _next(self) -> bool:
        if not self._capture.grab():
            return False
        self._delivered += 1
        self._grabbed_at = self._clock.read(float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000)
        return True

    def _check(self) -> None:
        # Unlike Path.exists, it takes names that are too long for any file.
        if not os.path.exists(self._path):
            raise SourceNotFound(
                f"There is no file {shown(self._path)}.",
                "--camera takes 0, /dev/video0, csi:0, gst:..., rtsp://..., http://..., a file, a folder, demo or demo:3.",
            )
        if not self._path.is_file():
            raise SourceUnreadable(f"{shown(self._path)} is not a file.", f"Give a video file ({KINDS}).")
        try:
            with self._path.open("rb"):
                pass
        except PermissionError:
            raise SourcePermission(
                f"This user may not read {shown(self._path)}.",
                f"Allow it with:  chmod u+r '{shown(self._path)}'  or ask its owner.",
            ) from None
        except OSError as error:
            raise SourceUnreadable(
                f"{shown(self._path)} cannot be read: {error.strerror}.", "Check the disk."
            ) from None
        if self._path.stat().st_size == 0:
            raise SourceUnreadable(f"{shown(self._path)} is empty.", "Record or copy it again.")
        if is_text(self._path):
            raise self._unreadable()

    def _unreadable(self) -> SourceUnreadable:
        if lacks_index(self._path):
            return SourceUnreadable(
                f"{shown(self._path)} has no index (moov): the recording was cut off before it was finished.",
                "Record it again, or repair it with a tool such as untrunc.",
            )
        return SourceUnreadable(f"{shown(self._path)} is no video that can be read.", f"These kinds work: {KINDS}.")
