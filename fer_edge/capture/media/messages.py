"""What the process that reads a video or a stream, and the one that started it, say to each other.

A line of JSON, the request, goes in by the standard input, so that no password stands in the list of processes. Messages come
out by the standard output: a header each, and a payload.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Dict, Optional, Union

HEADER = struct.Struct("<4sIIId")
"""Kind, width, height, the number of bytes that follow, and the media time in seconds: not a number if unknown."""

OPENED, FRAME, FAILED, ENDED = b"OPEN", b"FRAM", b"FAIL", b"DONE"

LONGEST_REPORT = 2000
"""Bytes of JSON behind every kind but FRAME."""

_LONGEST_WORDS = 300


@dataclass(frozen=True)
class Request:
    """What to read.

    Attributes
    ----------
    place : str
        Path, URL or descriptor as FFmpeg takes it, with credentials.
    options : dict of str to str
        FFmpeg's own.
    open_timeout, read_timeout : float, optional
        Seconds; None where waiting has no end.
    newest : bool
        Leave out images that are not taken in time, instead of waiting.
    paced : bool
        Give each image at its time, since they come in bursts.
    library : str
        ``av`` or ``cv2``.
    quick : bool
        Convert colours the quick way.
    """

    place: str
    options: Dict[str, str]
    open_timeout: Optional[float] = None
    read_timeout: Optional[float] = None
    newest: bool = False
    paced: bool = False
    library: str = "av"
    quick: bool = False

    def line(self) -> bytes:
        """Return the request as the child takes it."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Request:
        """Return what `line` gave."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Report:
    """How the opening, or the reading, went.

    Attributes
    ----------
    fps : float
        The nominal rate; 0 if unknown.
    damaged : int
        What was found damaged.
    promised : int
        How many frames the file says it has, which may be wrong; 0 where it says nothing.
    error : str
        The name of the error that ended it; empty where it came to its end.
    words : str
        What FFmpeg said.
    """

    fps: float = 0.0
    damaged: int = 0
    promised: int = 0
    error: str = ""
    words: str = ""

    def payload(self) -> bytes:
        """Return the report as bytes."""
        short = Report(self.fps, self.damaged, self.promised, self.error[:_LONGEST_WORDS], self.words[:_LONGEST_WORDS])
        return json.dumps(asdict(short)).encode()

    @classmethod
    def read(cls, payload: bytes) -> Report:
        """Return what `payload` gave. Raises ValueError if that is nonsense."""
        try:
            given: Any = json.loads(payload)
            fps, damaged, promised = float(given["fps"]), int(given["damaged"]), int(given["promised"])
            return cls(fps if 0 < fps <= 1000 else 0.0, damaged, promised, str(given["error"]), str(given["words"]))
        except (TypeError, LookupError, OverflowError, RecursionError) as error:
            raise ValueError from error


def send(
    output: BinaryIO,
    kind: bytes,
    payload: Union[bytes, memoryview] = b"",
    width: int = 0,
    height: int = 0,
    time: Optional[float] = None,
) -> None:
    """Write one message."""
    output.write(HEADER.pack(kind, width, height, len(payload), math.nan if time is None else time))
    view = memoryview(payload)
    while view:
        view = view[output.write(view) :]
