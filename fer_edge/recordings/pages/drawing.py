"""Draws charts as SVG: shapes stretch with the page, letters do not, and nothing has to run for them to be seen.

The area of a chart is `WIDE` units across, whatever its width on the screen.
"""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.recordings.pages.frame_sums import Floats, FrameSteps
from fer_edge.report import wording
from fer_edge.report.looks import COLOURS, ORDER, PATTERNS
from fer_edge.types import LABELS

WIDE = 900.0
ROW = 22.0
"""Pixels from one person to the next."""

_BAR = 16.0
_MOST_TICKS = 10
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_PICTURE_TICKS = tuple(digit * 10**power for power in range(7) for digit in (1, 2, 5))

_STROKES = {
    "x": '<path d="M0 0l8 8M8 0l-8 8"/>',
    "-": '<path d="M0 4h8"/>',
    "\\": '<path d="M0 0l8 8M-2 6l4 4M6-2l4 4"/>',
    "/": '<path d="M0 8l8-8M-2 2l4-4M6 10l4-4"/>',
    "": "",
    ".": '<circle cx="4" cy="4" r="1.2"/>',
    "+": '<path d="M4 1v6M1 4h6"/>',
}
"""What `PATTERNS` means, within a square of 8 pixels."""


def patterns() -> str:
    """Return the fillings of all expressions, which a page holds once and its drawings name.

    Those of areas are there again, for a script to stretch back what is stretched.
    """
    made = "".join(
        f'<pattern id="{kind}-{label}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{COLOURS[label]}"/><g class="stroke">{_STROKES[PATTERNS[label]]}</g></pattern>'
        for kind in ("bar", "area")
        for label in ORDER
    )
    return f'<svg class="fillings" width="0" height="0" aria-hidden="true"><defs>{made}</defs></svg>\n'


def key(label: str) -> str:
    """Return a small square that looks as the expression does in the charts."""
    return (
        f'<svg class="key" viewBox="0 0 16 16" aria-hidden="true"><rect class="{label}" width="16" height="16"/></svg>'
    )


def legend() -> str:
    """Return what looks how, from pleasant to unpleasant."""
    return '<p class="legend">' + " ".join(f"<span>{key(label)}{label}</span>" for label in reversed(ORDER)) + "</p>\n"


def share_bar(shares: Mapping[str, float]) -> str:
    """Return a bar of the shares of the expressions, which says them to those who do not see it."""
    told = ", ".join(
        f"{label} {wording.share(shares[label])}"
        for label in sorted(LABELS, key=lambda label: -shares[label])
        if shares[label] > 0
    )
    at, made = 0.0, ""
    for label in ORDER:
        width = 200 * shares[label]
        if width >= 0.05:
            made += f'<rect class="{label}" x="{at:.1f}" width="{width:.1f}" height="14"/>'
        at += width
    return (
        f'<svg class="shares" viewBox="0 0 200 14" preserveAspectRatio="none" role="img" aria-label="{told or "nobody"}">'
        f"<title>{told or 'nobody'}</title>{made}</svg>"
    )


def timeline(rows: NDArray[np.int8], steps: FrameSteps) -> str:
    """Return a row for each person of what they showed: rows are people x steps."""
    edges = _edges(steps)
    # One shape for each expression: a printer takes a pattern for each shape.
    pieces: Dict[int, str] = {}
    for number, row in enumerate(rows):
        top = ROW * number + (ROW - _BAR) / 2
        for first, last, which in runs(row):
            width = edges[last] - edges[first]
            pieces[which] = pieces.get(which, "") + f"M{edges[first]:.1f} {top:g}h{width:.1f}v{_BAR:g}h-{width:.1f}z"
    made = "".join(f'<path class="{LABELS[which]}" d="{path}"/>' for which, path in sorted(pieces.items()))
    return area(made, ROW * len(rows), "timeline")


def stacked(people: Floats, steps: FrameSteps, most: float, height: float) -> str:
    """Return stacked areas of how many people showed what: people is steps x labels, and NaN where nothing was measured."""
    edges = _edges(steps)
    shown = np.nan_to_num(people)
    base: Floats = np.zeros(len(shown))
    made = ""
    for label in ORDER:
        top = base + shown[:, LABELS.index(label)]
        path = ""
        for first, last, _ in runs(np.where(top - base > 1e-9, 0, -1)):
            upper = [(edges[step], edges[step + 1], height * (1 - top[step] / most)) for step in range(first, last)]
            lower = [(edges[step + 1], edges[step], height * (1 - base[step] / most)) for step in range(first, last)]
            path += "M" + _outline(upper) + "L" + _outline(lower[::-1]) + "z"
        base = top
        made += f'<path class="{label}" d="{path}"/>' if path else ""
    return area(made, height, "stacked")


def line(middle: Floats, lowest: Floats, highest: Floats, steps: FrameSteps, height: float) -> str:
    """Return a line of a figure from -1 to 1 in the range of all faces, broken where it is NaN."""
    edges = _edges(steps)
    centre = [(edges[step] + edges[step + 1]) / 2 for step in range(steps.count)]

    def down(value: float) -> float:
        return height * (1 - max(-1.0, min(1.0, value))) / 2

    band, path = "", ""
    for first, last, _ in runs(np.where(np.isfinite(middle), 0, -1)):
        several = range(first, last)
        upper = [(edges[step], edges[step + 1], down(float(highest[step]))) for step in several]
        lower = [(edges[step + 1], edges[step], down(float(lowest[step]))) for step in several]
        band += "M" + _outline(upper) + "L" + _outline(lower[::-1]) + "z"
        points = [(centre[step], down(float(middle[step]))) for step in several]
        if steps.pictures:  # nothing leads from one to the next
            path += "".join(
                f"M{edges[step]:.1f} {at:.1f}H{edges[step + 1]:.1f}" for step, (_, at) in zip(several, points)
            )
        elif len(points) == 1:  # or it would be a line without a length
            path += f"M{points[0][0]:.1f} {points[0][1]:.1f}h.1"
        else:
            path += "M" + "L".join(f"{across:.1f} {at:.1f}" for across, at in points)
    zero = f'<path class="zero" d="M0 {height / 2:g}H{WIDE:g}"/>'
    return area(f'<path class="band" d="{band}"/>{zero}<path class="line" d="{path}"/>', height, "valence")


def area(shapes: str, height: float, name: str) -> str:
    """Return an area of a chart that stretches with the page."""
    return (
        f'<svg class="area {name}" viewBox="0 0 {WIDE:g} {max(height, 1):g}" height="{max(height, 1):g}" '
        f'preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'
    )


def side(marks: Sequence[Tuple[float, str]], height: float) -> str:
    """Return what stands left of an area: pixels from the top, and text that is HTML."""
    made = "".join(f'<text x="100%" dx="-6" y="{at:.1f}" dy=".35em">{text}</text>' for at, text in marks)
    return f'<svg class="side" height="{max(height, 1):g}" aria-hidden="true">{made}</svg>'


def ticks(steps: FrameSteps) -> str:
    """Return the axis below the areas."""
    made = []
    for number, at in enumerate(picture_places(steps.length) if steps.pictures else tick_places(steps.length)):
        # A picture is called by its number, below its middle; a second where it begins.
        share = 100 * (at - 0.5 if steps.pictures else at) / steps.length if steps.length else 0.0
        anchor = "start" if share < 2 else "end" if share > 98 else "middle"
        rare = "" if number % 2 == 0 else ' class="dense"'
        text = f"{at:.0f}" if steps.pictures else wording.clock(at, 1 if at % 1 else 0)
        made.append(
            f'<g{rare}><line x1="{share:.3f}%" x2="{share:.3f}%" y2="5"/>'
            f'<text x="{share:.3f}%" y="18" text-anchor="{anchor}">{text}</text></g>'
        )
    return f'<svg class="ticks" height="22" aria-hidden="true">{"".join(made)}</svg>'


def tick_places(length: float) -> List[float]:
    """Return at most ten places along an axis that are easily read."""
    wanted = length / _MOST_TICKS
    width = next((width for width in _TICKS if width >= wanted), _TICKS[-1] * math.ceil(wanted / _TICKS[-1]))
    return [round(number * width, 6) for number in range(int(length / width + 1e-6) + 1)]


def picture_places(length: float) -> List[float]:
    """Return at most ten numbers of pictures, counted from 1 on, that are easily read."""
    wanted = length / _MOST_TICKS
    width = next((width for width in _PICTURE_TICKS if width >= wanted), math.ceil(wanted))
    return [float(number) for number in range(width, int(length) + 1, width)]


def runs(values: NDArray[np.signedinteger]) -> List[Tuple[int, int, int]]:
    """Return where equal values begin and end, and which they are, without those below 0."""
    if not len(values):
        return []
    begins = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    ends = np.append(begins[1:], len(values))
    return [(int(first), int(last), int(values[first])) for first, last in zip(begins, ends) if values[first] >= 0]


def _edges(steps: FrameSteps) -> List[float]:
    scale = WIDE / steps.length if steps.length else WIDE
    return [edge * scale for edge in steps.edges()]


def _outline(corners: Sequence[Tuple[float, float, float]]) -> str:
    """Return the corners of steps, of which each has where it begins and ends across, and how far down it is."""
    made: List[str] = []
    for begin, end, down in corners:
        level = f"{down:.1f}"
        if made and made[-1].endswith(f" {level}"):
            made[-1] = f"{end:.1f} {level}"
        else:
            made += [f"{begin:.1f} {level}", f"{end:.1f} {level}"]
    return "L".join(made)
