"""One camera of several: what is known of it, and how that is drawn into a cell of the grid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Optional, Sequence, Tuple

import cv2

from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.types import Box, Frame, Image, Observation, ObservedFace, Rates
from fer_edge.ui.drawing import INK, SOFT, WHITE, Colour, Line, Rect, Style, fill_rounded, line_width
from fer_edge.ui.layout import Cell, fitted
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.regions import mirrored
from fer_edge.ui.trace import Trace
from fer_edge.ui.wording import STALE_AFTER, fps_lines, notice_lines, shortened, total_fps, wrapped

BACKGROUND: Colour = (24, 24, 24)
_TITLE: Colour = (52, 48, 46)
_TROUBLED: Colour = (40, 34, 124)

Version = Tuple[int, int, str, bool, bool, bool]
"""What an image was drawn of."""

WAITING = "waiting for the first picture"


@dataclass(frozen=True)
class Pane:
    """What the window shows of one camera.

    Attributes
    ----------
    name : str
        For people.
    frame : Frame or None
        The one to show, newer or older than the one that was analysed, or the same; None before the first.
    observation : Observation or None
        The last result.
    rates : Rates
        Of this camera.
    trouble : str
        What is wrong with it now; empty while it works.
    ended : bool
        Whether nothing more will come, as at the end of a file.
    mirror : bool
        Whether left and right are swapped, of the image and not of the text on it.
    traces : mapping of int to Trace
        What its faces have shown, by the ids of their tracks; empty where that is not to be shown.
    search : Search
        What the search for its faces is restricted to; `EVERYTHING` where that is not to be shown.
    """

    name: str
    frame: Optional[Frame] = None
    observation: Optional[Observation] = None
    rates: Rates = field(default_factory=Rates)
    trouble: str = ""
    ended: bool = False
    mirror: bool = False
    traces: Mapping[int, Trace] = field(default_factory=dict)
    search: Search = EVERYTHING

    @property
    def state(self) -> Line:
        """What stands at the end of its title: how fast it is, or that it has ended."""
        if self.ended:
            return (("ended", SOFT),)
        return total_fps(self.rates) if self.frame is not None else ()

    @property
    def version(self) -> Version:
        """What is different whenever the image is to be drawn anew."""
        seen = self.observation
        indices = self.frame.index if self.frame else -1, seen.frame.index if seen else -1
        return (*indices, self.trouble, self.mirror, bool(self.traces), bool(self.search))

    @property
    def faces(self) -> Sequence[ObservedFace]:
        """The faces of the last result, with boxes in pixels of the frame where it is shown, so mirrored if that is."""
        return self._as_shown(self.observation.faces) if self.observation else ()

    @property
    def hidden(self) -> Sequence[ObservedFace]:
        """The faces that the last result still waits for, placed as `faces` are."""
        return self._as_shown(self.observation.hidden) if self.observation else ()

    @property
    def searched(self) -> Search:
        """What the search is restricted to, placed as `faces` are."""
        return mirrored(self.search, self.frame.image.shape[1]) if self.mirror and self.frame else self.search

    @property
    def age(self) -> Optional[float]:
        """Seconds from the frame that was analysed to the one to show, negative where that is older; None without both."""
        if self.frame is None or self.observation is None:
            return None
        return self.frame.captured_at - self.observation.frame.captured_at

    @property
    def proportion(self) -> Optional[float]:
        """Width / height of the image; None before the first."""
        return None if self.frame is None else self.frame.image.shape[1] / self.frame.image.shape[0]

    def _as_shown(self, faces: Sequence[ObservedFace]) -> Sequence[ObservedFace]:
        if not self.mirror or self.observation is None:
            return faces
        return [_mirrored(face, self.observation.frame.image.shape[1]) for face in faces]


def draw_title(canvas: Image, cell: Cell, style: Style, key: Optional[int], pane: Pane) -> None:
    """Draw the strip in place: the key that enlarges the camera where there is one, its name and FPS total; red in trouble."""
    part = _part(canvas, cell.title)
    height, width = part.shape[:2]
    part[...] = _TROUBLED if pane.trouble else _TITLE
    baseline = height - style.padding
    left = style.padding
    if key is not None:
        edge = max(1, style.padding // 3)
        right = left + style.width(str(key)) + 2 * style.padding
        fill_rounded(part, Rect(left, edge, right, height - edge), edge, SOFT)
        style.text(part, str(key), left + style.padding, baseline, INK)
        left = right + style.padding
    fps = pane.state
    start = width - style.padding - line_width(style, fps)
    style.text(part, shortened(pane.name, style, start - style.padding - left), left, baseline, WHITE)
    for text, colour in fps if start > left else ():
        style.text(part, text, start, baseline, colour)
        start += style.width(text)


def draw_image(canvas: Image, cell: Cell, style: Style, pane: Pane, overlay: Overlay, figures: bool) -> None:
    """Draw the camera's image into the room of its cell, in place; before the first one, what it waits for.

    Parameters
    ----------
    figures : bool
        Also what the stages could do, on a plate at the bottom.
    """
    if min(cell.room.width, cell.room.height) < 1:
        return
    if pane.frame is None or pane.proportion is None:
        _draw_waiting(_part(canvas, cell.room), style, pane.trouble or WAITING)
        return
    part = _part(canvas, fitted(cell.room, pane.proportion))
    height, width = part.shape[:2]
    image = resized(pane.frame.image, width, height)
    part[...] = cv2.flip(image, 1) if pane.mirror else image
    trouble = wrapped(pane.trouble, style, width - 4 * style.padding, most=max(1, height // 2 // style.row))
    age = pane.age
    bottom = fps_lines(Rect(0, 0, width, height), style, pane.rates) if figures else []
    overlay.paint(
        part,
        pane.faces,
        style,
        notice_lines(age, "\n".join(trouble)),
        bottom,
        stale=age is not None and age > STALE_AFTER,
        scale=width / pane.frame.image.shape[1],
        hidden=pane.hidden,
        traces=pane.traces,
        search=pane.searched,
    )


def resized(image: Image, width: int, height: int) -> Image:
    """Return an image in another size, at a cost that depends on that size and not on the image's.

    An image that is to shrink to less than a half is thinned out to twice the size first: eight of 3840 x 2160 then cost
    8 x 1 ms, and not 8 x 23 (one core of a virtual machine, cells of 426 x 240).
    """
    method = cv2.INTER_LINEAR
    if 2 * width <= image.shape[1] and 2 * height <= image.shape[0]:
        image = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)
        method = cv2.INTER_AREA
    smaller: Image = cv2.resize(image, (width, height), interpolation=method)
    return smaller


def _mirrored(face: ObservedFace, width: int) -> ObservedFace:
    box = face.face.box
    return replace(face, face=replace(face.face, box=Box(width - box.x - box.width, *box[1:])))


def _part(canvas: Image, rect: Rect) -> Image:
    return canvas[rect.top : rect.bottom, rect.left : rect.right]


def _draw_waiting(part: Image, style: Style, text: str) -> None:
    part[...] = BACKGROUND
    height, width = part.shape[:2]
    lines = wrapped(text, style, width - 4 * style.padding, most=max(1, height // style.row - 1))
    baseline = (height - (len(lines) - 1) * style.row + round(style.capital)) // 2
    for line in lines:
        style.text(part, line, (width - style.width(line)) // 2, baseline, SOFT)
        baseline += style.row
