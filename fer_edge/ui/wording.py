"""The words on the image: the FPS figures, messages, and what a face expresses."""

from __future__ import annotations

import math
from typing import List, Optional

from fer_edge.types import Expression, Rates, Track
from fer_edge.ui.drawing import COLOURS, SOFT, WHITE, Line, Rect, Style, line_width

STALE_AFTER = 0.25
"""Seconds after which the age of the result is shown and its boxes are dimmed."""

ELLIPSIS = "..."


def chip_text(expression: Expression) -> str:
    """Return the label of a face: its expression and how sure that is, or why that is not to be trusted."""
    # Never 100: no network is quite sure, and with two digits the label keeps its width.
    percent = min(99, round(100 * expression.confidence)) if math.isfinite(expression.confidence) else 0
    # A low confidence says itself why; beside another reason it would only look like an answer.
    reasons = [reason for reason in expression.doubt if reason != "low confidence"]
    return f"{short_chip_text(expression)} {printable(reasons[0]) if reasons else f'{percent}%'}"


def short_chip_text(expression: Expression) -> str:
    """Return the label of a face that has room for the expression only, with a question mark where that is doubted."""
    return printable(expression.label) + ("?" if expression.uncertain else "")


def chip_width(style: Style, text: str) -> int:
    """Return the width in pixels of a label's text; with a percentage of one digit as wide as with one of two.

    The font's digits are all equally wide, so that a label keeps its width while its percentage changes.
    """
    return style.width(f"{text[:-2]}0{text[-2:]}" if text[-3:-2] == " " and text[-1] == "%" else text)


def id_text(track: Optional[Track]) -> str:
    """Return the number of a face that is followed, for its label; nothing for another."""
    return "" if track is None else str(track.id)


def fps_lines(frame: Rect, style: Style, rates: Rates) -> List[Line]:
    """Word the three figures so that they fit, and so that a capacity is not taken for a rate."""
    total: Line = (("total ", SOFT), *total_fps(rates))
    stages: List[Line] = [
        ((f"{name} ", SOFT), (_figure(value), WHITE), (" fps capacity", SOFT)) for name, value in rates.capacities()
    ]
    space: Line = (("    ", SOFT),)
    together = [part for stage in stages for part in (*space, *stage)][1:]
    for lines in (
        [total + space + tuple(together)],
        [total, tuple(together)],
    ):
        if max(line_width(style, line) for line in lines) <= frame.width - 4 * style.padding:
            return lines
    return [total, *stages]


def total_fps(rates: Rates) -> Line:
    """Return the rate of the whole chain."""
    return ((_figure(rates.total), WHITE), (" fps", SOFT))


def notice_lines(age: Optional[float], notice: str) -> List[Line]:
    """Return the age of a result that is no longer fresh, and the lines of a message."""
    lines: List[Line] = []
    if age is not None and age > STALE_AFTER:
        seconds = f"{age:.1f}" if age < 1000 else "over 1000"
        lines.append(((f"analysis {seconds} s old", COLOURS["surprise"]),))
    lines += [((printable(line), WHITE),) for line in notice.split("\n") if line.strip()]
    return lines


def wrapped(text: str, style: Style, width: int, most: int) -> List[str]:
    """Break a text between its words into lines of at most `width` pixels; what `most` lines cannot hold is left out.

    Returns
    -------
    list of str
        The last one ends with an ellipsis where something is missing.
    """
    lines: List[str] = []
    for word in printable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and style.width(longer) <= width:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] = longer
            break
    return [shortened(line, style, width) for line in lines]


def shortened(text: str, style: Style, width: int) -> str:
    """Return as much of a text as fits into `width` pixels, with an ellipsis where that is not all."""
    text = printable(text)
    if style.width(text) <= width:
        return text
    kept = len(text)
    while kept and style.width(text[:kept].rstrip() + ELLIPSIS) > width:
        kept -= 1
    return text[:kept].rstrip() + ELLIPSIS if kept else ""


def printable(text: str) -> str:
    """Return a text with a question mark for each sign that the font does not have."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def _figure(value: float) -> str:
    if not math.isfinite(value) or value <= 0:
        return "0"
    if value >= 99999.5:
        return "99999+"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
