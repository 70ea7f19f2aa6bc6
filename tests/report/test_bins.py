"""Sums over time and over the week: nothing is lost, gaps stay gaps, and clocks that are moved do no harm."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from made_minutes import BERLIN_MIDNIGHT, busy_day, row

from fer_edge.report.bins import MOST_STEPS, over_time, over_week, steps_of, weekdays_of
from fer_edge.report.local_time import LocalTime
from fer_edge.report.minutes import as_columns
from fer_edge.report.period import Period
from fer_edge.report.summary import State, gaps_of, of_cameras, of_expressions
from fer_edge.types import LABELS

BERLIN = LocalTime("Europe/Berlin")
HAPPY = LABELS.index("happy")


def day(text: str, days: int = 1) -> Period:
    begin = datetime.fromisoformat(text)
    end = begin.replace(day=begin.day + days)
    return Period(int(BERLIN.moment(begin)), int(BERLIN.moment(end)))


def test_means_are_over_what_was_measured_and_where_nothing_was_there_is_no_figure() -> None:
    minutes = busy_day(["hall", "door"])
    period = Period(BERLIN_MIDNIGHT, BERLIN_MIDNIGHT + 86400)
    steps = steps_of(period, BERLIN)
    sums = over_time(minutes, steps, BERLIN)
    assert (steps.width, len(steps)) == (300, 288)
    at = [int((hour * 3600) // 300) for hour in (9, 10.5)]
    door, both = sums.people(1), sums.people(None)
    assert door[at[0], HAPPY] == pytest.approx(0.6)
    assert np.isnan(door[at[1]]).all()
    assert both[at[0], HAPPY] == pytest.approx(0.9)
    assert both[at[1], HAPPY] == pytest.approx(0.3), "what the other camera saw"
    assert sums.mean_valence(None)[at[0]] == pytest.approx(0.5)
    assert np.isnan(sums.mean_valence(None)[0]), "nobody was there at midnight"
    assert both[0].sum() == 0, "and that is a figure"
    alone = over_time(busy_day(["hall", "door"]), steps_of(Period(period.start, period.end + 86400), BERLIN), BERLIN)
    assert np.isnan(alone.people(None)[-1]).all(), "no camera measured on the day after"


def test_a_minute_in_which_the_camera_was_half_there_counts_half() -> None:
    minutes = as_columns(["hall"], [row(0, 0, up=60, happy=60), row(0, 60, up=30, happy=0, neutral=30, valence=-0.5)])
    sums = over_week(minutes, LocalTime("UTC"))
    thursday = 3 * 24
    assert sums.people(0)[thursday, HAPPY] == pytest.approx(60 / 90)
    assert sums.mean_valence(0)[thursday] == pytest.approx((60 * 0.5 - 30 * 0.5) / 90)


@pytest.mark.parametrize(
    ("text", "hours", "twice"), [("2026-10-25", 25, 2), ("2026-03-29", 23, 0), ("2026-11-26", 24, 1)]
)
def test_on_days_when_clocks_are_moved_each_hour_stands_where_clocks_showed_it(
    text: str, hours: int, twice: int
) -> None:
    period = day(text)
    starts = np.arange(period.start, period.end, 60)
    minutes = as_columns(["hall"], [row(0, int(start), happy=60) for start in starts])
    assert len(minutes) == 60 * hours
    steps = steps_of(period, BERLIN)
    sums = over_time(minutes, steps, BERLIN)
    two_to_three = slice(2 * 3600 // steps.width, 3 * 3600 // steps.width)
    assert steps.length[two_to_three].sum() == 3600 * twice
    assert sums.measured[0][two_to_three].sum() == 3600 * twice
    people = sums.people(0)[:, HAPPY]
    assert np.nanmax(people) == pytest.approx(1.0), "two hours in one place are one mean"
    assert sums.measured.sum() == 3600 * hours
    assert over_week(minutes, BERLIN).measured.sum() == 3600 * hours


@given(
    some.integers(0, 20000), some.integers(1, 400000), some.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"])
)
def test_steps_hold_every_minute_of_any_period_once(day_of: int, length: int, name: str) -> None:
    zone, start = LocalTime(name), 86400 * day_of + 60 * (length % 1440)
    steps = steps_of(Period(start, start + 60 * length), zone)
    assert steps.length.sum() == 60 * length
    assert len(steps) <= MOST_STEPS + 1
    local = (steps.first + 3 * 86400) % max(steps.width, 1)
    assert local == 0, "they begin with a day, or a Monday"


def test_a_week_has_its_days_and_a_day_has_one() -> None:
    assert weekdays_of(day("2026-11-26"), BERLIN) == (3,)
    assert weekdays_of(day("2026-11-02", 7), BERLIN) == tuple(range(7))


def test_the_summary_says_what_was_measured_shown_and_missed() -> None:
    minutes = busy_day(["hall", "door"])
    period = Period(BERLIN_MIDNIGHT, BERLIN_MIDNIGHT + 86400)
    states = [State(0, "happy", 4.0), State(1, "happy", 8.0), State(1, "sad", 1.0)]
    hall, door = of_cameras(minutes, states, period)
    assert (hall.uptime, door.uptime) == (1.0, pytest.approx(23 / 24))
    assert door.people == pytest.approx(2 * 8 / 23), "over the time that was measured"
    assert (hall.most, hall.changes, door.changes) == (2, 1, 2)
    assert hall.shares[HAPPY] == pytest.approx(0.3)
    assert hall.dropped == pytest.approx(0.01)
    assert hall.temperature is None
    happy = of_expressions(minutes, states)["happy"]
    assert (happy.times, happy.middle) == (2, 6.0)
    assert of_expressions(minutes, states)["fear"].middle is None
    (gap,), count = gaps_of(minutes, period, 10)
    assert (gap.camera, gap.end - gap.start, count) == (1, 3600, 1)


def test_of_a_camera_that_saw_nobody_and_of_one_that_gave_nothing_no_figures_are_made_up() -> None:
    minutes = as_columns(["hall", "door"], [row(0, BERLIN_MIDNIGHT)])
    hall, door = of_cameras(minutes, [], Period(BERLIN_MIDNIGHT, BERLIN_MIDNIGHT + 3600))
    assert (hall.people, hall.valence, hall.most) == (0.0, None, 0)
    assert (door.people, door.valence, door.most, door.fps, door.dropped, door.uptime) == (None,) * 5 + (0.0,)
