"""Which parts of a frame are looked at by themselves, so that small faces are large enough for a network."""

from __future__ import annotations

import math
from typing import List, NamedTuple, Tuple

from fer_edge.detect.search import SLACK, Search
from fer_edge.types import Box, Image

NEAR_SIDE, FAR_SIDE = 128, 192
"""Width and height of the input of the short-range and of the full-range network."""

NEAR_SURE = 22.0
"""Height of a face in pixels of the short-range network's input from which on it is found: of the demo's portrait on plain and
busy grounds 85 to 100 % at 16, all at 20."""

FAR_SURE = 12.0
"""The same of the full-range network: with the scores that `fer_edge.detect.looks` takes, and looks in both phases, of 60 heads
of the portrait each it finds 98 % on a plain and 83 % on a busy ground."""

TILE = 600
"""Pixels along the side of a tile, if the frame is not too large for it: a face of 30 pixels is 9.6 in the network's input.
With 640 three of 18 faces of 40 pixels were lost on a plain ground."""

MOST_PARTS = 16
"""More would not be looked at in time; the tiles of a large frame are larger instead."""

PHASE = 2
"""Pixels of the full-range network's input, half of what its anchors lie apart: of a portrait of 14 pixels that lies badly to
them it is sure by 0.1 only, so that a second look is shifted by so much."""

REGION = 3.0
"""Side of the region around a known face, in sides of the face: the face is found wherever in it, if its middle is less than a
side from the region's. At 2.5 one of ten was lost there."""


class Part(NamedTuple):
    """A rectangle of whole pixels within a frame."""

    left: int
    top: int
    right: int
    bottom: int

    def of(self, image: Image) -> Image:
        """Return what an image shows there."""
        return image[self.top : self.bottom, self.left : self.right]


def side_of(box: Box) -> float:
    """Return the longer side of a box."""
    return max(box.width, box.height)


def small_from(width: int, height: int) -> float:
    """Return the side of a face in pixels from which on the short-range network finds it in the whole frame."""
    return NEAR_SURE * max(width, height) / NEAR_SIDE


def in_phase(part: Part, phase: int, width: int, height: int) -> Part:
    """Return a part of a frame as it is (`phase` is even), or shifted by half a step of the anchors (odd)."""
    step = round(PHASE * max(part.right - part.left, part.bottom - part.top) / FAR_SIDE)
    if not phase % 2 or min(width, height) <= 2 * step:
        return part
    return Part(part.left + step, part.top + step, min(part.right + step, width), min(part.bottom + step, height))


def region_around(box: Box, width: int, height: int) -> Part:
    """Return the region around a face, cut to the frame; empty where the face lies outside."""
    half = REGION * side_of(box) / 2
    x, y = box.x + box.width / 2, box.y + box.height / 2
    left, top = (min(max(math.floor(at), 0), end) for at, end in ((x - half, width), (y - half, height)))
    right, bottom = (min(max(math.ceil(at), 0), end) for at, end in ((x + half, width), (y + half, height)))
    return Part(left, top, right, bottom)


def parts_of(width: int, height: int) -> Tuple[Part, ...]:
    """Return the parts of a frame in which the full-range network looks for faces.

    Together they show every face that the short-range network may not see in the whole frame: tiles overlap by the largest face
    that only a tile shows. Which is smaller where the whole frame is a part, too; what needs fewer parts is taken.

    Parameters
    ----------
    width, height : int
        Of the frame, in pixels; 1 or more.

    Returns
    -------
    tuple of Part
        From one to `MOST_PARTS`.

    Examples
    --------
    >>> parts_of(640, 480)
    (Part(left=0, top=0, right=480, bottom=480), Part(left=160, top=0, right=640, bottom=480))
    >>> len(parts_of(1920, 1080)), len(parts_of(3840, 2160))
    (9, 16)
    """
    longest, shortest = max(width, height), min(width, height)
    whole = Part(0, 0, width, height)
    side = float(max(min(TILE, shortest), min(FAR_SIDE, longest)))
    while side < longest:
        tiles = _tiles(width, height, side, small_from(width, height))
        with_whole = [whole, *_tiles(width, height, side, FAR_SURE * longest / FAR_SIDE)]
        best = min(tiles, with_whole, key=lambda parts: len(parts) or math.inf)
        if 0 < len(best) <= MOST_PARTS:
            return tuple(best)
        side *= 1.05
    return (whole,)


def parts_for(width: int, height: int, wanted: Search) -> Tuple[Part, ...]:
    """Return those of `parts_of` in which the wanted faces may lie; none where the whole frame shows them all as it is."""
    if wanted.min_face >= small_from(width, height) * (1 + SLACK):
        return ()
    parts = parts_of(width, height)
    whole = Part(0, 0, width, height)
    if whole in parts and wanted.min_face >= FAR_SURE * max(width, height) / FAR_SIDE * (1 + SLACK):
        parts = (whole,)
    return tuple(part for part in parts if wanted.touches(*part))


def _tiles(width: int, height: int, side: float, overlap: float) -> List[Part]:
    """Return tiles; none where they cannot overlap by so much and still go on."""
    size = math.ceil(side)
    if overlap > 0.75 * size:
        return []
    across, down = _starts(width, size, overlap), _starts(height, size, overlap)
    return [Part(x, y, min(x + size, width), min(y + size, height)) for y in down for x in across]


def _starts(length: int, size: int, overlap: float) -> List[int]:
    """Return where tiles begin along a side, evenly spread."""
    if length <= size:
        return [0]
    count = max(2, math.ceil((length - overlap) / (size - overlap)))
    # Rounded to the left but for the last, and by the room that ceil leaves no overlap becomes smaller than asked for.
    return [math.floor(index * (length - size) / (count - 1)) for index in range(count)]
