from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.distribution import BOUNDS, Histogram
from fer_edge.pipeline.meter import FlowMeter, RateMeter, ServiceMeter, percentile

FIGURES = {"detect": "detection", "classify": "classification"}


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_camera_reads_its_own_rate_from_the_second_frame_on() -> None:
    clock = HandClock()
    meter = RateMeter(clock)
    meter.tick()
    assert meter.rate() == 0
    for _ in range(30):
        clock.now += 1 / 30
        meter.tick()
        assert meter.rate() == pytest.approx(30)


def test_a_stalled_camera_reads_less_and_less_and_then_zero() -> None:
    clock = HandClock()
    meter = RateMeter(clock)
    for _ in range(60):
        clock.now += 1 / 30
        meter.tick()
    readings = []
    for _ in range(14):
        clock.now += 1
        readings.append(meter.rate())
    assert readings == sorted(readings, reverse=True)
    assert readings[0] < 25
    assert readings[-1] == 0


def test_a_rate_covers_the_last_ten_seconds_and_reads_the_same_between_two_events() -> None:
    clock = HandClock()
    meter = RateMeter(clock)
    for _ in range(20):
        clock.now += 1.0
        meter.tick()
    for number in range(1, 400):
        clock.now += 0.1
        meter.tick()
        if number > 101:
            clock.now += 0.05
            assert meter.rate() == pytest.approx(10)
            clock.now -= 0.05
    clock.now += 0.15
    assert meter.rate() == pytest.approx(10)


@given(st.lists(st.floats(0.001, 5), min_size=1, max_size=200))
def test_a_rate_never_exceeds_what_the_shortest_gap_allows(gaps: list[float]) -> None:
    clock = HandClock()
    meter = RateMeter(clock)
    meter.tick()
    for gap in gaps:
        clock.now += gap
        meter.tick()
        assert 0 <= meter.rate() <= 1 / min(gaps) * 1.000001


def test_a_mean_forgets_what_is_older_than_its_window() -> None:
    clock = HandClock()
    meter = ServiceMeter(clock, window=10)
    meter.record(1.0)
    clock.now += 11
    meter.record(3.0)
    assert meter.mean() == pytest.approx(3.0)


def test_frames_with_nothing_to_classify_say_nothing_of_the_capacity() -> None:
    clock = HandClock()
    meter = FlowMeter(FIGURES, clock)
    for index in range(100):
        clock.now += 0.1
        meter.record_stage("classify", 1e-6 if index % 2 else 0.004, idle=bool(index % 2))
    assert meter.rates().stages["classification"].capacity == pytest.approx(250)
    assert meter.rates().stages["classification"].achieved == pytest.approx(10)


def test_capacity_and_achieved_rate_are_different_figures() -> None:
    clock = HandClock()
    meter = FlowMeter(FIGURES, clock)
    for _ in range(100):
        clock.now += 0.1
        meter.record_stage("detect", 0.002)
        meter.record_stage("classify", 0.003)
        meter.record_emitted(0.006)
    rates = meter.rates()
    assert rates.stages["detection"].capacity == pytest.approx(500)
    assert rates.stages["classification"].capacity == pytest.approx(1000 / 3)
    assert rates.sequential == pytest.approx(200)
    assert rates.total == pytest.approx(10)
    assert [rate.achieved for rate in rates.stages.values()] == pytest.approx([10, 10])
    assert meter.counts() == {"detect": 100, "classify": 100}
    assert meter.latency().count == 100
    assert meter.latency().seconds == pytest.approx(0.6)
    assert {name: taken.count for name, taken in meter.service_times().items()} == meter.counts()


@given(st.lists(st.floats(0, 20)))
def test_a_distribution_counts_every_duration_once_and_in_every_bucket_that_reaches_so_far(
    seconds: list[float],
) -> None:
    histogram = Histogram()
    for one in seconds:
        histogram.record(one)
    found = histogram.distribution()
    assert found.at_most == tuple(sum(one <= bound for one in seconds) for bound in BOUNDS)
    assert found.count == len(seconds)
    assert found.seconds == pytest.approx(sum(seconds))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(1, 98.9))
def test_a_percentile_is_one_of_the_samples_with_enough_of_them_below(samples: list[float], percent: float) -> None:
    value = percentile(samples, percent)
    assert value in samples
    assert sum(sample <= value for sample in samples) >= percent / 100 * len(samples) - 1e-9
    assert sum(sample < value for sample in samples) < percent / 100 * len(samples)


def test_a_99th_percentile_needs_a_hundred_samples() -> None:
    assert math.isnan(percentile(list(range(99)), 99))
    assert percentile(list(range(100)), 99) == 98
    assert math.isnan(percentile([], 50))
