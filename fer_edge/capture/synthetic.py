"""The demo: a source of moving faces that needs no camera, no file and no network.

The image beside this module, ``astronaut.jpg``, is NASA's portrait of the astronaut Eileen Collins, which is in the public
domain (NASA Great Images in Nasa collection, https://flic.kr/p/r9qvLn). It was taken, cropped to 512 by 512 pixels, from
scikit-image's ``skimage/data/astronaut.png``, which states no known copyright restrictions, and stored as a JPEG.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.opencv import decode
from fer_edge.capture.settings import DEFAULTS, CaptureSettings
from fer_edge.errors import SourceNotFound, UsageError
from fer_edge.types import Image

PORTRAIT = Path(__file__).with_name("astronaut.jpg")
MAX_FACES = 8

# Where things are in the portrait, in its pixels.
_SIDE = 512
_HEAD_LEFT, _HEAD_RIGHT, _HEAD_TOP, _HEAD_BOTTOM = 151.0, 303.0, 24.0, 192.0
_FACE_HEIGHT = 113.0

_LARGEST_FACE = 0.4  # of the frame's height: a person at arm's length from a laptop
_ZOOM_DEPTH = 0.86
_TIGHT_ZOOM_DEPTH = 0.94  # where the tile, not the limit above, says how large a face can be
_PAN_PERIOD, _ZOOM_PERIOD = 180.0, 277.0  # frames; no common divisor, so that the motion does not look like a loop
_PAN_REACH = 0.05  # of the image's side
_OVERSAMPLING = 1.5  # windows start at whole pixels of the source image, so these must be finer than the frame's
_LARGEST_SOURCE = 2560


class DemoSource(Source):
    """Shows one to eight faces that move slowly, 30 times a second or as often as asked.

    Frame `i` is the same in every run, and no frame equals the one before: the lower right pixel is the frame's number.

    Parameters
    ----------
    faces : int
        From 1 to 8; all of them are always in view.
    settings : CaptureSettings
        Size and rate; with ``paced=False`` the source is neither live nor paced, but on demand: it measures the machine.
    clock, sleep : callable
        The monotonic clock and how to wait, in seconds.
    """

    keeps_rate = True

    def __init__(
        self,
        faces: int = 1,
        settings: CaptureSettings = DEFAULTS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 1 <= faces <= MAX_FACES:
            raise UsageError(f"The demo cannot show {faces} faces.", f"Give demo:1 to demo:{MAX_FACES}.")
        self.live = settings.paced
        self.on_demand = not settings.paced
        self.faces = faces
        self._size = settings.size
        self._rate = settings.rate
        self._clock = clock
        self._sleep = sleep
        self._tiles: List[_Tile] = []
        self._index = -1
        self._due = 0.0

    def open(self) -> SourceInfo:
        """Cut and scale the portrait for each tile; takes a few milliseconds."""
        try:
            portrait = decode(PORTRAIT.read_bytes())  # OpenCV does not take every path
        except OSError:
            portrait = None
        if portrait is None:
            raise SourceNotFound(f"The demo's picture {PORTRAIT} is missing or damaged.", "Install fer-edge again.")
        width, height = self._size
        self._tiles = [_Tile(portrait, area, n, height) for n, area in enumerate(_areas(self.faces, width, height))]
        self._index = -1
        self._due = self._clock()
        return SourceInfo(f"demo:{self.faces}", width, height, self._rate if self.live else 0.0)

    def grab(self) -> Optional[bool]:
        """Wait for the moment of the next frame, half a second at most."""
        if self.live:
            wait = self._due - self._clock()
            if wait > 0:
                self._sleep(min(wait, 0.5))
                if wait > 0.5:
                    return None
            # Every due time is a whole number of periods after the first, so that small delays do not add up; periods
            # that were missed altogether are left out, as a camera would.
            late = max(0.0, self._clock() - self._due)
            self._due += (1 + math.floor(late * self._rate)) / self._rate
        self._index += 1
        return True

    def retrieve(self) -> Image:
        """Draw the grabbed frame."""
        return self.render(self._index)

    def render(self, index: int) -> Image:
        """Draw frame `index`, from 0; the source must be open."""
        width, height = self._size
        frame = np.empty((height, width, 3), np.uint8)
        for tile in self._tiles:
            tile.draw(frame, index)
        # The last pixel carries the frame's number: the motion alone may round to the same image at a turning point.
        frame[-1, -1] = index & 255, index >> 8 & 255, index >> 16 & 255
        return frame

    def close(self) -> None:
        """Forget the prepared images."""
        self._tiles = []


@dataclass(frozen=True)
class _Area:
    """Where a tile lies in the frame, in pixels."""

    x: int
    y: int
    width: int
    height: int


class _Tile:
    """One person: an image of the head and shoulders, and the window of it that is shown at each moment."""

    def __init__(self, portrait: Image, area: _Area, number: int, frame_height: int) -> None:
        self._area = area
        # Frame pixels per portrait pixel: as near as the whole head allows, as far as the portrait fills the tile.
        fills = max(area.width, area.height) / _SIDE
        tight = min(area.width / (_HEAD_RIGHT - _HEAD_LEFT), area.height / (_HEAD_BOTTOM - _HEAD_TOP))
        nearest = max(min(tight, _LARGEST_FACE * frame_height / _FACE_HEIGHT), fills)
        farthest = max(nearest * (_TIGHT_ZOOM_DEPTH if nearest == tight else _ZOOM_DEPTH), fills)
        scale = min(_OVERSAMPLING * nearest, _LARGEST_SOURCE / _SIDE)
        self._side = round(_SIDE * scale)
        method = cv2.INTER_AREA if self._side < _SIDE else cv2.INTER_CUBIC
        image = cv2.resize(portrait, (self._side, self._side), interpolation=method)
        self._across = (_HEAD_LEFT * scale, _HEAD_RIGHT * scale)
        self._down = (_HEAD_TOP * scale, _HEAD_BOTTOM * scale)
        if number % 2:
            image = cv2.flip(image, 1)
            self._across = (self._side - self._across[1], self._side - self._across[0])
        self._image = cv2.convertScaleAbs(image, alpha=_GAINS[number], beta=0)
        self._widest = min(area.width * scale / farthest, self._side)
        self._narrowest = area.width * scale / nearest
        self._phase = number * 2.399963  # the golden angle: no two tiles move alike

    def draw(self, frame: Image, index: int) -> None:
        """Show the window of moment `index`: it swings in a flat figure of eight, so that it never stands still."""
        area = self._area
        pan = 2 * math.pi * index / _PAN_PERIOD + self._phase
        zoom = 0.5 - 0.5 * math.cos(2 * math.pi * index / _ZOOM_PERIOD + self._phase)
        width = self._narrowest + (self._widest - self._narrowest) * zoom
        height = min(width * area.height / area.width, self._side)
        left = self._start(self._across, width, math.sin(pan))
        top = self._start(self._down, height, math.sin(2 * pan))
        window = self._image[top : top + round(height), left : left + round(width)]
        target = frame[area.y : area.y + area.height, area.x : area.x + area.width]
        # A resize of a window is a third of the cost of a warpAffine that does the same (0.22 against 0.56 ms at 640x480).
        cv2.resize(window, (area.width, area.height), dst=target, interpolation=cv2.INTER_LINEAR)

    def _start(self, head: Tuple[float, float], extent: float, swing: float) -> int:
        """Place a window of `extent` along one axis, in pixels, with the head inside; `swing` is from -1 to 1."""
        first = max(0.0, min(head[1] - extent, self._side - extent))
        last = min(max(head[0], 0.0), self._side - extent)
        reach = min(max((last - first) / 2, 0.01 * self._side), _PAN_REACH * self._side)
        start = (first + last) / 2 + reach * swing
        return int(min(max(round(start), 0), self._side - round(extent)))


_GAINS: Sequence[float] = (1.0, 0.92, 1.06, 0.88, 1.03, 0.95, 0.9, 1.0)


def _areas(faces: int, width: int, height: int) -> List[_Area]:
    """Divide the frame: one row for up to three faces, else two, the longer one on top; columns if it stands upright."""
    if height > width:
        return [_Area(area.y, area.x, area.height, area.width) for area in _areas(faces, height, width)]
    rows: Tuple[int, ...] = (faces,) if faces <= 3 else ((faces + 1) // 2, faces // 2)
    areas = []
    for row, columns in enumerate(rows):
        top, bottom = height * row // len(rows), height * (row + 1) // len(rows)
        for column in range(columns):
            left, right = width * column // columns, width * (column + 1) // columns
            areas.append(_Area(left, top, right - left, bottom - top))
    return areas
