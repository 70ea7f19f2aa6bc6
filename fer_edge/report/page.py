"""The page: one file that loads nothing from anywhere, and lets nothing be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from fer_edge.report import figures, markup, meaning, summary, tables, wording
from fer_edge.report.bins import Steps, Sums, over_time, over_week, steps_of, weekdays_of
from fer_edge.report.local_time import LocalTime
from fer_edge.report.minutes import Minutes
from fer_edge.report.period import Period
from fer_edge.system.libraries import import_library
from fer_edge.version import __version__

ALL = "All cameras together"

MOST_GAPS = 200
"""In the table; the chart shows them all."""

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Content:
    """What a report is made of.

    Attributes
    ----------
    period : Period
        From when to when.
    zone : LocalTime
        Whose clocks are shown.
    minutes : Minutes
        What was measured in it.
    states : sequence of State
        Which ended in it.
    """

    period: Period
    zone: LocalTime
    minutes: Minutes
    states: Sequence[summary.State]


def page_of(content: Content, now: Optional[datetime] = None) -> bytes:
    """Return the page.

    Raises
    ------
    MissingExtra, LibraryUnusable
        Plotly is not there.
    """
    library = import_library("plotly.offline", "report", "A report")
    cameras = content.minutes.cameras
    steps = steps_of(content.period, content.zone)
    sums = over_time(content.minutes, steps, content.zone)
    week = over_week(content.minutes, content.zone)
    weekdays = weekdays_of(content.period, content.zone)
    summaries = summary.of_cameras(content.minutes, content.states, content.period)
    data = {
        "steps": _told(steps),
        "views": [
            _view(sums, week, steps, weekdays, camera) for camera in (None, *range(len(cameras)))[len(cameras) == 1 :]
        ],
        "shares": figures.shares(summaries, cameras),
        "uptime": figures.uptime(sums, steps, cameras),
    }
    body = _body(content, steps, week, weekdays, summaries, now or datetime.now(timezone.utc))
    # Plotly sets the style of what it draws, and makes a picture of a chart that somebody wants to keep.
    plotly, own = library.get_plotlyjs(), (_HERE / "page.js").read_text(encoding="utf-8")
    allowed = markup.policy(markup.hashed(plotly, own), "'unsafe-inline'", "data: blob:")
    head = markup.head(f"fer-edge: {_title(content)}", f"\n{markup.common_style()}", allowed)
    # Each script stands without a blank around it: the policy names it by its hash.
    tail = (
        f'<script type="application/json" id="figures">{markup.for_script(data)}</script>\n'
        f"<script>{plotly}</script>\n<script>{own}</script>\n</body>\n</html>\n"
    )
    return (head + body + tail).encode("utf-8")


def _view(sums: Sums, week: Sums, steps: Steps, weekdays: Sequence[int], camera: Optional[int]) -> Dict[str, Any]:
    return {
        "people": figures.people_over_time(sums, steps, camera),
        "valence": figures.valence_over_time(sums, steps, camera),
        "week": figures.over_hours(week, weekdays, camera),
    }


def _told(steps: Steps) -> List[Optional[str]]:
    """Return what each step is called; None for an hour that no clock showed."""
    begin = datetime(1970, 1, 1) + timedelta(seconds=steps.first)
    return [
        (begin + timedelta(seconds=steps.width * number)).strftime("%a %d %b %H:%M") if length else None
        for number, length in enumerate(steps.length.tolist())
    ]


def _title(content: Content) -> str:
    cameras = content.minutes.cameras
    count = f"{len(cameras)} cameras" if len(cameras) > 1 else cameras[0]
    return f"{count}, {_span(content)}"


def _span(content: Content) -> str:
    zone, period = content.zone, content.period
    first, last = zone.wall_time(period.start), zone.wall_time(period.end)
    midnights = first.time() == last.time() == datetime.min.time()
    if midnights and last - first == timedelta(days=1):
        return first.strftime("%A %d %B %Y")
    if midnights:
        return f"{first:%a %d %b %Y} to {last - timedelta(days=1):%a %d %b %Y}"
    return f"{wording.moment(period.start, zone)} to {wording.moment(period.end, zone)}"


def _body(
    content: Content,
    steps: Steps,
    week: Sums,
    weekdays: Sequence[int],
    summaries: Sequence[summary.CameraSummary],
    now: datetime,
) -> str:
    cameras, zone, period = content.minutes.cameras, content.zone, content.period
    gaps, count = summary.gaps_of(content.minutes, period, MOST_GAPS)
    filled = {
        "TITLE": markup.escaped(_span(content)),
        "CAMERAS": markup.escaped(f"{len(cameras)} cameras" if len(cameras) > 1 else cameras[0]),
        "ZONE": markup.escaped(_clocks(content)),
        "CHOICE": _choice(cameras),
        "CAMERA_TABLE": tables.camera_table(summaries, cameras),
        "EXPRESSION_TABLE": tables.expression_table(summary.of_expressions(content.minutes, content.states)),
        "STEP": wording.step(steps.width),
        "STEP_TABLE": markup.folded("The same as a table", tables.step_table()),
        "SHARE_TABLE": markup.folded("The same as a table", tables.share_table(summaries, cameras)),
        "WEEK_TABLE": markup.folded("All cameras as a table", tables.week_table(week, weekdays)),
        "WEEK_OPTIONS": "".join(f"<option>{what}</option>" for what in figures.over_hours(week, weekdays, None)),
        "GAP_TABLE": markup.folded(
            f"When nothing was measured ({count})", tables.gap_table(gaps, count, cameras, zone)
        ),
        "NOTICE": meaning.NOTICE,
        "ABOUT_EXPRESSIONS": meaning.EXPRESSIONS,
        "ABOUT_SHARE": meaning.SHARE,
        "ABOUT_VALENCE": meaning.VALENCE,
        "MADE": wording.moment(int(now.timestamp()), zone),
        "VERSION": __version__,
    }
    text = (_HERE / "page.html").read_text(encoding="utf-8")
    return markup.filled(text, filled)


def _clocks(content: Content) -> str:
    zone, period = content.zone, content.period
    first, last = zone.told(period.start), zone.told(period.end - 1)
    if first == last:
        return f"Times are those of {zone.name} ({first})."
    return (
        f"Times are those of {zone.name}, where clocks were moved meanwhile, from {first} to {last}: an hour that came twice "
        "is shown once, as the mean of both; one that was left out is empty."
    )


def _choice(cameras: Sequence[str]) -> str:
    if len(cameras) == 1:
        return ""
    options = "".join(f"<option>{markup.escaped(name)}</option>" for name in (ALL, *cameras))
    return (
        '<div class="bar"><label for="camera">Charts of</label> '
        f'<select id="camera" autocomplete="off">{options}</select>'
        '<span class="only-print chosen" data-of="camera"></span></div>\n'
    )
