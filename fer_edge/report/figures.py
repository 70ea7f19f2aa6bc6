"""The charts, as Plotly takes them: traces and layouts made of what JSON can hold."""

from __future__ import annotations

import html
import math
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_edge.report.bins import HOURS, Steps, Sums
from fer_edge.report.looks import BOTH_WAYS, ORDER, SCALE, axis, layout, marker
from fer_edge.report.minutes import Floats
from fer_edge.report.summary import CameraSummary
from fer_edge.system.one_line import one_line
from fer_edge.types import LABELS

Chart = Dict[str, Any]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_LONGEST_NAME = 20
_LEGEND = {"orientation": "h", "traceorder": "normal", "x": 0, "y": 1.02, "yanchor": "bottom"}
_1970 = datetime(1970, 1, 1)


def plain(name: str) -> str:
    """Return a name such that Plotly, which takes some HTML, shows it as it is; long ones shortened."""
    name = one_line(name)
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return html.escape(short, quote=False)


def people_over_time(sums: Sums, steps: Steps, camera: Optional[int]) -> Chart:
    """Return stacked steps: how many people showed what."""
    people = sums.people(camera)
    traces = [
        {
            "type": "bar",
            "name": label,
            **_along(steps),
            "y": numbers(people[:, LABELS.index(label)], 3),
            "marker": marker(label),
            "hovertemplate": "%{y:.2f}",
        }
        for label in ORDER
    ]
    shown = layout(
        380,
        barmode="stack",
        bargap=0,
        hovermode="x unified",
        legend=_LEGEND,
        margin={"l": 56, "r": 16, "t": 40, "b": 40},
        xaxis=_time_axis(steps),
        yaxis=axis(title={"text": "people, on average"}, rangemode="tozero", fixedrange=True),
    )
    return {"data": traces, "layout": shown}


def valence_over_time(sums: Sums, steps: Steps, camera: Optional[int]) -> Chart:
    """Return a line from -1 to 1, which is broken where nobody was in view."""
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "valence",
        **_along(steps),
        "y": numbers(sums.mean_valence(camera), 3),
        "line": {"color": "#0b3a63", "width": 1.5},
        "marker": {"size": 3, "color": "#0b3a63"},
        "connectgaps": False,
        "hovertemplate": "%{x|%a %d %b %H:%M}<br>valence %{y:+.2f}<extra></extra>",
    }
    ticks = {
        "tickvals": [-1, -0.5, 0, 0.5, 1],
        "ticktext": ["unpleasant \N{MINUS SIGN}1", "\N{MINUS SIGN}0.5", "0", "+0.5", "pleasant +1"],
    }
    shown = layout(
        260,
        showlegend=False,
        xaxis=_time_axis(steps),
        yaxis=axis(range=[-1.05, 1.05], fixedrange=True, zeroline=True, **ticks),
    )
    return {"data": [trace], "layout": shown}


def over_hours(sums: Sums, weekdays: Sequence[int], camera: Optional[int]) -> Dict[str, Chart]:
    """Return maps of the hours of a week, by what they show: people in view, valence, or one expression."""
    people = sums.people(camera)
    maps = {"people in view": _week_map(people.sum(axis=1), weekdays, "people", False)}
    maps["valence"] = _week_map(sums.mean_valence(camera), weekdays, "valence", True)
    for label in reversed(ORDER):
        maps[label] = _week_map(people[:, LABELS.index(label)], weekdays, label, False)
    return maps


def _week_map(hours: Floats, weekdays: Sequence[int], what: str, both_ways: bool) -> Chart:
    rows = hours.reshape(-1, HOURS)[list(weekdays)]
    most = float(np.nanmax(rows)) if np.any(~np.isnan(rows)) else 0.0
    trace = {
        "type": "heatmap",
        "x0": 0.5,
        "dx": 1,
        "y": [WEEKDAYS[day] for day in weekdays],
        "z": [numbers(row, 3) for row in rows],
        "zmin": -1 if both_ways else 0,
        "zmax": 1 if both_ways else max(most, 0.01),
        "colorscale": BOTH_WAYS if both_ways else SCALE,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "texttemplate": "%{z:.1f}",
        "hovertemplate": f"%{{y}}, the hour around %{{x}}<br>{what} %{{z:.2f}}<extra></extra>",
        # A scale needs room; of few rows the cells tell.
        "showscale": len(weekdays) > 3,
        "colorbar": {"thickness": 12, "outlinewidth": 0, "len": 1.0, "title": {"text": what, "side": "right"}},
    }
    shown = layout(
        110 + 34 * len(weekdays),
        xaxis=axis(range=[0, 24], tickvals=list(range(0, 25, 3)), title={"text": "hour of the day"}, fixedrange=True),
        yaxis=axis(autorange="reversed", fixedrange=True, showgrid=False),
    )
    return {"data": [trace], "layout": shown}


def shares(summaries: Sequence[CameraSummary], cameras: Sequence[str]) -> Chart:
    """Return a bar for each camera, of the shares of the expressions."""
    rows = list(range(len(cameras)))
    traces: List[Dict[str, Any]] = []
    for label in ORDER:
        which = LABELS.index(label)
        part = [float(summary.shares[which]) for summary in summaries]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": label,
                "y": rows,
                "x": [round(100 * share, 2) for share in part],
                "text": [f"{100 * share:.0f} %" if share >= 0.05 else "" for share in part],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "textfont": {"color": "#000000", "size": 12},
                "marker": {**marker(label), "line": {"width": 1, "color": "#ffffff"}},
                "hovertemplate": f"{label} %{{x:.1f}} %<extra></extra>",
            }
        )
    shown = layout(
        100 + 36 * len(cameras),
        barmode="stack",
        bargap=0.25,
        legend=_LEGEND,
        margin={"l": 56, "r": 16, "t": 40, "b": 40},
        xaxis=axis(range=[0, 100], ticksuffix=" %", fixedrange=True),
        yaxis=_camera_axis(cameras),
    )
    return {"data": traces, "layout": shown}


def uptime(sums: Sums, steps: Steps, cameras: Sequence[str]) -> Chart:
    """Return a row for each camera: how much of each step it gave images."""
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(steps.length > 0, 100 * sums.measured / steps.length, np.nan)
    trace = {
        "type": "heatmap",
        **_along(steps),
        "y": list(range(len(cameras))),
        "z": [numbers(np.minimum(row, 100.0), 0) for row in parts],
        "zmin": 0,
        "zmax": 100,
        "colorscale": UP,
        "ygap": 4,
        "hoverongaps": False,
        "hovertemplate": "%{x|%a %d %b %H:%M}<br>measured %{z} %<extra></extra>",
        "showscale": False,
    }
    shown = layout(70 + 34 * len(cameras), xaxis=_time_axis(steps), yaxis=_camera_axis(cameras))
    return {"data": [trace], "layout": shown}


UP = [[0.0, "#ffffff"], [0.005, "#f1a340"], [0.5, "#a9bccc"], [1.0, "#376f9e"]]
"""White where nothing was measured, the fuller the darker where something was."""


def numbers(values: NDArray[np.float64], places: int) -> List[Optional[float]]:
    """Return figures as JSON has them, rounded; None for those that are not known."""
    return [value if math.isfinite(value) else None for value in np.round(values, places).tolist()]


def _along(steps: Steps) -> Dict[str, Any]:
    """Return where the steps stand along an axis of time: Plotly takes their middle."""
    middle = _1970 + timedelta(seconds=steps.first + steps.width / 2)
    return {"x0": middle.isoformat(sep=" ", timespec="milliseconds"), "dx": 1000 * steps.width}


def _time_axis(steps: Steps) -> Dict[str, Any]:
    begin = _1970 + timedelta(seconds=steps.first)
    end = begin + timedelta(seconds=steps.width * len(steps))
    ends = [moment.isoformat(sep=" ") for moment in (begin, end)]
    return axis(type="date", range=ends, hoverformat="%a %d %b %H:%M", tickangle=0)


def _camera_axis(cameras: Sequence[str]) -> Dict[str, Any]:
    return axis(
        tickvals=list(range(len(cameras))),
        ticktext=[plain(camera) for camera in cameras],
        range=[len(cameras) - 0.5, -0.5],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
    )
