"""The images of a video or a stream as a player shows them, decoded by PyAV (FFmpeg's libraries)."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, BinaryIO, Callable, Iterator, Mapping, Optional, Tuple, Type, Union

import av

from fer_edge.capture.limits import MOST_PIXELS, fits
from fer_edge.capture.media.picture import Picture
from fer_edge.capture.media.stamp_clock import StampClock
from fer_edge.capture.media.video_stream import NoVideo as NoVideo  # noqa: PLC0414  (who opens one expects it here)
from fer_edge.capture.media.video_stream import Part, best_video, duration_of, start_of, turn_of
from fer_edge.types import Image

MOST_THREADS = 4
"""Of one decoder. Each that works on a frame of its own holds one more decoded frame: 3 MB at 1080p, 12 MB at 4K."""

_MOST_FPS = 1000.0

_JOINED = ("mpegts", "mpeg", "mpegvideo", "h264", "hevc")
"""Formats that are recorded from the middle of a broadcast: what comes before the first key frame is no damage."""

_SEAMED = ("mpegts", "hls")
"""Formats whose pieces are joined: the first packet behind a seam counts as damaged and may be whole. The decoder knows."""

Wanted = Callable[[int, Optional[float]], bool]
"""Whether an image is made of a frame, by its index and time."""

Numbered = Tuple[int, Optional[float], Optional[Image]]
"""Index and time of a frame, and its image where that is wanted."""


class TooLarge(ValueError):
    """The stream's images are larger than `fer_edge.capture.limits` allows; the message has their size."""


class MediaDecoder:
    """Opens whatever FFmpeg opens, and decodes its best video stream.

    Images are turned as the file says, pixels are made square, and interlaced frames are deinterlaced; frames that an edit
    list leaves out are not given. A cover picture is taken only where there is no other video.

    Parameters
    ----------
    place : str or file object
        A path or URL as FFmpeg takes it, or a binary file that is open. What has a colon in its name is given as ``file:...``.
    options : mapping
        FFmpeg's options for the protocol and the format.
    format : str
        The name of FFmpeg's demuxer; empty to have it found out.
    open_timeout, read_timeout : float
        Seconds that opening, and reading of one packet, may block; they do not end every wait, so that a process of its own
        should be between.
    low_delay : bool
        Give each frame as soon as it came: the decoder's threads share one frame instead of working on several.
    from_key_frame : bool
        Leave out what comes before the first key frame, as of a stream that is joined in its course: FFmpeg before release 8
        gives gray images for it, with what moves, of all but H.264.
    threads : int, optional
        Of the decoder; by default one for each core, up to `MOST_THREADS`.
    quick : bool
        As of `Picture`.
    part : Part, optional
        Give a part of a file alone.

    Attributes
    ----------
    width, height : int
        Pixels as displayed: of the newest image, and before the first of what the stream says, where a rotation may not be
        known yet.
    fps : float
        The nominal rate; 0 if unknown.
    format_name : str
        What FFmpeg calls the format.
    frames_promised : int
        How many frames the file says it has, which may be wrong; 0 where it says nothing.
    duration : float
        Seconds, as the file says; 0 where it says nothing.
    damaged : int
        Packets and frames that the demuxer or the decoder found damaged, so far.
    last_error : str
        FFmpeg's words for the last of them.
    interlaced : bool
        Whether a frame was deinterlaced, so far: its image has something of those beside it.
    clock : StampClock
        Makes times of stamps.

    Raises
    ------
    TooLarge, NoVideo
        See there.
    av.error.FFmpegError
        It cannot be opened or read.
    """

    def __init__(
        self,
        place: Union[str, BinaryIO],
        options: Optional[Mapping[str, str]] = None,
        format: str = "",
        open_timeout: Optional[float] = None,
        read_timeout: Optional[float] = None,
        low_delay: bool = False,
        from_key_frame: bool = False,
        threads: Optional[int] = None,
        quick: bool = False,
        part: Optional[Part] = None,
    ) -> None:
        self._threads = threads or max(1, min(MOST_THREADS, _cores()))
        self._part = part
        self._index = -1 if part is None else part.first - 1
        self._awaits_key_frame = from_key_frame
        self.damaged = 0
        self.last_error = ""
        self.interlaced = False
        self._picture = Picture(quick, threads or 0)
        self._has_begun = False
        self._container: Any = av.open(
            place,
            format=format or None,
            options=dict(options or {}),
            metadata_errors="replace",
            timeout=(open_timeout, read_timeout),
        )
        try:
            self._stream = best_video(self._container)
            self._prepare(low_delay)
        except BaseException:
            self.close()
            raise
        start = start_of(self._container, self._stream)
        self.clock = StampClock(start, self.fps) if part is None else StampClock(part.origin, self.fps, part.before)

    def _prepare(self, low_delay: bool) -> None:
        stream, codec = self._stream, self._stream.codec_context
        if (codec.width, codec.height) != (0, 0) and not fits(codec.width, codec.height):
            raise TooLarge(f"{codec.width} x {codec.height}")
        # A size that is only known within the stream is refused by the decoder before it takes memory.
        codec.options = {**dict(codec.options), "max_pixels": str(MOST_PIXELS)}
        codec.thread_type = "SLICE" if low_delay else "AUTO"
        codec.thread_count = self._threads
        # What the codec says is right where nothing was counted yet, as with a stream; the guess is of fields then.
        rate = (
            stream.average_rate
            or codec.framerate
            or (stream.guessed_rate if self._is_believable(stream.guessed_rate) else None)
        )
        self.fps = float(rate) if rate and 0 < rate <= _MOST_FPS else 0.0
        self.format_name = str(self._container.format.name)
        self.frames_promised = int(stream.frames or 0)
        self.duration = duration_of(self._container, stream)
        self.width, self.height = self._picture.displayed(
            codec.width, codec.height, stream.sample_aspect_ratio or codec.sample_aspect_ratio, turn_of(stream)
        )

        if self._part is not None:
            self._container.seek(self._part.seek, stream=stream)

    def _is_believable(self, rate: Any) -> bool:
        # What a container without rates counts its times in (1/1000 s in Matroska) is guessed as one.
        return bool(rate) and rate * self._stream.time_base != 1

    def frames(self) -> Iterator[Tuple[Image, Optional[float]]]:
        """Decode to the end.

        Yields
        ------
        tuple of Image and float or None
            Height x width x 3, uint8, blue-green-red, a new array each time; and the seconds from the start of the media,
            which only grow, or None where nobody knows.

        Raises
        ------
        TooLarge
            The images became larger than can be taken.
        OSError, ValueError
            Reading failed; what came before was given.
        """
        for _, moment, image in self.selected():
            if image is not None:
                yield image, moment

    def selected(self, wanted: Wanted = lambda index, moment: True) -> Iterator[Numbered]:
        """Decode to the end, and make images of the wanted frames alone, which saves most of what a large one costs.

        Parameters
        ----------
        wanted : callable
            Gets the index of a frame from 0 on, and its time; asked once for each, in order.

        Yields
        ------
        tuple of int, float or None, and Image or None
            Index and time of a frame, and its image if it is wanted.

        Raises
        ------
        TooLarge, OSError, ValueError
            As `frames`.
        """
        for packet in self._container.demux(self._stream):
            if packet.is_corrupt and self.format_name not in _SEAMED:
                self._note("a damaged packet")
                continue
            # The empty packet at the end has the decoder give what it holds back.
            self._awaits_key_frame = self._awaits_key_frame and packet.size > 0 and not packet.is_keyframe
            if self._awaits_key_frame:
                continue
            try:
                decoded = packet.decode()
            except (av.error.InvalidDataError, av.error.PatchWelcomeError) as error:
                if self._has_begun or self.format_name not in _JOINED:
                    self._note(error.strerror or "damaged data")
                continue
            for frame in decoded:
                if self._part is not None and frame.pts is not None:
                    if frame.pts < self._part.start:
                        continue
                    if self._part.end is not None and frame.pts >= self._part.end:
                        return
                yield from self._shown(frame, wanted)
        for image, stamp in self._picture.rest():
            yield self._given(image, stamp, wanted)

    def _shown(self, frame: Any, wanted: Wanted) -> Iterator[Numbered]:
        if not fits(frame.width, frame.height):
            raise TooLarge(f"{frame.width} x {frame.height}")
        if frame.is_corrupt:
            self._note("a damaged frame")
        if not self._picture.holds_back(frame):
            number = self._next(frame.time)
            if not wanted(*number):
                yield (*number, None)
                return
            for image, _ in self._converted(frame):
                yield (*number, self._sized(image))
            return
        self.interlaced = True
        for image, stamp in self._converted(frame):
            yield self._given(image, stamp, wanted)

    def _converted(self, frame: Any) -> Iterator[Tuple[Image, Optional[float]]]:
        aspect = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        return self._picture.show(frame, self._stream.time_base, aspect, turn_of(self._stream))

    def _given(self, image: Image, stamp: Optional[float], wanted: Wanted) -> Numbered:
        number = self._next(stamp)
        return (*number, self._sized(image) if wanted(*number) else None)

    def _sized(self, image: Image) -> Image:
        self.height, self.width = image.shape[:2]
        return image

    def _next(self, stamp: Optional[float]) -> Tuple[int, Optional[float]]:
        self._has_begun = True
        self._index += 1
        return self._index, self.clock.read(stamp)

    def _note(self, what: str) -> None:
        self.damaged += 1
        self.last_error = what

    def close(self) -> None:
        """Give back what is open. May be called twice."""
        container, self._container = self._container, None
        if container is not None:
            self._picture.forget()
            container.close()

    def __enter__(self) -> MediaDecoder:
        """Return itself, for a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close it."""
        self.close()


def _cores() -> int:
    return len(os.sched_getaffinity(0))
