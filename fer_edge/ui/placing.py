"""Where on an image there is room for what is said of each face: its label, its trace, its bars."""

from __future__ import annotations

import math
from typing import AbstractSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from fer_edge.types import LABELS, Box, ObservedFace
from fer_edge.ui.drawing import SMALL_FACE, Rect, Style, smaller
from fer_edge.ui.wording import chip_text, chip_width, id_text, short_chip_text

_Boxed = Tuple[ObservedFace, Rect]

_PANEL = 3
"""A panel of bars is at most so many times as high as its face: beside a smaller one nobody could tell whose it is."""


class Chip(NamedTuple):
    """A label.

    Attributes
    ----------
    rect : Rect
        All of it.
    start : int
        Where the expression begins, right of the face's number; the left edge where there is no number.
    text : str
        What is said of the expression.
    style : Style
        Of the expression; the number is smaller.
    """

    rect: Rect
    start: int
    text: str
    style: Style


class Placed(NamedTuple):
    """A face's frame in the image, and the room for what is said of it; None where that is not to be shown, or has no room."""

    seen: ObservedFace
    box: Rect
    chip: Chip
    trace: Optional[Rect]
    bars: Optional[Rect]

    @property
    def fade(self) -> float:
        """How far it has faded, from 0 to under 1."""
        return _fade(self.seen)


def place_faces(
    frame: Rect,
    style: Style,
    faces: Sequence[ObservedFace],
    hidden: Sequence[ObservedFace],
    scale: float = 1.0,
    plates: Sequence[Rect] = (),
    traced: AbstractSet[int] = frozenset(),
    bars: bool = True,
) -> List[Placed]:
    """Find room for all faces of an image.

    Labels have it first, then traces, then bars; and in each of these the faces that are in view longest, those that are
    hidden last. So nothing changes places when the detector is surer of another face than before.

    Parameters
    ----------
    frame : Rect
        The image, from (0, 0).
    style : Style
        Of labels that fit.
    faces, hidden : sequence of ObservedFace
        With boxes in pixels of the frame that was analysed.
    scale : float
        Pixels of the image for one of that frame.
    plates : sequence of Rect
        What is taken already.
    traced : set of int
        The tracks that have traces.
    bars : bool
        Whether faces have bars.

    Returns
    -------
    list of Placed
        Those that can be seen, hidden ones first, so that they are drawn beneath the others. Labels, traces and bars lie
        within the image; boxes may reach outside.
    """
    faces = sorted(faces, key=lambda face: face.track.id if face.track else 0)
    boxed = [(face, box) for face in faces for box in [_frame_of(face, frame, style, scale)] if box is not None]
    visible = len(boxed)
    boxed += [
        (face, box)
        for face in hidden
        if _fade(face) < 1
        for box in [_frame_of(face, frame, style, scale)]
        if box is not None
    ]
    taken = list(plates)
    chips = []
    for face, box in boxed:
        chips.append(_place_chip(frame, box, style, face, taken, boxed))
        taken.append(chips[-1].rect)
    traces: List[Optional[Rect]] = []
    panels: List[Optional[Rect]] = []
    small = smaller(style)
    for (face, box), chip in zip(boxed, chips):
        wanted = face.track is not None and face.track.id in traced
        traces.append(_free(_trace_places(frame, box, chip.rect, style), frame, box, boxed, taken) if wanted else None)
    for place, (face, box) in enumerate(boxed):
        below = max(rect.bottom for rect in (box, chips[place].rect, traces[place] or box) if rect.bottom >= box.bottom)
        wanted = bars and _panel_height(small) <= _PANEL * scale * face.face.box.height
        panels.append(_free(_bar_places(box, below, style, small), frame, box, boxed, taken) if wanted else None)
    everything = [Placed(face, box, *more) for (face, box), more in zip(boxed, zip(chips, traces, panels))]
    return everything[visible:] + everything[:visible]


def to_pixels(box: Box, frame: Rect, scale: float) -> Optional[Rect]:
    """Return a box in whole pixels, or None when nothing of it can be seen."""
    if not all(math.isfinite(value) for value in box) or box.width <= 0 or box.height <= 0:
        return None
    box = Box(*(scale * value for value in box))
    # An edge far outside is moved to just outside: it stays unseen, and OpenCV's integers do not overflow.
    margin = 2 * max(frame.right, frame.bottom)
    left, right = (round(max(-margin, min(x, frame.right + margin))) for x in (box.x, box.x + box.width))
    top, bottom = (round(max(-margin, min(y, frame.bottom + margin))) for y in (box.y, box.y + box.height))
    rect = Rect(left, top, max(right, left + 1), max(bottom, top + 1))
    return rect if rect.meets(frame) else None


def _frame_of(face: ObservedFace, frame: Rect, style: Style, scale: float) -> Optional[Rect]:
    """Return where a face's frame is drawn: on its edge, and around a small face, of which it would cover much."""
    box = to_pixels(face.face.box, frame, scale)
    if box is None or min(box.width, box.height) > SMALL_FACE * style.stroke:
        return box
    out = 2 * style.stroke + 2
    return Rect(box.left - out, box.top - out, box.right + out, box.bottom + out)


def _fade(face: ObservedFace) -> float:
    fade = 0.0 if face.track is None else face.track.fade
    return min(1.0, max(0.0, fade)) if math.isfinite(fade) else 1.0


def _free(places: Iterator[Rect], frame: Rect, box: Rect, boxed: Sequence[_Boxed], taken: List[Rect]) -> Optional[Rect]:
    """Take the first place that lies in the image and on nothing else, also on no other face."""
    for place in places:
        if (
            place.within(frame)
            and not any(place.meets(rect) for rect in taken)
            and not any(place.meets(other) for _, other in boxed if other is not box)
        ):
            taken.append(place)
            return place
    return None


def _place_chip(
    frame: Rect, box: Rect, style: Style, face: ObservedFace, taken: Sequence[Rect], boxed: Sequence[_Boxed]
) -> Chip:
    """Find room for the label: above the face, below it, beside it, in an edge of a large one; never outside the image.

    A label that would lie on another face, or hide its own small one, is shortened first, and then made smaller. Where there
    is no room even so, it lies on a face, and where all places are taken on another label.
    """
    short = short_chip_text(face.steady)
    chips = [_chip_of(text, frame, style, face) for text in (chip_text(face.steady), short)]
    chips.append(_chip_of(short, frame, smaller(smaller(style)), face))
    others = [other for _, other in boxed if other is not box]
    boxes = others if _is_large(box, chips[0]) else [*others, box]
    for obstacles, sizes in (([*taken, *boxes], chips), ([*taken, *others], chips), (taken, chips[1:])):
        for chip in sizes:
            for place in _chip_places(frame, box, chip):
                if place.within(frame) and not any(place.meets(rect) for rect in obstacles):
                    return _moved(chip, place)
    return _moved(chips[-1], next(_chip_places(frame, box, chips[-1])).moved_into(frame))


def _chip_of(text: str, frame: Rect, style: Style, face: ObservedFace) -> Chip:
    """Return a label as large as it is to be, in the upper left corner."""
    number = id_text(face.track)
    while True:
        small = smaller(style)
        start = small.width(number) + 2 * small.padding if number else 0
        width = start + chip_width(style, text) + 2 * style.padding
        height = round(style.capital) + 2 * style.padding
        if (width <= frame.width and height <= frame.height) or style.capital < 2:
            width = min(width, frame.width)
            return Chip(Rect(0, 0, width, min(height, frame.height)), min(start, width - 1), text, style)
        style = Style.of(0.93 * style.capital)


def _moved(chip: Chip, place: Rect) -> Chip:
    return chip._replace(rect=place, start=place.left + chip.start)


def _is_large(box: Rect, chip: Chip) -> bool:
    """Return whether a label may stand in an edge of a face without hiding it."""
    return box.height >= 4 * chip.rect.height


def _chip_places(frame: Rect, box: Rect, chip: Chip) -> Iterator[Rect]:
    """Return the places to try for a label, moved sideways into the image, the best one first."""
    (_, _, width, height), gap = chip.rect, 2 * chip.style.stroke
    tops = (box.top - gap - height, box.bottom + gap, box.top + gap, box.bottom - gap - height)
    places = [(left, top) for left in (box.left, box.right - width) for top in tops]
    middle = (box.top + box.bottom - height) // 2
    places += [(box.right + gap, middle), (box.left - gap - width, middle)]
    for left, top in places:
        yield Rect(left, top, left + width, top + height).moved_into(Rect(frame.left, top, frame.right, top + height))


def _trace_places(frame: Rect, box: Rect, chip: Rect, style: Style) -> Iterator[Rect]:
    """Return the places to try for a trace: below the face and its label, above them, and over the chin."""
    height = max(9, round(2.4 * style.capital))
    left, right = max(box.left, frame.left), min(box.right, frame.right)
    width = min(max(right - left, round(6 * style.capital)), frame.width)
    gap = style.padding
    bottom, top = (chip.bottom, box.top) if chip.top >= box.bottom else (box.bottom, min(box.top, chip.top))
    # Over the chin of a large face only: of a small one it would hide the mouth.
    chin = [box.bottom - gap - height] if box.height > 5 * height else []
    for edge in (bottom + gap, top - gap - height, *chin):
        yield Rect(left, edge, left + width, edge + height).moved_into(
            Rect(frame.left, edge, frame.right, edge + height)
        )


def _panel_height(small: Style) -> int:
    return len(LABELS) * small.row + 2 * small.padding


def _bar_places(box: Rect, below: int, style: Style, small: Style) -> Iterator[Rect]:
    """Return the places to try for the panel of bars, the best one first."""
    names = max(small.width(label) for label in LABELS)
    height = _panel_height(small)
    gap = style.padding
    for bar in (round(1.1 * names), round(0.6 * names)):
        width = names + bar + 3 * small.padding
        for top in (box.top, box.bottom - height):
            yield Rect(box.right + gap, top, box.right + gap + width, top + height)
            yield Rect(box.left - gap - width, top, box.left - gap, top + height)
        yield Rect(box.left, below + gap, box.left + width, below + gap + height)
