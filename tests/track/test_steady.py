"""The label with hysteresis."""

from __future__ import annotations

import math
from typing import Any, List, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import UsageError
from fer_edge.track.steady import AGREED_LEAD, LEAD, SteadyLabel

A, B, C = 0, 1, 2


def levels(best: int, lead: float = 3.0) -> List[float]:
    """Return levels of three labels of which one leads by so much."""
    return [0.0 if index == best else -lead for index in range(3)]


def shown(label: SteadyLabel, seen: Sequence[List[float]], smoothed: Sequence[List[float]], step: float) -> List[int]:
    """Return what is shown after each frame."""
    given_back = []
    for index, (one, other) in enumerate(zip(seen, smoothed)):
        label.update(one, other, index * step)
        given_back.append(label.index)
    return given_back


def test_the_first_frame_is_shown_as_it_is() -> None:
    label = SteadyLabel(0.3)
    assert label.update(levels(B), levels(B), 7.0) is None
    assert (label.index, label.since) == (B, 7.0)


def test_a_clear_lead_needs_a_second_frame_that_says_so() -> None:
    label = SteadyLabel(0.3)
    seen = [levels(A), levels(B), levels(A), levels(A), levels(B)]
    assert shown(label, seen, [levels(A), *[levels(B)] * 4], 0.1) == [A, A, A, A, B]
    assert label.since == pytest.approx(0.4)


def test_a_clear_lead_must_last_two_thirds_of_a_half_life() -> None:
    label = SteadyLabel(0.3)
    # By a hair, so that the frames that agree are not believed for themselves.
    seen = [levels(A), *[levels(B, 0.1)] * 6]
    assert shown(label, seen, [levels(A), *[levels(B)] * 6], 0.05) == [A] * 5 + [B] * 2


def test_a_single_frame_is_never_shown_however_long_it_leads() -> None:
    label = SteadyLabel(0.3)
    seen = [levels(A), levels(B), *[levels(A)] * 50]
    assert shown(label, seen, [levels(A), *[levels(B, 9.0)] * 51], 0.1) == [A] * 52


def test_frames_apart_do_not_add_up_once_the_lead_was_lost() -> None:
    label = SteadyLabel(0.3)
    seen = [levels(A), levels(B), levels(A), levels(B), levels(A)]
    assert shown(label, seen, seen, 0.1) == [A] * 5


def test_a_small_lead_must_last() -> None:
    label, small = SteadyLabel(0.3), levels(B, 0.9 * LEAD)
    seen = [levels(A), *[levels(B, 0.1)] * 8]
    assert shown(label, seen, [levels(A), *[small] * 8], 0.1) == [A] * 6 + [B] * 3
    assert label.since == pytest.approx(0.6)


def test_a_small_lead_that_was_lost_begins_anew() -> None:
    label, small = SteadyLabel(0.3), levels(B, 0.9 * LEAD)
    seen = [levels(A), *[levels(B, 0.1)] * 8]
    smoothed = [levels(A), *[small] * 3, levels(A), *[small] * 4]
    assert shown(label, seen, smoothed, 0.1) == [A] * 9


def test_frames_that_agree_are_believed_and_the_smoothing_goes_on_from_their_mean() -> None:
    label = SteadyLabel(0.3)
    label.update(levels(A), levels(A), 0.0)
    given_back = [label.update(levels(B, lead), levels(A), at) for lead, at in ((1.0, 0.1), (2.0, 0.2), (3.0, 0.3))]
    assert given_back[:2] == [None, None]
    assert given_back[2] == pytest.approx(levels(B, 2.0))
    assert (label.index, label.since) == (B, 0.3)


def test_one_frame_that_disagrees_makes_the_others_begin_anew() -> None:
    label = SteadyLabel(0.3)
    seen = [levels(A), levels(B), levels(B), levels(C), levels(B), levels(B), levels(B)]
    assert shown(label, seen, [levels(A)] * 7, 0.1) == [A] * 6 + [B]


def test_two_frames_are_too_few_to_agree_however_far_apart() -> None:
    assert shown(SteadyLabel(0.3), [levels(A), levels(B), levels(B), levels(B)], [levels(A)] * 4, 0.5) == [A, A, A, B]


def test_frames_that_agree_by_a_hair_are_not_believed() -> None:
    seen = [levels(A), *[levels(B, 0.9 * AGREED_LEAD)] * 20]
    assert shown(SteadyLabel(0.3), seen, [levels(A)] * 21, 0.1) == [A] * 21


def test_what_is_said_of_the_label_on_show_ends_the_agreement_on_another() -> None:
    seen = [levels(A), levels(B), levels(B), levels(A), levels(B), levels(B), levels(A)]
    assert shown(SteadyLabel(0.3), seen, [levels(A)] * 7, 0.1) == [A] * 7


@given(st.floats(0.05, 10.0))
def test_the_times_are_those_of_the_half_life(half_life: float) -> None:
    step = half_life / 6
    assert shown(SteadyLabel(half_life), [levels(A), *[levels(B)] * 6], [levels(A)] * 7, step) == [A] * 5 + [B] * 2


def test_a_clock_that_is_set_back_takes_everything_with_it() -> None:
    label = SteadyLabel(0.3)
    label.update(levels(A), levels(A), 1000.0)
    label.update(levels(B), levels(A), 1000.1)
    label.move(-990.1)
    assert label.since == pytest.approx(9.9)
    label.update(levels(B), levels(A), 10.1)
    assert label.index == A
    label.update(levels(B), levels(A), 10.2)
    assert label.index == B


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.lists(st.integers(0, 2), min_size=60, max_size=60))
def test_what_is_shown_was_seen_before_twice_but_for_the_first(seen: List[int], smoothed: List[int]) -> None:
    label = SteadyLabel(0.3)
    after = shown(label, [levels(one) for one in seen], [levels(one) for one in smoothed], 1 / 15)
    for index, one in enumerate(after):
        assert one == seen[0] or seen[: index + 1].count(one) >= 2


@pytest.mark.parametrize("half_life", [0, -1, math.nan, "a"])
def test_a_half_life_that_cannot_be_is_refused(half_life: Any) -> None:
    with pytest.raises(UsageError, match="half-life"):
        SteadyLabel(half_life)
