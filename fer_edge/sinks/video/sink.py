"""Records the annotated image as a video that can be played up to the moment it was last written to."""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from contextlib import suppress
from typing import Callable, Deque, Mapping, Optional, Sequence, Set, Tuple, Union

import cv2
import numpy as np

from fer_edge.errors import OutputError, OutputNotWritable, ResultUnwritable, UsageError
from fer_edge.sinks.base import Sink, StreamInfo
from fer_edge.sinks.files import OutputFile, PathLike
from fer_edge.sinks.place import check_place
from fer_edge.sinks.recognise import check_recording
from fer_edge.sinks.video.avi import AviMuxer, AviSplitter
from fer_edge.sinks.video.encoder import Encoder, VideoFormat
from fer_edge.sinks.video.encoders import H264, EncoderKind, open_h264
from fer_edge.sinks.video.h264 import H264Track
from fer_edge.sinks.video.mp4 import Mp4Muxer
from fer_edge.sinks.video.mpeg4 import Mpeg4Track
from fer_edge.sinks.video.opencv import OpencvEncoder
from fer_edge.sinks.video.timeline import Timeline
from fer_edge.system.new_file import CONTINUED, unused_name
from fer_edge.types import Image, Observation, Rates
from fer_edge.ui.overlay import Overlay

logger = logging.getLogger("fer_edge")

LONGEST_GAP: Mapping[str, float] = {".mp4": 3600.0, ".avi": 10.0}
"""Seconds. A longer time without an image is shortened to this: an ``.avi`` repeats the last one, which must end some time,
and a player of the other shall not stand still for days."""

LIVE_FPS = 30.0
"""Images per second of an ``.avi`` of what is live, and of what has no rate of its own that makes sense."""

LEAST_FPS, MOST_FPS = 0.1, 1000.0
"""Rates that may be asked for."""

MOST_OWN_FPS = 240.0
"""A file that claims more has no rate: containers that know none give the unit of their times, as 1000."""

_H264, _MPEG4, _MJPEG = "H.264", "mp4v", "MJPG"

_LARGEST_SIDE: Mapping[str, int] = {_H264: 4096, _MPEG4: 8190, _MJPEG: 65500}
"""Pixels, even: what most decoders of H.264 take, and FFmpeg's encoders of the others (libavcodec/mpegvideo_enc.c)."""

_MOST_PIXELS: Mapping[str, int] = {_H264: 36_000 * 256, _MPEG4: 8190 * 8190, _MJPEG: 8190 * 8190}
"""Of one recorded image: level 5.1 of H.264 (table A-1) has 36864 blocks of 256, some of which stand over; FFmpeg takes
some four times as many of the others."""

_ENDINGS = (".avi", ".mp4")

_told: Set[str] = set()
"""Why H.264 is missing, as far as it was told: once a run, and not with each piece."""


class VideoSink(Sink):
    """Writes ``.mp4`` (H.264 where something here encodes it, else MPEG-4 Part 2) or ``.avi`` (Motion JPEG, larger).

    The size is that of the first image, with a black row or column where a side is odd, and scaled down to what the
    codec takes: 4096 pixels a side and 9.2 million in all for H.264; 8190 for MPEG-4 Part 2 and 65500 for ``.avi``, 67 million
    in all. Later images of another size are fitted into it with black margins; what has no image is passed over. An existing
    recording is replaced when the first image arrives; a file that is none, as far as its beginning tells, is refused. After a
    kill, a crash or on a full disk the file plays up to the last half second before (``.mp4``), or the last image or
    two (``.avi``).

    An image is shown at its time: by `Frame.captured_at` where it is live, else by `Frame.media_time`. An ``.mp4`` has each
    image once, for as long as it lasted. An ``.avi`` has a constant rate: it repeats the last one, without encoding it again,
    and of images that come faster has the first of each 1/fps. A picture, which has no time, is shown for a second.
    Gaps above `LONGEST_GAP` are shortened.

    Parameters
    ----------
    path : str or os.PathLike
        Its ending chooses the format.
    fps : float, optional
        Rate of an ``.avi``, and of pictures; of an ``.mp4`` of what is live, the most images per second. Without it the
        source's own where that is at least `LEAST_FPS` and at most `MOST_OWN_FPS`; else, and for an ``.avi`` of what is live,
        `LIVE_FPS`.
    overlay : Overlay, optional
        Draws the annotations; a new one when left out.
    stop : callable, optional
        Once it gives True, gaps are not filled any more, so that the end comes soon.
    append : bool
        Keep a file that is there: the recording gets a name with a number, ``out+2.mp4``.
    before_opening : callable, optional
        Called with the path before the file is opened; may raise an `OutputError`.
    encoders : sequence of EncoderKind
        Of H.264, the first choice first.

    Raises
    ------
    OutputNotWritable
        Unknown ending, no such directory, no permission...
    DiskFull
        From `write` or `close`; what was recorded before can be played.
    OutputNotWritable
        From `write`: somebody renamed or removed the file; after `close` it has all that was written before.
    EncoderFailed
        From `write` or `close`: the encoder ended; the file has what came of it before.
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
        encoders: Sequence[EncoderKind] = H264,
    ) -> None:
        self._path = os.fspath(path)
        self._ending = check_ending(self._path)
        self._given_fps = None if fps is None else _checked(fps)
        self._fps = 0.0
        self._overlay = overlay if overlay is not None else Overlay()
        self._stop = stop
        self._append = append
        self._before_opening = before_opening
        self._kinds = encoders
        self._file: Optional[OutputFile] = None
        check_place(unused_name(self._path, CONTINUED) if append else self._path, "recording", check_recording)
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise self._no_file()
        self._encoder: Optional[Encoder] = None
        self._muxer: Union[Mp4Muxer, AviMuxer, None] = None
        self._timeline = Timeline(True, 1.0, 1.0, False)
        self._size = (0, 0)
        self._times: Deque[float] = deque()  # of the images that are being encoded
        self._full = self._over = False

    @property
    def bytes_written(self) -> int:
        """How large the file is so far."""
        return self._file.size if self._file is not None else 0

    def open(self, info: StreamInfo) -> None:
        """Open the file; what is there stays until the first image. Raises as the constructor does."""
        if self._append:
            self._path = unused_name(self._path, CONTINUED)
        self._before_opening(self._path)
        # What a camera claims sets no more than how often an image of an .mp4 stands for itself.
        own = LEAST_FPS <= info.fps <= MOST_OWN_FPS and not (info.live and self._ending == ".avi")
        self._fps = self._given_fps or (info.fps if own else LIVE_FPS)
        grid = self._ending == ".avi" or (info.live and self._given_fps is not None)
        self._timeline = Timeline(info.live, 1 / self._fps, LONGEST_GAP[self._ending], grid, self._stop)
        self._file = OutputFile(self._path, "recording", check_recording)
        if not self._file.regular:
            self._file.close()
            raise self._no_file()

    def write(self, observation: Observation, rates: Rates) -> None:
        """Draw and record one observation. Raises `DiskFull` or `EncoderFailed` once; after that, observations are ignored."""
        if self._file is None:
            raise UsageError(f"Images were given to '{self._path}' before it was opened.", "Call open(info) first.")
        if self._over or self._file.fd < 0 or observation.frame.problem:
            return
        # Before the image is taken: what was taken belongs into the file, and `close` still finishes it wherever it is.
        self._file.refuse_out_of_sight()
        at = self._timeline.place(observation.frame)
        if at is None:
            return
        picture, encoder = self._prepare(observation, rates, self._file)
        self._times.append(at)
        try:
            encoder.write(picture)
        except OutputError:
            self._over = True
            raise
        self._timeline.took(at)

    def close(self) -> None:
        """Finish the file. Raises `DiskFull` when the end did not fit any more and no `write` has said so before."""
        encoder, self._encoder = self._encoder, None
        try:
            if encoder is not None:
                try:
                    with suppress(*((OutputError,) if self._over else ())):
                        encoder.close()
                finally:
                    # Also where the encoder failed: what came of it before is whole.
                    if self._muxer is not None and not self._full:
                        self._muxer.finish()
        finally:
            if self._file is not None:
                self._file.close()

    def _prepare(self, observation: Observation, rates: Rates, file: OutputFile) -> Tuple[Image, Encoder]:
        """Draw the image in the size of the recording, and give the encoder for it; the first image decides on both."""
        try:
            given = observation.frame.image
            if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3 or not given.size:
                raise ValueError(f"an array of {given.shape}, {given.dtype}")
            picture = self._overlay.draw(given, observation.faces, rates, hidden=observation.hidden)
        except Exception as error:
            # Drawing touches neither disk nor encoder, so that it can fail for what it is to draw only.
            reason = f"{type(error).__name__}: {error}".strip()
            raise ResultUnwritable(
                f"The picture of frame {observation.frame.index} cannot be recorded: {reason}.",
                "A picture has height x width x 3 bytes; look at the source, or the detector, that made it.",
            ) from error
        if self._encoder is None:
            self._encoder = self._begin(file, picture)
        return _letterboxed(picture, self._size), self._encoder

    def _begin(self, file: OutputFile, picture: Image) -> Encoder:
        """Choose the encoder, for a recording that begins with this image."""
        height, width = picture.shape[:2]
        if self._ending == ".avi":
            splitter = AviSplitter()
            self._size = _recorded_size(width, height, _MJPEG)
            self._muxer = AviMuxer(file, splitter, self._fps)
            return OpencvEncoder(_MJPEG, VideoFormat(self._size, self._fps), self._consume, splitter)
        self._size = _recorded_size(width, height, _H264)
        encoder, reasons = open_h264(VideoFormat(self._size, self._fps), self._consume, self._kinds)
        if encoder is not None:
            self._muxer = Mp4Muxer(file, H264Track(), self._size, self._timeline.usual)
            logger.debug("%s is encoded as H.264, %s", self._path, encoder.name)
            return encoder
        key = str(reasons)
        logger.log(
            logging.DEBUG if key in _told else logging.WARNING,
            "%s is recorded as MPEG-4 Part 2, which browsers and phones do not play, as nothing here encodes H.264; "
            "`fer-edge doctor` says what would",
            self._path,
            extra={"event": "recording_without_h264", "path": self._path, "reasons": reasons},
        )
        _told.add(key)
        self._size = _recorded_size(width, height, _MPEG4)
        self._muxer = Mp4Muxer(file, Mpeg4Track(), self._size, self._timeline.usual)
        return OpencvEncoder(_MPEG4, VideoFormat(self._size, self._fps), self._consume)

    def _consume(self, image: bytes) -> None:
        if self._full or self._muxer is None or not self._times:
            return
        try:
            self._muxer.add(image, self._times.popleft())
        except OutputError:
            self._full = True
            raise

    def _no_file(self) -> OutputNotWritable:
        return OutputNotWritable(f"The recording '{self._path}' is no ordinary file.", "Choose another name.")


def check_ending(path: str) -> str:
    """Return the ending of a recording's name, in small letters. Raises OutputNotWritable for one that is not known."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in _ENDINGS:
        raise OutputNotWritable(
            f"The recording '{path}' has an ending that is not known.", f"Choose one of: {', '.join(_ENDINGS)}."
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
    scale = min(1.0, side / max(width, height), math.sqrt(_MOST_PIXELS[codec] / (width * height)))
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
