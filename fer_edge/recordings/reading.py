"""The frames of a recording, or of a part of it, in a process that may be lost with whatever decodes them."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Generator, Iterator, List, Optional, Set

import numpy as np

from fer_edge.capture.base import Source
from fer_edge.capture.file.picture import pictures_of
from fer_edge.capture.file.unreadable import Unreadable
from fer_edge.capture.media.names import av_failures, has_av
from fer_edge.errors import FerEdgeError, SourceError, SourceTruncated, SourceUnreadable
from fer_edge.recordings.jobs import Span
from fer_edge.recordings.recording import ASSUMED_FPS, PICTURES, Recording
from fer_edge.recordings.selection import Selection
from fer_edge.system.masking import shown
from fer_edge.types import Frame, Image

LANE = "recording"
"""What `Frame.source` is of every recording."""

MOST_PROBLEMS = 100
"""Of one part that are told; thousands of broken pictures are told of by their rows."""

START = datetime(2000, 1, 1, tzinfo=timezone.utc)
"""The moment that is told for time 0 of each recording; nothing that is written has it."""

NOTHING: Image = np.zeros((0, 0, 3), np.uint8)


class Reader(ABC):
    """Gives the frames that are wanted.

    Attributes
    ----------
    frames : int
        That there were so far, wanted or not.
    moment : float
        Time of the last of them.
    width, height : int
        Pixels of the first image.
    fps : float
        The nominal rate; 0 if unknown.
    problems : list of str
        What kept it from giving all of them, and whatever else a reader of the results should know.
    truncated : bool
        Whether something is missing at the end, or in between.
    inexact : str
        Why the same frames would not come if it were read in other parts; empty where they would.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.moment = 0.0
        self.width = self.height = 0
        self.fps = 0.0
        self.problems: List[str] = []
        self.truncated = False
        self.inexact = ""

    @abstractmethod
    def read(self, selection: Selection) -> Generator[Frame, None, None]:
        """Yield the frames that are wanted.

        Raises
        ------
        SourceError
            Nothing of it can be read. Where something can, `problems` tells of the rest.
        """

    def _frame(self, index: int, moment: Optional[float], image: Image, file: str = "", problem: str = "") -> Frame:
        if not self.width and image.size:
            self.height, self.width = image.shape[:2]
        at = moment if moment is not None else index / (self.fps or ASSUMED_FPS)
        return Frame(index, at, START + timedelta(seconds=at), image, LANE, moment, file, problem)

    def _counted(self, moment: Optional[float]) -> None:
        self.frames += 1
        if moment is not None:
            self.moment = moment

    def _cut_off(self, message: str) -> None:
        self.truncated = True
        self.problems.append(message)
        self.inexact = self.inexact or "it is damaged"


def reader_of(recording: Recording, span: Optional[Span] = None) -> Reader:
    """Return what reads a recording, or a part of it."""
    if recording.kind == PICTURES:
        return PictureReader(recording, span)
    if has_av():
        return MediaReader(recording.path, span)
    from fer_edge.capture.file.video import VideoFileSource

    return SourceReader(VideoFileSource(recording.path, threads=1))


def video_source(path: str) -> Source:
    """Return what reads a video beside this process, as far as that is possible."""
    if has_av():
        with suppress(ImportError):  # where there is no Unix
            from fer_edge.capture.media.file_input import FileInput
            from fer_edge.capture.media.source import MediaSource
            from fer_edge.capture.settings import DEFAULTS

            return MediaSource(FileInput(path, DEFAULTS, quick=True))
    from fer_edge.capture.file.video import VideoFileSource

    return VideoFileSource(path)


class MediaReader(Reader):
    """Reads a video with PyAV, in this process and with one thread.

    Parameters
    ----------
    path : str
    span : Span, optional
        The part that is wanted.
    """

    def __init__(self, path: str, span: Optional[Span] = None) -> None:
        super().__init__()
        self._path = path
        self._span = span

    def read(self, selection: Selection) -> Generator[Frame, None, None]:
        """As of `Reader`."""
        from fer_edge.capture.media.ffmpeg_log import FfmpegLog
        from fer_edge.capture.media.file_input import FileInput
        from fer_edge.capture.media.messages import Report
        from fer_edge.capture.settings import DEFAULTS

        media = FileInput(self._path, DEFAULTS)
        prepared = media.prepare(threading.Event())
        log, decoder, failure = FfmpegLog(), None, None
        try:
            try:
                decoder = open_decoder(prepared.place, prepared.options, self._span)
                self.fps = decoder.fps
                for index, moment, image in decoder.selected(selection):
                    self._counted(moment)
                    if image is not None:
                        yield self._frame(index, moment, image)
            except MemoryError:  # PyAV's is one, too
                raise
            except av_failures() as error:
                failure = error
            finally:
                log.finish()
            damaged = log.damaged + (decoder.damaged if decoder is not None else 0)
            words = log.last or (decoder.last_error if decoder is not None else "") or str(failure or "")
            promised = decoder.frames_promised if decoder is not None else 0
            name = type(failure).__name__ if failure is not None else ""
            report = Report(damaged=damaged, promised=promised, error=name, words=words)
            if not self.frames and (self._span is None or failure is not None):
                raise media.unreadable(report)
            if failure is not None or damaged or (media.is_cut() and (self._span is None or self._span.end is None)):
                self._cut_off(media.truncated(self.frames, report).message)
            if decoder is not None and decoder.interlaced:
                self.inexact = self.inexact or "it is interlaced"
        finally:
            if decoder is not None:
                decoder.close()


def open_decoder(place: str, options: Any, span: Optional[Span] = None, level: int = 16) -> Any:
    """Return PyAV's decoder of a video or a part of one, with one thread; `level` is that of FFmpeg's log."""
    import av

    from fer_edge.capture.media.decoder import MediaDecoder
    from fer_edge.capture.media.video_stream import Part

    av.logging.restore_default_callback()
    av.logging.set_libav_level(level)  # by default errors: what they tell of damage is counted
    part = None
    if span is not None and span.start is not None and span.seek is not None:
        part = Part(span.first, span.seek, span.start, span.end, span.origin, span.before)
    return MediaDecoder(place, options, threads=1, quick=True, part=part)


class SourceReader(Reader):
    """Reads a video from a source.

    Parameters
    ----------
    source : Source
        Not open; closed at the end.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def read(self, selection: Selection) -> Generator[Frame, None, None]:
        """As of `Reader`."""
        source = self._source
        try:
            self.fps = source.open().fps
            while True:
                grabbed = source.grab()
                if grabbed is False:
                    return
                if not grabbed:
                    continue
                index = self.frames
                # Its time is known only with the image; where that decides, each is taken.
                if selection.fps <= 0 and index % selection.every:
                    self._counted(None)
                    continue
                image = source.retrieve()
                self._counted(source.media_time)
                if selection(index, source.media_time):
                    yield self._frame(index, source.media_time, image)
        except SourceTruncated as error:
            if not self.frames:
                raise
            self._cut_off(error.message)
        except SourceUnreadable as error:
            if not self.frames:
                raise
            self._cut_off(error.message)
        finally:
            source.close()


class PictureReader(Reader):
    """Reads the pictures of one folder, or a part of them.

    Parameters
    ----------
    recording : Recording
    span : Span, optional
        By files.
    """

    def __init__(self, recording: Recording, span: Optional[Span] = None) -> None:
        super().__init__()
        self._folder = Path(recording.path)
        self._split = span is not None
        self._first = span.first if span is not None else 0
        self._files = recording.files if span is None else recording.files[span.first : span.first + span.count]

    def read(self, selection: Selection) -> Generator[Frame, None, None]:
        """As of `Reader`; a file that cannot be read gives a frame that says why."""
        noted: Set[str] = set()
        for file in self._files:
            told: List[str] = []
            before = self.frames
            try:
                for picture in pictures_of(self._folder / file, note=told.append):
                    yield from self._given(selection, picture.image, picture.media_time, file)
            except Unreadable as error:
                yield from self._given(selection, NOTHING, None, file, error.in_a_line())
                self.truncated = True
                self._note(noted, f"{shown(file)} cannot be read: {error.in_a_line()}")
            except FerEdgeError as error:
                if not isinstance(error, SourceError):
                    raise
                yield from self._given(selection, NOTHING, None, file, error.message)
                self.truncated = True
                self._note(noted, error.message)
            for text in told:
                self._note(noted, f"{shown(file)} {text}")
            if self._split and self.frames != before + 1:
                self.inexact = "a file of it holds several pictures"

    def _given(
        self, selection: Selection, image: Image, moment: Optional[float], file: str, problem: str = ""
    ) -> Iterator[Frame]:
        index = self._first + self.frames
        self._counted(None)
        if selection(index, None):
            yield self._frame(index, moment, image, os.fsdecode(file), problem)

    def _note(self, noted: Set[str], text: str) -> None:
        if text not in noted and len(noted) < MOST_PROBLEMS:
            noted.add(text)
            self.problems.append(text)
