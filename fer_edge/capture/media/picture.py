"""From a decoded frame to the image that a player shows: progressive, square pixels, upright, blue-green-red."""

from __future__ import annotations

import math
import struct
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np
from av.filter import Graph

from fer_edge.capture.limits import fits
from fer_edge.types import Image

_MATRIX = struct.Struct("=9i")
_PART = 1.02
"""Pixels that are this near to square are left alone."""

_UPRIGHT = (1, 0, 0, 1)


class Picture:
    """Turns frames into images; what they need is built anew when their size, format or shape of pixels changes.

    Parameters
    ----------
    quick : bool
        Convert colours by FFmpeg's quick way: at 1080p in 1 ms of a core and not 16, and 1 of 255 away on average.
    threads : int
        That convert one frame; 0 for as many as there are cores.
    """

    def __init__(self, quick: bool = False, threads: int = 0) -> None:
        self._quick = quick
        self._threads = threads
        self._graph: Any = None
        self._key: Tuple[Any, ...] = ()
        self._turn = self._told_turn = _UPRIGHT
        self._looked: Tuple[Any, ...] = ()

    def displayed(self, width: int, height: int, aspect: Any, degrees: float) -> Tuple[int, int]:
        """Return width and height as shown of a stream of that coded size, shape of pixels and rotation."""
        width, height = square(width, height, aspect)
        return (height, width) if _of_degrees(degrees)[0] == 0 else (width, height)

    def show(self, frame: Any, time_base: Any, aspect: Any, degrees: float) -> Iterator[Tuple[Image, Optional[float]]]:
        """Take a frame and give what can be shown by now; interlaced frames come one later.

        Parameters
        ----------
        frame : av.VideoFrame
            As decoded.
        time_base : fraction
            Of the stream, for frames that have none.
        aspect : fraction
            Width of a pixel by its height; None or 0 if unknown.
        degrees : float
            The rotation of the stream, counterclockwise, where the frame itself says nothing.

        Yields
        ------
        tuple of Image and float or None
            The image, and its stamp in seconds.
        """
        turn = self._turn_of(frame, degrees)
        interlaced = self.holds_back(frame)
        key = (
            frame.width,
            frame.height,
            frame.format.name,
            aspect,
            turn,
            int(frame.colorspace),
            int(frame.color_range),
            interlaced,
        )
        if key != self._key:
            yield from self.rest()
            self._key, self._turn = key, turn
            self._graph = _graph(frame, time_base, aspect, interlaced, self._quick, self._threads)
        self._graph.push(frame)
        yield from self._pull()

    def _turn_of(self, frame: Any, degrees: float) -> Tuple[int, int, int, int]:
        """Return how a frame is turned.

        To look at a frame's side data makes it refer to itself, so that its memory, 12 MB at 4K, is given back only when Python
        looks for such circles: it is done where something may have changed.
        """
        told = getattr(frame, "rotation", None)  # from PyAV 14 on
        looked = frame.width, frame.height, degrees, told
        if looked != self._looked or (told is None and frame.key_frame):
            self._looked, self._told_turn = looked, _of_frame(frame, degrees)
        return self._told_turn

    def holds_back(self, frame: Any) -> bool:
        """Return whether `show` gives the image of a frame only with the next, of which it has something."""
        return bool(frame.interlaced_frame) or bool(self._key and self._key[-1])

    def rest(self) -> Iterator[Tuple[Image, Optional[float]]]:
        """Give what is still held back."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self.forget()

    def forget(self) -> None:
        """Give back the memory."""
        self._graph, self._key = None, ()

    def _pull(self) -> Iterator[Tuple[Image, Optional[float]]]:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            yield _turned(frame.to_ndarray(), self._turn), frame.time


def square(width: int, height: int, aspect: Any) -> Tuple[int, int]:
    """Return the size with square pixels: the side that is too short is made longer, where the result is not too large."""
    ratio = float(aspect) if aspect else 1.0
    if not (math.isfinite(ratio) and ratio > 0) or 1 / _PART < ratio < _PART:
        return width, height
    wide = (round(width * ratio), height) if ratio > 1 else (width, round(height / ratio))
    return wide if fits(*wide) else (width, height)


def _graph(frame: Any, time_base: Any, aspect: Any, interlaced: bool, quick: bool, threads: int) -> Any:
    graph: Any = Graph()
    if threads and hasattr(graph, "threads"):  # from PyAV 13 on
        graph.threads = threads
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or time_base
    )
    width, height = square(frame.width, frame.height, aspect)
    steps: List[Tuple[str, str]] = [("bwdif", "mode=send_frame:deint=interlaced")] if interlaced else []
    exact = "" if quick else "+accurate_rnd"
    # Colours by the frame's own matrix; full chroma, so that a small face keeps its colours.
    steps += [
        ("scale", f"w={width}:h={height}:flags=bicubic+full_chroma_int{exact}"),
        ("format", "pix_fmts=bgr24"),
        ("buffersink", ""),
    ]
    for name, arguments in steps:
        step = graph.add(name, arguments or None)
        last.link_to(step)
        last = step
    graph.configure()
    return graph


def _of_frame(frame: Any, degrees: float) -> Tuple[int, int, int, int]:
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except (KeyError, AttributeError):
        data = None
    if data is None:
        return _of_degrees(degrees)
    numbers = _MATRIX.unpack(bytes(data)[: _MATRIX.size])
    return _nearest(numbers[0], numbers[1], numbers[3], numbers[4])


def _of_degrees(degrees: float) -> Tuple[int, int, int, int]:
    angle = math.radians(degrees)
    return _nearest(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle))


def _nearest(a: float, b: float, c: float, d: float) -> Tuple[int, int, int, int]:
    """Return the quarter turn, with or without a mirror, that a display matrix (ISO/IEC 14496-12, 8.2.2.3) comes closest to.

    A point (x, y) of the frame is shown at (a x + c y, b x + d y).
    """
    if not all(map(math.isfinite, (a, b, c, d))) or a * d == b * c:
        return _UPRIGHT
    sign = [(value > 0) - (value < 0) for value in (a, b, c, d)]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (sign[0] or 1, 0, 0, sign[3] or 1)
    return (0, sign[1] or 1, sign[2] or 1, 0)


def _turned(image: Image, turn: Tuple[int, int, int, int]) -> Image:
    a, b, c, d = turn
    if a == 0:
        image = image.transpose(1, 0, 2)
        a, d = c, b
    return np.ascontiguousarray(image[:: d or 1, :: a or 1])
