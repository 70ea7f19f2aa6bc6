"""When a board that is hot or too slow looks for faces less often, and when it looks at each frame again."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import List, Sequence, Tuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fer_edge.app.turn_policy import CALM, COOL, MOST, SPACING, Load, TurnPolicy, needed, spared

FAST = Load(arriving=30.0, dropped=0.0, detection=60.0, busy=0.5)
SLOW = Load(arriving=30.0, dropped=0.4, detection=18.0, busy=1.0)
VERY_SLOW = Load(arriving=30.0, dropped=0.7, detection=9.0, busy=1.0)

RATES = st.floats(0, 1e6) | st.just(float("inf"))
LOADS = st.builds(
    Load, st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1e6), st.floats(0, 1), others=RATES, hot=st.booleans()
)


def looked_at(policy: TurnPolicy, loads: Sequence[Load], step: float = 5.0, start: float = 0.0) -> List[int]:
    """Return what the policy says to one load after the other, `step` seconds apart."""
    return [policy.look(load, start + step * number) for number, load in enumerate(loads)]


@given(st.lists(LOADS, max_size=60), st.floats(0.1, 60))
def test_every_first_second_or_third_frame_is_looked_at_and_changes_lie_seconds_apart(
    loads: List[Load], step: float
) -> None:
    policy, now, changed_at, before = TurnPolicy(), 0.0, -SPACING, 1
    for load in loads:
        every = policy.look(load, now)
        assert 1 <= every <= MOST
        if every != before:
            assert now - changed_at >= SPACING
            before, changed_at = every, now
        now += step


@given(LOADS)
def test_heat_never_lets_a_board_look_more_often(load: Load) -> None:
    cool, hot = replace(load, hot=False), replace(load, hot=True)
    assert needed(cool) <= needed(hot)
    assert spared(cool) <= spared(hot)
    assert needed(hot) >= 2


@given(LOADS, st.floats(1, 10))
def test_a_slower_detector_never_looks_more_often(load: Load, factor: float) -> None:
    slower = replace(load, detection=load.detection / factor)
    if load.detection > 0 and slower.detection > 0:
        assert needed(slower) >= needed(load)
        assert spared(slower) >= spared(load)


SHAKES = st.lists(st.tuples(st.floats(0.9, 1.1), st.integers(1, 12)), min_size=3, max_size=20)


@given(st.floats(0.5, 4), SHAKES, st.floats(5, 20))
@example(1.25, [(1.1, 10), (0.9, 10)] * 3, 5.0)
@example(2.25, [(1.1, 10), (0.9, 10)] * 3, 5.0)
def test_a_load_that_trembles_by_a_tenth_never_goes_to_and_fro(
    ratio: float, shakes: List[Tuple[float, int]], step: float
) -> None:
    loads = [Load(30.0 * shake, 0.5, 30.0 / ratio, 1.0) for shake, times in shakes for _ in range(times)]
    said = [1, *looked_at(TurnPolicy(), loads, step)]
    assert said == sorted(said), "it only goes up"


def test_a_detector_that_keeps_pace_looks_at_every_frame_whatever_is_dropped() -> None:
    dropping = replace(FAST, dropped=0.9, busy=1.0)
    assert looked_at(TurnPolicy(), [FAST, dropping] * 10) == [1] * 20


def test_a_slow_detector_looks_in_as_many_frames_as_it_can() -> None:
    assert looked_at(TurnPolicy(), [SLOW] * 10) == [2] * 10
    assert looked_at(TurnPolicy(), [VERY_SLOW] * 10) == [3] * 10


def test_a_little_more_speed_is_not_worth_predicted_boxes() -> None:
    assert looked_at(TurnPolicy(), [replace(SLOW, detection=25.0, dropped=0.17)] * 10) == [1] * 10


@pytest.mark.parametrize(
    "other",
    [replace(SLOW, others=18.0), replace(SLOW, busy=0.5), replace(SLOW, dropped=0.0), replace(SLOW, detection=0.0)],
    ids=["another stage is as slow", "frames wait for something else", "nothing is dropped", "nothing was measured"],
)
def test_where_the_detector_is_not_what_frames_wait_for_it_looks_at_each(other: Load) -> None:
    assert looked_at(TurnPolicy(), [other] * 10) == [1] * 10


def test_it_looks_at_each_again_once_it_had_room_to_spare_for_a_while() -> None:
    policy = TurnPolicy()
    assert policy.look(SLOW, 0.0) == 2
    assert looked_at(policy, [FAST] * 5, start=5.0) == [2] * 5
    assert policy.look(FAST, CALM) == 1


def test_a_moment_without_room_begins_the_while_anew_and_it_does_not_last_for_ever() -> None:
    policy = TurnPolicy()
    policy.look(VERY_SLOW, 0.0)
    policy.look(FAST, 20.0)
    policy.look(VERY_SLOW, 25.0)
    assert policy.look(FAST, 25.0 + CALM - 1) == 3
    assert policy.look(FAST, 25.0 + CALM) == 1


def test_it_goes_down_only_as_far_as_there_was_room_all_the_while() -> None:
    policy = TurnPolicy()
    policy.look(VERY_SLOW, 0.0)
    policy.look(replace(SLOW, dropped=0.0), 10.0)
    assert policy.look(FAST, CALM) == 2


def test_a_hot_board_looks_in_every_second_frame_until_it_has_been_cool_for_minutes() -> None:
    policy = TurnPolicy()
    assert policy.look(replace(FAST, hot=True), 0.0) == 2
    said = looked_at(policy, [FAST] * int((COOL + CALM) / 5 + 2), start=5.0)
    assert said[: int(COOL / 5) - 1] == [2] * (int(COOL / 5) - 1)
    assert said[-1] == 1


def test_each_change_is_told_once_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fer_edge"):
        policy = TurnPolicy()
        for load in (SLOW, SLOW, VERY_SLOW, VERY_SLOW):
            policy.look(load, 5.0 * len(caplog.records))
        looked_at(policy, [FAST] * 20, start=100.0)
        policy.look(replace(FAST, hot=True), 300.0)
    assert [(record.every, record.reason) for record in caplog.records] == [
        (2, "slow"),
        (3, "slow"),
        (1, "pace"),
        (2, "heat"),
    ]
    assert {record.event for record in caplog.records} == {"detection_turns"}
    first, *_, last = [record.getMessage() for record in caplog.records]
    assert first == "faces are looked for in every 2nd frame: it can look at 18.0 of 30.0 frames a second"
    assert last == "faces are looked for in every 2nd frame: heat slows the board down"
