"""The page: valid charts, nothing from elsewhere, and names of cameras that are nothing but text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pytest
from made_minutes import BERLIN_MIDNIGHT, busy_day

from fer_edge.report.bins import over_time, over_week, steps_of, weekdays_of
from fer_edge.report.figures import over_hours, people_over_time, plain, shares, uptime, valence_over_time
from fer_edge.report.local_time import LocalTime
from fer_edge.report.looks import COLOURS, ORDER, PATTERNS
from fer_edge.report.page import Content, page_of
from fer_edge.report.period import Period
from fer_edge.report.summary import State, of_cameras
from fer_edge.types import LABELS

graph_objects = pytest.importorskip("plotly.graph_objects")

BERLIN = LocalTime("Europe/Berlin")
DAY = Period(BERLIN_MIDNIGHT, BERLIN_MIDNIGHT + 86400)
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "@@VERSION@@ & \u2028 \x1b[2J \"'",
    "x" * 300,
]


def page(cameras: List[str]) -> str:
    states = [State(0, "happy", 3.0)]
    return page_of(Content(DAY, BERLIN, busy_day(cameras), states)).decode("utf-8")


class Parts(HTMLParser):
    """Takes a page to pieces."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: List[Tuple[str, Dict[str, Optional[str]]]] = []
        self.scripts: List[str] = []
        self._inside = ""
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.text += data


def test_plotly_knows_every_word_of_the_charts() -> None:
    cameras = HOSTILE[:2]
    minutes = busy_day(cameras)
    steps = steps_of(DAY, BERLIN)
    sums, week = over_time(minutes, steps, BERLIN), over_week(minutes, BERLIN)
    summaries = of_cameras(minutes, [], DAY)
    charts = [shares(summaries, cameras), uptime(sums, steps, cameras)]
    for camera in (None, 0, 1):
        charts += [people_over_time(sums, steps, camera), valence_over_time(sums, steps, camera)]
        charts += list(over_hours(week, weekdays_of(DAY, BERLIN), camera).values())
    for chart in charts:
        json.dumps(chart, allow_nan=False)
        graph_objects.Figure(chart)


def test_a_gap_is_no_zero_and_the_steps_stand_where_the_clock_had_them() -> None:
    minutes = busy_day(["hall", "door"])
    steps = steps_of(DAY, BERLIN)
    chart = people_over_time(over_time(minutes, steps, BERLIN), steps, 1)
    happy = next(trace for trace in chart["data"] if trace["name"] == "happy")
    assert happy["x0"] == "2026-11-26 00:02:30.000"
    assert happy["dx"] == 300_000
    assert happy["y"][0] == 0
    assert happy["y"][9 * 12] == pytest.approx(0.6)
    assert happy["y"][10 * 12 : 11 * 12] == [None] * 12
    up = uptime(over_time(minutes, steps, BERLIN), steps, ["hall", "door"])["data"][0]["z"][1]
    assert up[10 * 12 : 11 * 12] == [0] * 12
    assert up[0] == 100


def test_the_page_loads_nothing_and_lets_only_its_own_two_scripts_run() -> None:
    text = page(["hall", "door"])
    parts = Parts(text)
    for tag, attributes in parts.tags:
        assert not {"src", "srcset", "data", "action", "background"} & set(attributes), tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img")
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    (policy,) = [
        attributes["content"]
        for tag, attributes in parts.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    data, plotly, own = parts.scripts
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    hashes = {
        "'sha256-" + base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() + "'" for one in (plotly, own)
    }
    assert set(rules["script-src"].split()) == hashes
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    json.loads(data)
    # The button that would send a chart to its makers is not among those named.
    assert "modeBarButtons:" in own


def test_names_of_cameras_are_text_whatever_they_are() -> None:
    text = page(HOSTILE)
    parts = Parts(text)
    assert len(parts.scripts) == 3
    assert not re.search("[<>&]", parts.scripts[0]), "nothing of the figures can end their script"
    assert "onerror" not in {name for _, attributes in parts.tags for name in attributes}
    assert HOSTILE[0] in parts.text
    assert HOSTILE[1] in parts.text
    assert "@@VERSION@@ & \\u2028 \\x1b[2J" in parts.text
    labels = json.loads(parts.scripts[0])["shares"]["layout"]["yaxis"]["ticktext"]
    assert labels[1] == plain(HOSTILE[1])
    assert not re.search("[<>\x1b]", "".join(labels))
    assert len(labels[3]) < 30


def test_whoever_sees_no_colours_has_patterns_names_and_tables() -> None:
    assert sorted(ORDER) == sorted(LABELS)
    assert len(set(PATTERNS.values())) == len(LABELS)
    drawing = pytest.importorskip("fer_edge.ui.drawing")
    for label, (blue, green, red) in drawing.COLOURS.items():
        assert COLOURS[label] == f"#{red:02X}{green:02X}{blue:02X}", "as in the live window"
    parts = Parts(page(["hall", "door"]))
    charts = [attributes for tag, attributes in parts.tags if attributes.get("class") == "chart"]
    assert len(charts) == 5
    assert all(attributes["role"] == "img" and "table" in (attributes["aria-label"] or "") for attributes in charts)
    heads: List[Any] = [attributes.get("scope") for tag, attributes in parts.tags if tag == "th"]
    assert len(heads) > 60
    assert set(heads) == {"col", "row"}


def test_the_page_of_four_weeks_and_three_cameras_stays_under_six_megabytes() -> None:
    minutes = busy_day(["a", "b", "c"])
    days = [minutes.start + 86400 * number for number in range(28)]
    rows = [minutes.of(np.ones(len(minutes), bool)) for _ in days]
    together = type(minutes)(
        minutes.cameras,
        *(
            np.concatenate([start if name == "start" else getattr(one, name) for one, start in zip(rows, days)])
            for name in list(minutes.__dataclass_fields__)[1:]
        ),
    )
    period = Period(BERLIN_MIDNIGHT, BERLIN_MIDNIGHT + 28 * 86400)
    assert len(page_of(Content(period, BERLIN, together, []))) < 6_000_000


def test_the_words_of_a_page_say_what_the_figures_are_not() -> None:
    parts = Parts(page(["hall"]))
    for words in ("An expression is not a feeling", "must not decide", "Nobody is recognised", "not guessed"):
        assert words in parts.text
    assert "Thursday 26 November 2026" in parts.text
    assert "UTC+01:00" in parts.text
    assert not [tag for tag, attributes in parts.tags if attributes.get("id") == "camera"], (
        "of one camera there is no choice"
    )
