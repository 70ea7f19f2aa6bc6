"""Records the annotated picture as a video that can be played up to the moment it was last written to."""

from __future__ import annotations

import os
from typing import Callable, Mapping, Optional, Tuple, Union

import cv2
import numpy as np

from fer_edge.errors import DiskFull, OutputNotWritable
from fer_edge.overlay import Overlay
from fer_edge.sinks.avi import AviMuxer, AviSplitter
from fer_edge.sinks.base import Sink
from fer_edge.sinks.encoder import StreamEncoder
from fer_edge.sinks.files import OutputFile, PathLike
from fer_edge.sinks.mp4 import Mp4Muxer
from fer_edge.types import Image, Observation, Rates

LONGEST_GAP = 10.0
"""Seconds. A longer time without a picture is shortened to this in a recording, so that one write stays bounded."""

_CODECS: Mapping[str, str] = {".mp4": "mp4v", ".avi": "MJPG"}
"""By the ending of the file."""


class VideoSink(Sink):
    """Writes ``.mp4`` (MPEG-4 Part 2) or ``.avi`` (Motion JPEG, larger), at a constant frame rate.

    The size is that of the first picture, with a black row or column where a side is odd; later pictures of another
    size are fitted into it with black margins. An existing file is replaced when the first picture arrives. After a
    kill, a crash or on a full disk the file plays up to the last half second before (``.mp4``), or the last picture or
    two (``.avi``).

    Parameters
    ----------
    path : str or os.PathLike
        Its ending chooses the format.
    fps : float or callable, default 30
        Frame rate of the video; a callable is asked when the first picture comes.
    overlay : Overlay, optional
        Draws the annotations; a new one when left out.
    live : bool, default True
        Keep real time: each picture is placed by its ``captured_at``; the one before is repeated until then, and of
        pictures that come faster than `fps` only the first of each 1/fps is kept. Gaps above `LONGEST_GAP` are
        shortened. False writes every picture exactly once, as it should be for a video file as source.

    Raises
    ------
    OutputNotWritable
        Unknown ending, no such directory, no permission...
    DiskFull
        From `write` or `close`; what was recorded before can be played.
    """

    def __init__(
        self,
        path: PathLike,
        fps: Union[float, Callable[[], float]] = 30.0,
        overlay: Optional[Overlay] = None,
        live: bool = True,
    ) -> None:
        self._path = os.fspath(path)
        self._ending = check_ending(self._path)
        self._ask_fps = fps if callable(fps) else None
        self._fps = 0.0 if callable(fps) else _checked(fps)
        self._overlay = overlay if overlay is not None else Overlay()
        self._live = live
        self._file = OutputFile(self._path, "recording")
        if not self._file.regular:
            self._file.close()
            raise OutputNotWritable(f"The recording '{self._path}' is no ordinary file.", "Choose another name.")
        self._encoder: Optional[StreamEncoder] = None
        self._muxer: Union[Mp4Muxer, AviMuxer, None] = None
        self._size = (0, 0)
        self._start = 0.0
        self._written = 0
        self._last: Optional[Image] = None
        self._failed = False

    def write(self, observation: Observation, rates: Rates) -> None:
        """Draw and record one observation. Raises `DiskFull` once; after that, observations are ignored."""
        if self._failed or self._file.fd < 0:
            return
        if self._ask_fps is not None:
            self._fps, self._ask_fps = _checked(self._ask_fps()), None
        slot = self._slot(observation.frame.captured_at)
        if slot < self._written:
            return
        picture = self._overlay.draw(observation.frame.image, observation.faces, rates)
        if self._encoder is None:
            height, width = picture.shape[:2]
            self._size = width + width % 2, height + height % 2
            self._encoder = self._open()
        picture = _letterboxed(picture, self._size)
        try:
            while self._last is not None and self._written < slot:
                self._encoder.write(self._last)
                self._written += 1
            self._encoder.write(picture)
        except (DiskFull, OutputNotWritable):
            self._failed = True
            raise
        self._last = picture
        self._written = slot + 1

    def close(self) -> None:
        """Finish the file. Raises `DiskFull` when the end did not fit any more and no `write` has said so before."""
        encoder, self._encoder = self._encoder, None
        try:
            if encoder is not None:
                encoder.close()
                if self._muxer is not None and not self._failed:
                    self._muxer.finish()
        finally:
            self._file.close()

    def _slot(self, captured_at: float) -> int:
        if not self._live or self._last is None:
            self._start = captured_at
            return self._written
        slot = round((captured_at - self._start) * self._fps)
        excess = slot - self._written - round(LONGEST_GAP * self._fps)
        if excess > 0:
            self._start += excess / self._fps
            slot -= excess
        return slot

    def _open(self) -> StreamEncoder:
        splitter = AviSplitter()
        as_mp4 = self._ending == ".mp4"
        muxer = Mp4Muxer(self._file, self._fps, self._size) if as_mp4 else AviMuxer(self._file, splitter)
        self._muxer = muxer

        def consume(piece: bytes) -> None:
            for picture in splitter.feed(piece):
                muxer.add(picture)

        return StreamEncoder(_CODECS[self._ending], self._fps, self._size, consume)


def check_ending(path: str) -> str:
    """Give the ending of a recording's name, in small letters. Raises OutputNotWritable for one that is not known."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in _CODECS:
        raise OutputNotWritable(
            f"The recording '{path}' has an ending that is not known.",
            f"Choose one of: {', '.join(sorted(_CODECS))}.",
        )
    return ending


def _checked(fps: float) -> float:
    if not 0.1 <= fps <= 1000:
        raise OutputNotWritable(f"A recording cannot have {fps} pictures per second.", "Choose from 0.1 to 1000.")
    return float(fps)


def _letterboxed(image: Image, size: Tuple[int, int]) -> Image:
    """Fit a picture into the given width and height: shrunk or enlarged as a whole, with black around it.

    A picture that lacks one row or column only, because its side is odd, keeps its pixels.
    """
    width, height = size
    rows, columns = image.shape[:2]
    if (columns, rows) == size:
        return image
    if not (0 <= width - columns <= 1 and 0 <= height - rows <= 1):
        scale = min(width / columns, height / rows)
        fitted = max(1, min(width, round(columns * scale))), max(1, min(height, round(rows * scale)))
        image = cv2.resize(image, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        rows, columns = image.shape[:2]
    canvas: Image = np.zeros((height, width, 3), np.uint8)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = image
    return canvas
