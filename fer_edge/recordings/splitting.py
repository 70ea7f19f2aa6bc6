"""Where a recording can be split so that its parts, read by themselves, give the very frames that the whole gives."""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.capture.media.names import av_failures, has_av
from fer_edge.recordings.jobs import Span
from fer_edge.recordings.reading import open_decoder
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.recordings.selection import Selection

LEAST_FRAMES = 300
"""Of a part: its first frame costs up to a second of decoding before it, and a process some more to begin."""

LEAST_PICTURES = 50

_INDEXED = ("mov,mp4", "matroska")
"""Formats, as FFmpeg calls them, in which a seek leads to the key frame that is sought, or before it."""

_TICK = 1000

_SILENT = -8
"""Of FFmpeg's log: what it says of a damaged file, whoever reads it says better."""


@dataclass(frozen=True)
class Division:
    """How a recording is split.

    Attributes
    ----------
    spans : tuple of Span
        None where it is not split.
    frames : int
        How many there are; 0 if unknown.
    seconds : float
        How long it is; 0 if unknown.
    why_not : str
        Why it is not split, where more parts were wanted and it is long enough.
    """

    spans: Tuple[Span, ...] = ()
    frames: int = 0
    seconds: float = 0.0
    why_not: str = ""


def divide(recording: Recording, most: int, remembers: bool, tick: Callable[[], None] = lambda: None) -> Division:
    """Find out how long a recording is, and where it can be split.

    Parameters
    ----------
    most : int
        Into how many parts at most.
    remembers : bool
        Whether the detector knows something of the frames before, so that no part would be as the whole.
    tick : callable
        Called now and then.

    Raises
    ------
    SourceError
        It cannot be opened.
    """
    if recording.kind == PICTURES:
        return _of_pictures(recording, most)
    if not has_av():
        return _by_opencv(recording)
    return _by_index(recording, most, remembers, tick)


def _of_pictures(recording: Recording, most: int) -> Division:
    # A detector searches each picture by itself.
    count = len(recording.files)
    parts = min(most, count // LEAST_PICTURES)
    if parts < 2:
        return Division(frames=count)
    edges = [number * count // parts for number in range(parts + 1)]
    return Division(tuple(Span(begin, end - begin) for begin, end in zip(edges, edges[1:])), count)


def _by_opencv(recording: Recording) -> Division:
    from fer_edge.capture.file.video import VideoFileSource

    source = VideoFileSource(recording.path)
    with source:
        frames, fps = source.frames_promised, source.fps
    why_not = "OpenCV does not seek exactly; PyAV does (the extra 'media')"
    return Division((), frames, frames / fps if fps > 0 else 0.0, why_not if frames >= 2 * LEAST_FRAMES else "")


def _by_index(recording: Recording, most: int, remembers: bool, tick: Callable[[], None]) -> Division:
    from fer_edge.capture.media.file_input import FileInput
    from fer_edge.capture.media.messages import Report
    from fer_edge.capture.settings import DEFAULTS

    media = FileInput(recording.path, DEFAULTS)
    prepared = media.prepare(threading.Event())
    try:
        with open_decoder(prepared.place, prepared.options, level=_SILENT) as decoder:
            frames = decoder.frames_promised
            seconds = decoder.duration or (frames / decoder.fps if decoder.fps > 0 else 0.0)
            frames = frames or round(seconds * decoder.fps)
            if frames < 2 * LEAST_FRAMES or most < 2:
                return Division((), frames, seconds)
            if remembers:
                return Division(
                    (), frames, seconds, "the detector looks at each frame with what it knows of those before"
                )
            if not decoder.format_name.startswith(_INDEXED):
                return Division((), frames, seconds, f"the format {decoder.format_name} has no index of key frames")
            next(decoder.selected(Selection()), None)
            if decoder.interlaced:
                return Division((), frames, seconds, "it is interlaced")
            origin = decoder.clock.start
        index = _read_index(prepared.place, prepared.options, tick)
    except MemoryError:  # PyAV's is one, too
        raise
    except av_failures() as error:
        raise media.unreadable(Report(error=type(error).__name__, words=str(error))) from None
    return _spans(index, origin, most, seconds)


@dataclass(frozen=True)
class _Index:
    """Stamps of a video's packets.

    Attributes
    ----------
    shown : NDArray
        When each frame is shown, in the order of the file.
    keys : list of (int, int)
        Of each key frame: when it is shown, and what to seek.
    unit : float
        Seconds of a stamp's unit.
    why_not : str
        Why it cannot be relied upon.
    """

    shown: NDArray[np.int64]
    keys: List[Tuple[int, int]]
    unit: float
    why_not: str = ""


def _read_index(place: str, options: Any, tick: Callable[[], None]) -> _Index:
    """Read all packets of a video, without decoding one."""
    import av

    from fer_edge.capture.media.video_stream import best_video

    shown, keys = array("q"), []
    with av.open(place, options=dict(options), metadata_errors="replace") as container:
        stream = best_video(container)
        unit = float(stream.time_base)
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.pts is None or packet.is_corrupt:
                return _Index(np.zeros(0, np.int64), [], unit, "some of its frames have no time")
            if packet.is_keyframe:
                keys.append((packet.pts, packet.pts if packet.dts is None else min(packet.pts, packet.dts)))
            shown.append(packet.pts)
            if len(shown) % _TICK == 0:
                tick()
    return _Index(np.frombuffer(shown, np.int64) if shown else np.zeros(0, np.int64), keys, unit)


def _spans(index: _Index, origin: float, most: int, seconds: float) -> Division:
    order = np.sort(index.shown)
    count = len(order)
    why_not = index.why_not
    if not why_not and (count == 0 or (np.diff(order) <= 0).any() or order[0] * index.unit < origin - index.unit / 2):
        why_not = "the times of its frames do not grow"
    parts = min(most, count // LEAST_FRAMES)
    cuts = _cuts(order, index.keys, parts) if not why_not else []
    if not why_not and not cuts:
        why_not = "it has no key frame in its course"
    if why_not:
        return Division((), count, seconds, why_not if count >= 2 * LEAST_FRAMES else "")
    spans = []
    edges = [(0, int(order[0]), index.keys[0][1]), *cuts]
    for (first, start, seek), following in zip(edges, [*edges[1:], None]):
        last = count if following is None else following[0]
        before = float(order[first - 1]) * index.unit - origin if first else -1.0
        end: Optional[int] = None if following is None else following[1]
        spans.append(Span(first, last - first, start, end, seek, origin, before))
    return Division(tuple(spans), count, seconds)


def _cuts(order: NDArray[np.int64], keys: List[Tuple[int, int]], parts: int) -> List[Tuple[int, int, int]]:
    """Return index, stamp and stamp to seek of the key frames at which parts begin, after the first."""
    found: List[Tuple[int, int, int]] = []
    before, count = 0, len(order)
    ranked = [(int(np.searchsorted(order, shown)), shown, seek) for shown, seek in sorted(keys)]
    for number in range(1, parts):
        wanted = max(number * count // parts, before + LEAST_FRAMES)
        later = next((one for one in ranked if one[0] >= wanted), None)
        if later is None or count - later[0] < LEAST_FRAMES // 2:
            break
        found.append(later)
        before = later[0]
    return found
