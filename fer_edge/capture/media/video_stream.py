"""Which of the streams of a file is its video, where it begins, and what a part of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Part:
    """A part of a file between two key frames.

    Attributes
    ----------
    first : int
        Index of its first frame.
    seek : int
        Stamp, in units of the stream, that is sought; what comes before `start` is decoded and left out.
    start : int
        Stamp of the first frame.
    end : int or None
        Stamp of the first frame that is not given any more; None for all.
    origin, before : float
        Seconds of the stamp that is time 0, and the time of the frame before; -1 where there is none.
    """

    first: int
    seek: int
    start: int
    end: Optional[int] = None
    origin: float = 0.0
    before: float = -1.0


class NoVideo(ValueError):
    """What was opened holds no video."""


def best_video(container: Any) -> Any:
    """Return the largest of the streams that are video, and a cover picture only where there is no other."""
    streams = [stream for stream in container.streams.video if stream.codec_context is not None]
    if not streams:
        raise NoVideo("there is no video in it")
    moving = [stream for stream in streams if not _is_cover(stream)]
    return max(moving or streams, key=lambda stream: stream.codec_context.width * stream.codec_context.height)


def _is_cover(stream: Any) -> bool:
    disposition = getattr(stream, "disposition", None)  # from PyAV 14 on
    if disposition is not None:
        return bool(int(disposition) & 0x400)  # AV_DISPOSITION_ATTACHED_PIC
    # A picture has no rate of its own; it is counted in the finest unit that there is.
    return stream.codec_context.name in ("mjpeg", "png", "bmp", "gif", "webp") and not stream.average_rate


def turn_of(stream: Any) -> float:
    """Return the stream's rotation where PyAV gives it (before 14), in degrees counterclockwise."""
    data = getattr(stream, "side_data", None)
    try:
        return float((data or {}).get("DISPLAYMATRIX", 0.0))
    except (TypeError, ValueError, AttributeError):
        return 0.0


def start_of(container: Any, stream: Any) -> float:
    """Return the stamp at which a player begins, in seconds."""
    if container.start_time is not None:
        return float(container.start_time) / 1_000_000
    if stream.start_time is not None and stream.time_base:
        return float(stream.start_time * stream.time_base)
    return 0.0


def duration_of(container: Any, stream: Any) -> float:
    """Return how long a video is, in seconds, as the file says; 0 where it says nothing."""
    if stream.duration and stream.time_base:
        return max(0.0, float(stream.duration * stream.time_base))
    return max(0.0, float(container.duration) / 1_000_000) if container.duration else 0.0
