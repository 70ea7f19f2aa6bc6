from __future__ import annotations

from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.rate_cap import RateCap

RATES = st.floats(0.1, 120.0)


def taken(fps: float, times: List[float]) -> List[float]:
    cap = RateCap(fps)
    return [seconds for seconds in times if cap.takes(seconds)]


@given(fps=RATES, gaps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=200))
def test_in_no_time_there_are_more_frames_than_the_rate_allows(fps: float, gaps: List[float]) -> None:
    """Gaps are in periods: any source at all, regular or not."""
    times, now = [], 1000.0
    for gap in gaps:
        now += gap / fps
        times.append(now)
    took = taken(fps, times)
    for first in range(len(took)):
        for last in range(first, len(took)):
            assert last - first + 1 <= fps * (took[last] - took[first]) + 1.5 + 1e-6


@given(fps=RATES, gaps=st.lists(st.floats(0.0, 0.5), min_size=20, max_size=200))
def test_a_source_of_twice_the_rate_or_more_gives_the_whole_rate(fps: float, gaps: List[float]) -> None:
    times, now = [5.0], 5.0
    for gap in gaps:
        now += gap / fps
        times.append(now)
    assert len(taken(fps, times)) >= fps * (now - 5.0) - 1e-6


@given(fps=RATES, share=st.floats(0.5, 1.0))
def test_a_source_a_little_faster_gives_two_thirds_of_the_rate_at_least(fps: float, share: float) -> None:
    times = [n * share / fps for n in range(300)]
    assert len(taken(fps, times)) >= fps * times[-1] / 1.5 - 1


@given(fps=RATES, late=st.lists(st.floats(0.0, 0.45), min_size=50, max_size=50))
def test_of_a_source_with_the_very_rate_that_trembles_hardly_a_frame_is_lost(fps: float, late: List[float]) -> None:
    times = [(n + trembling) / fps for n, trembling in enumerate(late)]
    assert len(taken(fps, times)) >= len(times) - 1


@pytest.mark.parametrize(("source", "fps"), [(25, 5), (30, 10), (60, 15), (25, 1), (30, 30), (29.97, 30)])
def test_frames_of_a_file_are_taken_evenly(source: float, fps: float) -> None:
    took = taken(fps, [n / source for n in range(int(source * 8))])
    assert len(took) == pytest.approx(8 * min(fps, source), abs=1)
    assert took[0] == 0.0
    gaps = {round(after - before, 6) for before, after in zip(took, took[1:])}
    assert gaps == {round(1 / min(source, fps), 6)}


def test_times_in_whole_milliseconds_cost_no_frame() -> None:
    times = [int(1000 * n / 30) / 1000 for n in range(300)]
    assert taken(30, times) == times


def test_a_file_that_begins_again_goes_on_at_once() -> None:
    once = [n / 10 for n in range(50)]
    assert taken(2, once + once) == 2 * taken(2, once)
