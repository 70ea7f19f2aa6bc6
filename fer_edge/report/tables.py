"""The tables of a report on a history."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from fer_edge.report import wording
from fer_edge.report.bins import Sums
from fer_edge.report.figures import WEEKDAYS, numbers
from fer_edge.report.local_time import LocalTime
from fer_edge.report.looks import COLOURS, ORDER
from fer_edge.report.markup import escaped, table
from fer_edge.report.summary import CameraSummary, ExpressionSummary, Gap
from fer_edge.types import LABELS


def camera_table(summaries: Sequence[CameraSummary], cameras: Sequence[str]) -> str:
    """Return what each camera measured."""
    rows = [
        (
            escaped(name),
            f"{wording.length(one.measured)} ({wording.share(one.uptime)})",
            wording.number(one.people, 2),
            wording.UNKNOWN if one.most is None else str(one.most),
            _most_shown(one),
            wording.number(one.valence, 2, signed=True),
            str(one.changes),
            wording.number(one.fps, 1),
            wording.share(one.dropped, 1),
            wording.UNKNOWN if one.temperature is None else f"{one.temperature:.0f} °C",
        )
        for one, name in zip(summaries, cameras)
    ]
    head = (
        "Camera",
        "Measured",
        "People, mean",
        "People, at most",
        "Shown most",
        "Valence",
        "State changes",
        "FPS total",
        "Frames dropped",
        "Hottest",
    )
    return table("Each camera over the whole time", head, rows)


def _most_shown(one: CameraSummary) -> str:
    if not one.seconds.sum():
        return "nobody seen"
    which = int(one.seconds.argmax())
    return f"{LABELS[which]} ({wording.share(float(one.shares[which]))})"


def expression_table(expressions: Mapping[str, ExpressionSummary]) -> str:
    """Return how long and how often each expression was shown."""
    rows = [
        (
            f'<span class="key" style="background:{COLOURS[label]}"></span>{label}',
            wording.length(expressions[label].seconds),
            wording.share(expressions[label].share, 1),
            str(expressions[label].times),
            wording.length(expressions[label].middle),
        )
        for label in reversed(ORDER)
    ]
    head = ("Expression", "Shown for", "Share", "Times", "Median length")
    return table("Each expression, all cameras and people together", head, rows)


def share_table(summaries: Sequence[CameraSummary], cameras: Sequence[str]) -> str:
    """Return the shares of the expressions by camera."""
    labels = list(reversed(ORDER))
    rows = [
        (escaped(name), *(wording.share(float(one.shares[LABELS.index(label)]), 1) for label in labels))
        for one, name in zip(summaries, cameras)
    ]
    return table("Shares by camera", ("Camera", *labels), rows)


def step_table() -> str:
    """Return the head of the table that the page fills for the camera that is chosen."""
    return table(
        "People showing each expression, and valence", ("From", *ORDER, "valence"), (), name="steps", tall=True
    )


def week_table(sums: Sums, weekdays: Sequence[int]) -> str:
    """Return the people in view by hour and day of the week, of all cameras together."""
    hours = sums.people(None).sum(axis=1)
    days: List[List[str]] = [
        [wording.number(value, 1) for value in numbers(hours[24 * day : 24 * day + 24], 3)] for day in weekdays
    ]
    rows = [(f"{hour:02}:00", *(day[hour] for day in days)) for hour in range(24)]
    head = ("Hour from", *(WEEKDAYS[day] for day in weekdays))
    return table("People in view, on average, all cameras", head, rows, tall=True)


def gap_table(gaps: Sequence[Gap], count: int, cameras: Sequence[str], zone: LocalTime) -> str:
    """Return when nothing was measured."""
    rows = [
        (
            escaped(cameras[gap.camera]),
            wording.moment(gap.start, zone),
            wording.moment(gap.end, zone),
            wording.length(gap.end - gap.start),
        )
        for gap in gaps
    ]
    told = f"All {count}" if count == len(gaps) else f"The {len(gaps)} longest of {count}"
    caption = "Gaps of a minute and more. " + (f"{told}, in the order of time" if count else "There was none")
    return table(caption, ("Camera", "From", "To", "Length"), rows, tall=True)
