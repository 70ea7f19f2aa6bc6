"""Where a recording can be split so that its parts, read by themselves, give the very frames that the whole gives.

A detector that remembers sees in a frame what it does because of those before. So it begins afresh at some key frames, whether
the recording is split there or not: which, the file alone decides.
"""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass, replace
from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.capture.media.names import av_failures, has_av
from fer_edge.recordings.jobs import Span
from fer_edge.recordings.reading import open_decoder
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.recordings.selection import Selection

LEAST_FRAMES = 300
"""Of a part: its first frame costs up to a second of decoding before it, and a process some more to begin."""

_NOT_OF_KEYS = frozenset(
    ("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263", "flv1", "vp8", "vp9", "av1")
)
"""Codecs whose videos have hardly ever nothing but key frames, and whose packets do not say it otherwise."""

FRESH_FRAMES = 600
"""From one fresh start of a detector that remembers to the next, at the least."""

LEAST_PICTURES = 50

_INDEXED = ("mov,mp4", "matroska")
"""Formats, as FFmpeg calls them, in which a seek leads to the key frame that is sought, or before it."""

_Key = Tuple[int, int, int]
"""Of a key frame: its index, when it is shown, and what to seek."""

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
    fresh : tuple of int
        Indices of the frames at which a detector that remembers begins afresh.
    """

    spans: Tuple[Span, ...] = ()
    frames: int = 0
    seconds: float = 0.0
    why_not: str = ""
    fresh: Tuple[int, ...] = ()


def divide(recording: Recording, most: int, remembers: bool, tick: Callable[[], None] = lambda: None) -> Division:
    """Find out how long a recording is, and where it can be split.

    Parameters
    ----------
    most : int
        Into how many parts at most.
    remembers : bool
        Whether the detector looks at a frame with what it knows of those before.
    tick : callable
        Called now and then.

    Raises
    ------
    SourceError
        It cannot be opened.
    """
    if recording.kind == PICTURES:
        return _of_pictures(recording, most)
    found = _by_index(recording, most, remembers, tick) if has_av() else _by_opencv(recording)
    return found if most > 1 else replace(found, why_not="")


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
            # Where a detector begins afresh does not depend on how many would read it.
            if frames < 2 * LEAST_FRAMES or (most < 2 and not remembers):
                return Division((), frames, seconds)
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
    if index.why_not:
        return Division((), frames, seconds, index.why_not)
    return _spans(index, origin, most, seconds, remembers)


_NONE: NDArray[np.int64] = np.zeros(0, np.int64)


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
        Why it cannot be relied upon; empty where it can.
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
        try:
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                if packet.pts is None or packet.is_corrupt:
                    return _Index(_NONE, [], unit, "some of its frames have no time")
                if packet.is_keyframe:
                    keys.append((packet.pts, packet.pts if packet.dts is None else min(packet.pts, packet.dts)))
                shown.append(packet.pts)
                if len(shown) % _TICK == 0:
                    tick()
        except (OSError, ValueError):  # what is before that can be analysed all the same
            return _Index(_NONE, [], unit, "it is damaged")
        codec = stream.codec_context.name
    if len(keys) == len(shown) and codec in _NOT_OF_KEYS:
        # So it is where the index names none; the decoder does not find out for these.
        return _Index(_NONE, [], unit, "its index does not tell which are its key frames")
    return _Index(np.frombuffer(shown, np.int64) if shown else _NONE, keys, unit)


def _spans(index: _Index, origin: float, most: int, seconds: float, remembers: bool) -> Division:
    order = np.sort(index.shown)
    count = len(order)
    if count == 0 or (np.diff(order) <= 0).any() or order[0] * index.unit < origin - index.unit / 2:
        return Division((), count, seconds, "the times of its frames do not grow")
    keys = [(int(np.searchsorted(order, shown)), shown, seek) for shown, seek in sorted(index.keys)]
    starts = fresh_starts(keys, count) if remembers else []
    fresh = tuple(first for first, _, _ in starts)
    cuts = _cuts(starts if remembers else keys, count, min(most, count // LEAST_FRAMES))
    if not cuts:
        where = "at which the detector could begin afresh" if remembers and len(keys) > 1 else "in its course"
        why_not = f"it has no key frame {where}" if count >= 2 * LEAST_FRAMES else ""
        return Division((), count, seconds, why_not, fresh)
    spans = []
    edges = [(0, int(order[0]), index.keys[0][1]), *cuts]
    for (first, start, seek), following in zip(edges, [*edges[1:], None]):
        last = count if following is None else following[0]
        before = float(order[first - 1]) * index.unit - origin if first else -1.0
        end: Optional[int] = None if following is None else following[1]
        spans.append(Span(first, last - first, start, end, seek, origin, before))
    return Division(tuple(spans), count, seconds, "", fresh)


def fresh_starts(keys: Sequence[_Key], count: int) -> List[_Key]:
    """Return the key frames at which a detector that remembers begins afresh.

    Parameters
    ----------
    keys : sequence of (int, int, int)
        All that there are, in order: index, stamp, and stamp to seek.
    count : int
        How many frames there are.
    """
    found: List[_Key] = []
    before = 0
    for key in keys:
        if key[0] - before >= FRESH_FRAMES and count - key[0] >= FRESH_FRAMES // 2:
            found.append(key)
            before = key[0]
    return found


def _cuts(keys: Sequence[_Key], count: int, parts: int) -> List[_Key]:
    """Return the key frames at which parts begin, after the first."""
    found: List[_Key] = []
    before = 0
    for number in range(1, parts):
        wanted = max(number * count // parts, before + LEAST_FRAMES)
        later = next((one for one in keys if one[0] >= wanted), None)
        if later is None or count - later[0] < LEAST_FRAMES // 2:
            break
        found.append(later)
        before = later[0]
    return found
