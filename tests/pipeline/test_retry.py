from __future__ import annotations

from typing import List

from hypothesis import given
from hypothesis import strategies as st

from fer_edge.pipeline.retry import Backoff, RestartLimit


@given(
    st.floats(0.01, 10), st.floats(0.01, 100), st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 29)
)
def test_delays_grow_to_a_limit_are_never_below_half_of_it_and_begin_anew(
    first: float, most: float, draws: List[float], reset_at: int
) -> None:
    most = max(first, most)
    numbers = iter(draws)
    backoff = Backoff(first, most, lambda: next(numbers))
    full = first
    for number in range(len(draws)):
        if number == reset_at:
            backoff.reset()
            full = first
        assert full * 0.5 <= backoff.next() <= full
        full = min(2 * full, most)


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_period_ever_holds_more_restarts_than_the_limit_and_none_is_refused_that_would_not(
    gaps: List[float], most: int
) -> None:
    now = [0.0]
    limit = RestartLimit(most, 60.0, lambda: now[0])
    allowed: List[float] = []
    for gap in gaps:
        now[0] += gap
        fits = sum(now[0] - at < 60.0 for at in allowed) < most
        assert limit.allow() == fits
        if fits:
            allowed.append(now[0])
