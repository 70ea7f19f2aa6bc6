"""Where on an image there is room for what is said of each face: its label, its trace, its bars."""

from __future__ import annotations

import math
from typing import AbstractSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from fer_edge.types import LABELS, Box, ObservedFace
from fer_edge.ui.drawing import Rect, Style, smaller
from fer_edge.ui.wording import chip_text, chip_width, id_text, short_chip_text

_Boxed = Tuple[ObservedFace, Rect]


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
    """A face in the image, and the room for what is said of it; None where that is not to be shown, or has no room."""

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

    Labels have it first, then traces, then bars; and in each of these the first faces, those that are hidden last.

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
    boxed = [(face, box) for face in faces for box in [to_pixels(face.face.box, frame, scale)] if box is not None]
    visible = len(boxed)
    boxed += [
        (face, box)
        for face in hidden
        if _fade(face) < 1
        for box in [to_pixels(face.face.box, frame, scale)]
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
    for place, (_, box) in enumerate(boxed):
        below = max(rect.bottom for rect in (box, chips[place].rect, traces[place] or box) if rect.bottom >= box.bottom)
        panels.append(_free(_bar_places(box, below, style, small), frame, box, boxed, taken) if bars else None)
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
    """Find room for the label: above the face, below it, or in its upper or lower edge; never outside the image.

    A label that would lie on another face is shortened first.
    """
    chips = [_chip_of(text, frame, style, face) for text in (chip_text(face.steady), short_chip_text(face.steady))]
    others = [other for _, other in boxed if other is not box]
    for obstacles in ([*taken, *others], taken):
        for chip in chips:
            for place in _chip_places(frame, box, chip):
                if place.within(frame) and not any(place.meets(rect) for rect in obstacles):
                    return _moved(chip, place)
    return _moved(chips[0], next(_chip_places(frame, box, chips[0])).moved_into(frame))


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


def _chip_places(frame: Rect, box: Rect, chip: Chip) -> Iterator[Rect]:
    """Return the places to try for a label, moved sideways into the image, the best one first."""
    (_, _, width, height), gap = chip.rect, 2 * chip.style.stroke
    tops = (box.top - gap - height, box.bottom + gap, box.top + gap, box.bottom - gap - height)
    for left in (box.left, box.right - width):
        for top in tops:
            yield Rect(left, top, left + width, top + height).moved_into(
                Rect(frame.left, top, frame.right, top + height)
            )


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


def _bar_places(box: Rect, below: int, style: Style, small: Style) -> Iterator[Rect]:
    """Return the places to try for the panel of bars, the best one first."""
    names = max(small.width(label) for label in LABELS)
    height = len(LABELS) * small.row + 2 * small.padding
    gap = style.padding
    for bar in (round(1.1 * names), round(0.6 * names)):
        width = names + bar + 3 * small.padding
        for top in (box.top, box.bottom - height):
            yield Rect(box.right + gap, top, box.right + gap + width, top + height)
            yield Rect(box.left - gap - width, top, box.left - gap, top + height)
        yield Rect(box.left, below + gap, box.left + width, below + gap + height)
