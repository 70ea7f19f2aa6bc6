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
        assert sum(now[0] - at < 60.0 for at in allowed) <= most
        assert len(allowed) > 0


def test_delays_are_doubled_up_to_the_limit_and_begin_with_the_first_again() -> None:
    backoff = Backoff(1.0, 10.0, lambda: 1.0)
    assert [backoff.next() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [1.0, 2.0]


def test_half_of_a_delay_is_drawn_so_that_many_programs_do_not_come_back_at_one_moment() -> None:
    draws = [0.0, 0.5, 1.0]
    backoff = Backoff(4.0, 4.0, lambda: draws.pop(0))
    assert [backoff.next() for _ in range(3)] == [2.0, 3.0, 4.0]
    drawn = Backoff(4.0, 4.0)
    assert len({drawn.next() for _ in range(20)}) > 10, "also by those that give no numbers of their own"


def test_the_restarts_of_a_period_are_all_allowed_and_no_more_until_the_first_of_them_is_over() -> None:
    now = [0.0]
    limit = RestartLimit(3, 60.0, lambda: now[0])
    allowed = []
    for at in (0.0, 1.0, 2.0, 3.0, 59.9, 60.0, 60.5, 61.0):
        now[0] = at
        allowed.append(limit.allow())
    assert allowed == [True, True, True, False, False, True, False, True]
