"""Video files, read by OpenCV."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Protocol, Union

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.file.container import is_cut, is_text, lacks_index
from fer_edge.capture.file.decoder import OpenCvDecoder, VideoHeader
from fer_edge.capture.file.interlaced_trial import decodes_interlaced
from fer_edge.capture.file.media_clock import MediaClock
from fer_edge.capture.file.places import path_of
from fer_edge.capture.file.sample_table import presented_samples
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.errors import SourceNotFound, SourcePermission, SourceTruncated, SourceUnreadable
from fer_edge.system.masking import shown
from fer_edge.system.regular_file import open_regular
from fer_edge.types import Image

KINDS = "mp4, mov, mkv, webm, avi, gif, and what else FFmpeg reads"

_EXPECTED_PART = 0.9
_EXPECTED_SLACK = 5
"""Of the frames that the table of an MP4 lists, this part must come: a decoder may hold back what shows nothing."""


class _Decoder(Protocol):
    """What `OpenCvDecoder` is, and `GuardedDecoder`."""

    header: VideoHeader
    position: float

    def grab(self) -> Optional[bool]:
        """Move on to the next image; None if it takes long, False when there is no more."""

    def retrieve(self) -> Optional[Image]:
        """Return the grabbed image; None if it cannot be decoded."""

    def interrupt(self) -> None:
        """Make a waiting call return soon."""

    def close(self) -> None:
        """Give everything back."""


class VideoFileSource(Source):
    """Gives every frame of a video file, as fast as they are taken.

    Parameters
    ----------
    path : str or path
        A file that FFmpeg reads; an animated GIF is one.
    settings : CaptureSettings
        Only ``loop`` matters.
    threads : int
        That decode; 0 for as many as OpenCV takes.
    """

    live = False

    def __init__(
        self, path: Union[str, os.PathLike[str]], settings: CaptureSettings = DEFAULTS, threads: int = 0
    ) -> None:
        self._threads = threads
        self._path = Path(path_of(os.fspath(path)))
        self._loop = settings.loop
        self._decoder: Optional[_Decoder] = None
        self._header = VideoHeader(0, 0, 0.0, 0)
        self._delivered = 0
        self._clock = MediaClock(0.0)
        self._grabbed_at: Optional[float] = None
        self._media_time: Optional[float] = None

    def open(self) -> SourceInfo:
        """Open the file and read its header."""
        self.close()
        self._check()
        try:
            decoder = _decoder(self._path, self._threads)
        except SourceUnreadable:
            raise self._unreadable() from None
        except OSError as error:
            raise self._failed(error) from None
        self._decoder, self._header = decoder, decoder.header
        self._clock = MediaClock(self._header.fps)
        self._delivered = 0
        self._grabbed_at = self._media_time = None
        return SourceInfo(shown(self._path.name), self._header.width, self._header.height, self._header.fps)

    def grab(self) -> Optional[bool]:
        """Move on to the next frame.

        Raises
        ------
        SourceTruncated
            At the end, when the file is cut off or damaged; all frames before were given.
        SourceUnreadable
            It has no frames, or such as this OpenCV cannot decode.
        """
        came = self._next()
        if came is None or came:
            return came
        if self._delivered == 0:
            raise self._unreadable()
        if self._is_cut() or self._lacks_frames():
            of = f" of {self._header.frames}" if self._header.frames > self._delivered else ""
            raise SourceTruncated(
                f"{shown(self._path)} is cut off or damaged: {self._delivered}{of} frames could be read.",
                "Everything before that point was used. Copy the file again if there is a whole one.",
            )
        if self._loop:
            self.open()
            return self._next()
        return False

    def retrieve(self) -> Image:
        """Return the frame, as a player shows it: turned as the camera was held, and with square pixels."""
        image = self._decoder.retrieve() if self._decoder is not None else None
        if image is None:
            raise SourceUnreadable(
                f"Frame {self._delivered} of {shown(self._path)} cannot be decoded.", "Convert the file with ffmpeg."
            )
        self._media_time = self._grabbed_at
        return image

    @property
    def frames_promised(self) -> int:
        """How many frames there are, as the header says or FFmpeg guesses; 0 if unknown, and before `open`."""
        return self._header.frames

    @property
    def fps(self) -> float:
        """The nominal rate; 0 if unknown, and before `open`."""
        return self._header.fps

    @property
    def media_time(self) -> Optional[float]:
        """Seconds from the start of the file to the frame that was last retrieved; None where the file has no times."""
        return self._media_time

    def close(self) -> None:
        """Close the file."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            decoder.close()

    def interrupt(self) -> None:
        """Make a waiting `grab` return soon."""
        decoder = self._decoder
        if decoder is not None:
            decoder.interrupt()

    def _next(self) -> Optional[bool]:
        if self._decoder is None:
            return False
        came = self._decoder.grab()
        if came:
            self._delivered += 1
            self._grabbed_at = self._clock.read(self._decoder.position)
        return came

    def _is_cut(self) -> bool:
        try:
            return is_cut(self._path)
        except OSError:  # removed since
            return False

    def _lacks_frames(self) -> bool:
        """Return whether the decoder gave clearly fewer frames than the container's table has; a header's number is a guess."""
        listed = presented_samples(self._path)
        return listed is not None and self._delivered < listed * _EXPECTED_PART - _EXPECTED_SLACK

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
            with open_regular(self._path):
                pass
        except PermissionError:
            raise SourcePermission(
                f"This user may not read {shown(self._path)}.",
                f"Allow it with:  chmod u+r '{shown(self._path)}'  or ask its owner.",
            ) from None
        except OSError as error:
            raise self._failed(error) from None
        if self._path.stat().st_size == 0:
            raise SourceUnreadable(f"{shown(self._path)} is empty.", "Record or copy it again.")
        try:
            is_film = not is_text(self._path)
        except OSError as error:
            raise self._failed(error) from None
        if not is_film:
            raise self._unreadable()

    def _failed(self, error: OSError) -> SourceUnreadable:
        return SourceUnreadable(f"{shown(self._path)} cannot be read: {error.strerror}.", "Check the disk.")

    def _unreadable(self) -> SourceUnreadable:
        try:
            has_no_index = lacks_index(self._path)
        except OSError as error:
            return self._failed(error)
        if has_no_index:
            return SourceUnreadable(
                f"{shown(self._path)} has no index (moov): the recording was cut off before it was finished.",
                "Record it again, or repair it with a tool such as untrunc.",
            )
        if self._is_cut():
            return SourceUnreadable(
                f"{shown(self._path)} is cut off before its first image could be read.",
                "Copy the file again if there is a whole one.",
            )
        return SourceUnreadable(f"{shown(self._path)} is no video that can be read.", f"These kinds work: {KINDS}.")


def _decoder(path: Path, threads: int) -> _Decoder:
    if decodes_interlaced():
        return OpenCvDecoder(path, threads)
    from fer_edge.capture.file.guarded import GuardedDecoder  # which only Unix can run

    return GuardedDecoder(path)
