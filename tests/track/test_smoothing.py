"""The smoothing of log-probabilities in real time."""

from __future__ import annotations

import math
from typing import Any, List

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import UsageError
from fer_edge.track.smoothing import LEAST, Smoother, check_half_life, log_probabilities, probabilities_of

ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
LEVEL = st.floats(math.log(LEAST), 0.0)
LEVELS = st.lists(LEVEL, min_size=7, max_size=7)
HALF_LIVES = st.floats(0.01, 60.0)


@given(st.lists(ANY, min_size=7, max_size=7))
def test_whatever_a_network_gives_its_logarithms_are_numbers_within_bounds(given_numbers: List[float]) -> None:
    levels = log_probabilities(np.array(given_numbers, np.float32))
    assert all(math.log(LEAST) <= level <= 0.0 for level in levels)


@pytest.mark.parametrize(
    ("probability", "taken_for"),
    [(0.0, LEAST), (1e-30, LEAST), (math.nan, LEAST), (-1.0, LEAST), (1.0, 1.0), (2.0, 1.0), (0.25, 0.25)],
)
def test_a_probability_is_taken_for_no_less_than_the_least_and_no_more_than_one(
    probability: float, taken_for: float
) -> None:
    (level,) = log_probabilities(np.array([probability]))
    assert level == pytest.approx(math.log(taken_for))


@given(st.lists(st.floats(-1e6, 1e6), min_size=7, max_size=7))
def test_probabilities_sum_to_one_in_the_order_of_their_levels(levels: List[float]) -> None:
    made = probabilities_of(levels)
    assert sum(made) == pytest.approx(1.0)
    assert all(0.0 <= one <= 1.0 for one in made)
    assert all(made[i] <= made[j] for i in range(7) for j in range(7) if levels[i] < levels[j])


@given(HALF_LIVES, st.floats(-7, 0), st.floats(-7, 0))
def test_after_one_half_life_half_of_a_step_is_done_and_after_two_three_quarters(
    half_life: float, one: float, other: float
) -> None:
    smoother = Smoother(half_life)
    smoother.update([one], 0.0)
    assert smoother.update([other], half_life) == pytest.approx([(one + other) / 2], abs=1e-9)
    assert smoother.update([other], half_life) == pytest.approx([one / 4 + other * 3 / 4], abs=1e-9)


@given(HALF_LIVES, st.lists(st.floats(0.001, 1.0), min_size=1, max_size=20), LEVELS, LEVELS)
def test_how_many_frames_a_time_had_makes_no_difference(
    half_life: float, pieces: List[float], one: List[float], other: List[float]
) -> None:
    often, once = Smoother(half_life), Smoother(half_life)
    often.update(one, 0.0)
    once.update(one, 0.0)
    for seconds in pieces:
        of_many = often.update(other, seconds)
    assert of_many == pytest.approx(once.update(other, sum(pieces)), abs=1e-9)


@given(LEVELS, st.lists(st.floats(-10.0, 10.0), max_size=20))
def test_what_does_not_change_stays_as_it_is(levels: List[float], times: List[float]) -> None:
    smoother = Smoother(0.3)
    for seconds in (0.0, *times):
        assert smoother.update(levels, seconds) == pytest.approx(levels)


@given(st.lists(st.tuples(LEVELS, st.floats(0.0, 1e6)), min_size=1, max_size=20))
def test_the_smoothed_lies_between_what_was_seen(seen: List[Any]) -> None:
    smoother = Smoother(0.3)
    for index, (levels, seconds) in enumerate(seen):
        for number, value in enumerate(smoother.update(levels, seconds)):
            so_far = [one[number] for one, _ in seen[: index + 1]]
            assert min(so_far) - 1e-9 <= value <= max(so_far) + 1e-9


def test_no_time_moves_nothing() -> None:
    smoother = Smoother(0.3)
    smoother.update([0.0], 0.0)
    assert smoother.update([1.0], 0.0) == [0.0]
    assert smoother.update([1.0], -5.0) == [0.0]


def test_a_restart_forgets_what_was_and_keeps_nothing_of_the_caller_s() -> None:
    smoother, mine = Smoother(0.3), [1.0]
    smoother.update([9.0], 0.0)
    smoother.restart(mine)
    mine[0] = 5.0
    assert smoother.update([1.0], 0.1) == [1.0]


@pytest.mark.parametrize("half_life", [0, 0.0, -0.3, math.nan, math.inf, "0.3", None, [0.3]])
def test_a_half_life_that_cannot_be_is_refused_with_what_to_do(half_life: Any) -> None:
    with pytest.raises(UsageError, match="half-life") as caught:
        check_half_life(half_life)
    assert "above 0" in caught.value.remedy


@pytest.mark.parametrize("half_life", [1, 0.3, np.float32(0.5), 1e-300, 1e300])
def test_any_number_above_zero_is_a_half_life(half_life: Any) -> None:
    smoother = Smoother(half_life)
    smoother.update([0.0], 0.0)
    assert 0.0 <= smoother.update([1.0], 0.1)[0] <= 1.0
