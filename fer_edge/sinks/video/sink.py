"""Records the annotated image as a video that can be played up to the moment it was last written to."""

from __future__ import annotations

import math
import os
from collections import deque
from typing import Callable, Deque, Mapping, Optional, Tuple, Union

import cv2
import numpy as np

from fer_edge.errors import OutputError, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.files import OutputFile, PathLike
from fer_edge.sinks.place import check_place
from fer_edge.sinks.recognise import check_recording
from fer_edge.sinks.video.avi import AviMuxer, AviSplitter
from fer_edge.sinks.video.encoder import StreamEncoder
from fer_edge.sinks.video.mp4 import Mp4Muxer
from fer_edge.system.new_file import CONTINUED, unused_name
from fer_edge.types import Image, Observation, Rates
from fer_edge.ui.overlay import Overlay

LONGEST_GAP = 10.0
"""Seconds. A longer time without an image is shortened to this in a recording, so that one write stays bounded."""

LIVE_FPS = 30.0
"""Frames per second of a recording whose source has no rate of its own."""

LEAST_FPS, MOST_FPS = 0.1, 1000.0
"""Frame rates of a recording."""

_CODECS: Mapping[str, str] = {".mp4": "mp4v", ".avi": "MJPG"}
"""By the ending of the file."""

_LARGEST_SIDE: Mapping[str, int] = {"mp4v": 8190, "MJPG": 65500}
"""Pixels, even: what FFmpeg's encoders take (libavcodec/mpegvideo_enc.c)."""

_MOST_PIXELS = 8190 * 8190
"""Of one recorded image; FFmpeg takes some four times as many."""


class VideoSink(Sink):
    """Writes ``.mp4`` (MPEG-4 Part 2) or ``.avi`` (Motion JPEG, larger), at a constant frame rate.

    The size is that of the first image, with a black row or column where a side is odd, and scaled down to what the
    codec takes: 8190 pixels a side for ``.mp4``, 65500 for ``.avi``, 67 million in all. Later images of another size are
    fitted into it with black margins. An existing recording is replaced when the first
    image arrives; a file that is none, as far as its beginning tells, is refused. After a
    kill, a crash or on a full disk the file plays up to the last half second before (``.mp4``), or the last image or
    two (``.avi``).

    What is live keeps real time: each image is placed by its ``captured_at``; the one before is shown until then, without
    being encoded again, and of images that come faster than `fps` only the first of each 1/fps is kept. Gaps above
    `LONGEST_GAP` are shortened. Of a file every image is written exactly once.

    Parameters
    ----------
    path : str or os.PathLike
        Its ending chooses the format.
    fps : float, optional
        Frame rate of the video. Without it a file keeps its own, brought into the range of `LEAST_FPS` to `MOST_FPS`; what
        has none, or is live, gets `LIVE_FPS`.
    overlay : Overlay, optional
        Draws the annotations; a new one when left out.
    stop : callable, optional
        Once it gives True, gaps are not filled any more, so that the end comes soon.
    append : bool
        Keep a file that is there: the recording gets a name with a number, ``out+2.mp4``.
    before_opening : callable, optional
        Called with the path before the file is opened; may raise an `OutputError`.

    Raises
    ------
    OutputNotWritable
        Unknown ending, no such directory, no permission...
    DiskFull
        From `write` or `close`; what was recorded before can be played.
    OutputNotWritable
        From `write`: somebody renamed or removed the file; after `close` it has all that was written before.
    ResultUnwritable
        From `write`: this image cannot be drawn or encoded.
    """

    def __init__(
        self,
        path: PathLike,
        fps: Optional[float] = None,
        overlay: Optional[Overlay] = None,
        stop: Callable[[], bool] = lambda: False,
        append: bool = False,
        before_opening: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._path = os.fspath(path)
        self._ending = check_ending(self._path)
        self._given_fps = None if fps is None else _checked(fps)
        self._fps = 0.0
        self._overlay = overlay if overlay is not None else Overlay()
        self._live = True
        self._stop = stop
        self._append = append
        self._before_opening = before_opening
        self._file: Optional[OutputFile] = None
        check_place(unused_name(self._path, CONTINUED) if append else self._path, "recording", check_recording)
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise self._no_file()
        self._encoder: Optional[StreamEncoder] = None
        self._muxer: Union[Mp4Muxer, AviMuxer, None] = None
        self._size = (0, 0)
        self._start = 0.0
        self._written = 0
        self._gaps: Deque[int] = deque()  # before each of the images that are being encoded
        self._failed = False

    @property
    def seconds(self) -> float:
        """How long the recording is so far."""
        return self._written / self._fps if self._fps else 0.0

    @property
    def bytes_written(self) -> int:
        """How large the file is so far."""
        return self._file.size if self._file is not None else 0

    def open(self, info: StreamInfo) -> None:
        """Open the file; what is there stays until the first image. Raises as the constructor does."""
        if self._append:
            self._path = unused_name(self._path, CONTINUED)
        self._before_opening(self._path)
        self._live = info.live
        # A file may claim anything; it is recorded all the same.
        own = LIVE_FPS if info.live or not info.fps > 0 else min(MOST_FPS, max(LEAST_FPS, info.fps))
        self._fps = own if self._given_fps is None else self._given_fps
        self._file = OutputFile(self._path, "recording", check_recording)
        if not self._file.regular:
            self._file.close()
            raise self._no_file()

    def write(self, observation: Observation, rates: Rates) -> None:
        """Draw and record one observation. Raises `DiskFull` once; after that, observations are ignored."""
        if self._file is None:
            raise UsageError(f"Images were given to '{self._path}' before it was opened.", "Call open(info) first.")
        if observation.frame.problem:
            return  # a file that could not be read: there is nothing to show
        if self._failed or self._file.fd < 0:
            return
        # Before the image is taken: what was taken belongs into the file, and `close` still finishes it wherever it is.
        self._file.refuse_out_of_sight()
        slot = self._slot(observation.frame.captured_at)
        if slot < self._written:
            return
        picture, encoder = self._prepare(observation, rates, self._file)
        # At the end there is no time for a gap of seconds.
        self._gaps.append(0 if self._stop() else slot - self._written)
        try:
            encoder.write(picture)
        except OutputError:
            self._failed = True
            raise
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
            if self._file is not None:
                self._file.close()

    def _prepare(self, observation: Observation, rates: Rates, file: OutputFile) -> Tuple[Image, StreamEncoder]:
        """Draw the image in the size of the recording, and give the encoder for it; the first image decides on both."""
        try:
            given = observation.frame.image
            if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3 or not given.size:
                raise ValueError(f"an array of {given.shape}, {given.dtype}")
            picture = self._overlay.draw(observation.frame.image, observation.faces, rates)
            if self._encoder is None:
                self._size = _recorded_size(picture.shape[1], picture.shape[0], _CODECS[self._ending])
            picture = _letterboxed(picture, self._size)
        except Exception as error:
            # Drawing touches neither disk nor encoder, so that it can fail for what it is to draw only.
            reason = f"{type(error).__name__}: {error}".strip()
            raise ResultUnwritable(
                f"The picture of frame {observation.frame.index} cannot be recorded: {reason}.",
                "A picture has height x width x 3 bytes; look at the source, or the detector, that made it.",
            ) from error
        if self._encoder is None:
            self._encoder = self._begin(file)
        return picture, self._encoder

    def _slot(self, captured_at: float) -> int:
        if not self._live or not self._written:
            self._start = captured_at
            return self._written
        slot = round((captured_at - self._start) * self._fps)
        excess = slot - self._written - round(LONGEST_GAP * self._fps)
        if excess > 0:
            self._start += excess / self._fps
            slot -= excess
        return slot

    def _begin(self, file: OutputFile) -> StreamEncoder:
        splitter = AviSplitter()
        as_mp4 = self._ending == ".mp4"
        muxer = Mp4Muxer(file, self._fps, self._size) if as_mp4 else AviMuxer(file, splitter)
        self._muxer = muxer

        def consume(piece: bytes) -> None:
            for picture in splitter.feed(piece):
                # Not encoded again: an encoder that is slow would only fall further behind.
                for _ in range(self._gaps.popleft() if self._gaps else 0):
                    muxer.repeat()
                muxer.add(picture)

        return StreamEncoder(_CODECS[self._ending], self._fps, self._size, consume)

    def _no_file(self) -> OutputNotWritable:
        return OutputNotWritable(f"The recording '{self._path}' is no ordinary file.", "Choose another name.")


def check_ending(path: str) -> str:
    """Return the ending of a recording's name, in small letters. Raises OutputNotWritable for one that is not known."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in _CODECS:
        raise OutputNotWritable(
            f"The recording '{path}' has an ending that is not known.",
            f"Choose one of: {', '.join(sorted(_CODECS))}.",
        )
    return ending


def _checked(fps: float) -> float:
    if not LEAST_FPS <= fps <= MOST_FPS:
        raise OutputNotWritable(
            f"A recording cannot have {fps} pictures per second.", f"Choose from {LEAST_FPS:g} to {MOST_FPS:g}."
        )
    return float(fps)


def _recorded_size(width: int, height: int, codec: str) -> Tuple[int, int]:
    """Return the even width and height of a recording that begins with an image of the given ones."""
    side = _LARGEST_SIDE[codec]
    scale = min(1.0, side / max(width, height), math.sqrt(_MOST_PIXELS / (width * height)))
    if scale < 1:
        width, height = max(1, int(width * scale)), max(1, int(height * scale))
    return min(side, width + width % 2), min(side, height + height % 2)


def _letterboxed(image: Image, size: Tuple[int, int]) -> Image:
    """Fit an image into the given width and height: shrunk or enlarged as a whole, with black around it.

    An image that lacks one row or column only, because its side is odd, keeps its pixels.
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
