"""A resting face that is learned while somebody is watched: made streams, and laws that hold for any stream."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown import by_label, label, labels_over, people, shown, watched

from fer_edge.track.learned_rest import LEARNED, WINDOW, LearnedRest
from fer_edge.types import LABELS, Expression

STERN = shown(happy=-6.0)
SLIGHT_SMILE = shown(happy=-3.0)
GRIN = shown(happy=4.0)
TALKS = [
    shown(happy=happy, surprise=surprise) for happy, surprise in [(-6, -6), (-4, -3), (-2.5, -2), (-5, -3), (-3.5, -4)]
]

FRAMES = st.lists(
    st.tuples(
        st.floats(0, 3),
        st.fixed_dictionaries({name: st.floats(-12, 12) for name in LABELS if name != "neutral"}),
        st.sampled_from([(), ("turned",), ("low confidence",)]),
    ),
    max_size=60,
)


def test_it_begins_with_todays_answer() -> None:
    shift = LearnedRest().update(SLIGHT_SMILE, 100.0)
    assert not shift.log_odds.any()
    assert shift.seconds == 0.0


def test_the_slight_smile_of_a_stern_person_is_found_after_some_seconds_and_not_at_once() -> None:
    rest = LearnedRest()
    assert label(SLIGHT_SMILE, watched(rest, STERN, 1.0)) == "neutral"
    assert label(SLIGHT_SMILE, watched(rest, STERN, 15.0, begin=1.0)) == "happy"
    assert label(STERN, rest.update(STERN, 16.0)) == "neutral"


@pytest.mark.parametrize("seconds", [5.0, 10.0, 30.0])
def test_of_people_who_were_watched_for_five_seconds_the_slight_smiles_are_found(seconds: float) -> None:
    found = neutral = 0
    for at_rest, smile in people():
        rest = LearnedRest()
        watched(rest, at_rest, seconds)
        neutral += label(at_rest, rest.update(at_rest, seconds)) == "neutral"
        found += label(smile, rest.update(smile, seconds)) == "happy"
    assert found >= 95
    assert neutral == 102


def test_an_expression_that_passes_makes_a_smile_no_easier() -> None:
    # Not clear enough to be left out, and less neutral than rest, which raises happy against neutral, too.
    rest, plain = LearnedRest(), LearnedRest()
    watched(rest, shown(sad=1.0, happy=-5.0), 4.0)
    watched(plain, shown(happy=-6.0), 4.0)
    assert by_label(rest.update(STERN, 4.1))["happy"] >= by_label(plain.update(STERN, 4.1))["happy"]


def test_it_tells_how_long_the_face_was_watched() -> None:
    assert watched(LearnedRest(), STERN, 12.0).seconds == pytest.approx(12.0)


def test_a_sad_looking_rest_is_neutral_after_some_seconds_and_a_smile_is_seen_against_it() -> None:
    rest, drooping = LearnedRest(), shown(sad=0.4, happy=-5.0)
    assert label(drooping, watched(rest, drooping, 0.5)) == "sad"
    assert label(drooping, watched(rest, drooping, 20.0, begin=0.5)) == "neutral"
    assert label(shown(sad=0.4, happy=-1.0), rest.update(shown(sad=0.4, happy=-1.0), 21.0)) == "happy"
    assert label(shown(sad=3.0), rest.update(shown(sad=3.0), 21.1)) == "sad"


def test_somebody_who_smiles_all_along_stays_happy() -> None:
    for smile in (GRIN, shown(happy=0.5)):
        rest = LearnedRest()
        shift = watched(rest, smile, 300.0)
        assert not shift.log_odds.any()
        assert shift.seconds == 0.0
        assert label(smile, shift) == "happy"


def test_a_slight_smile_from_the_first_moment_on_makes_no_smile_harder_to_see() -> None:
    rest = LearnedRest()
    shift = watched(rest, shown(happy=-0.5), 300.0)
    assert by_label(shift)["happy"] == 0.0
    assert label(GRIN, rest.update(GRIN, 301.0)) == "happy"


def test_somebody_who_is_clearly_sad_all_along_stays_sad() -> None:
    rest = LearnedRest()
    assert label(shown(sad=3.0), watched(rest, shown(sad=3.0), 300.0)) == "sad"


def test_a_smile_now_and_then_does_not_move_the_rest() -> None:
    rest, quiet = LearnedRest(), LearnedRest()
    for turn in range(6):
        watched(rest, STERN, 7.0, begin=10.0 * turn)
        watched(rest, SLIGHT_SMILE, 2.9, begin=10.0 * turn + 7.1)
    watched(quiet, STERN, 60.0)
    assert by_label(rest.update(STERN, 60.1))["happy"] == pytest.approx(
        by_label(quiet.update(STERN, 60.1))["happy"], abs=0.1
    )


def test_a_smile_stays_one_while_it_lasts_for_less_than_half_of_the_window() -> None:
    rest = LearnedRest()
    watched(rest, STERN, 60.0)
    assert label(SLIGHT_SMILE, watched(rest, SLIGHT_SMILE, 0.4 * WINDOW, begin=60.1)) == "happy"


def test_another_light_is_learned_slowly() -> None:
    rest = LearnedRest()
    before = by_label(watched(rest, STERN, 60.0))["happy"]
    lit = shown(happy=-3.5)
    soon = by_label(watched(rest, lit, 5.0, begin=60.1))["happy"]
    late = by_label(watched(rest, lit, 70.0, begin=65.2))["happy"]
    assert soon == pytest.approx(before, abs=0.1)
    assert late == pytest.approx(-2.0, abs=0.2)
    assert label(lit, rest.update(lit, 136.0)) == "neutral"


def test_somebody_who_talks_is_not_taken_for_smiling() -> None:
    stream = [(index / 10, TALKS[index // 3 % len(TALKS)]) for index in range(600)]
    assert set(labels_over(LearnedRest(), stream)) == {"neutral"}


def test_doubted_frames_teach_nothing() -> None:
    for doubt in ("small", "cut off", "turned", "blurred", "upside down", "covered", "second face"):
        shift = watched(LearnedRest(), shown((doubt,), happy=-6.0), 30.0)
        assert shift.seconds == 0.0
        assert not shift.log_odds.any()


def test_what_is_only_not_confident_teaches() -> None:
    hardly = shown(("low confidence",), sad=0.2, angry=-0.5)
    assert by_label(watched(LearnedRest(), hardly, 30.0))["sad"] == pytest.approx(1.7, abs=0.1)


def test_a_long_absence_counts_for_a_second_only() -> None:
    rest = LearnedRest()
    rest.update(STERN, 0.0)
    assert rest.update(STERN, 1000.0).seconds == pytest.approx(1.0)


def test_a_clock_that_jumps_back_takes_nothing_away() -> None:
    rest = LearnedRest()
    before = watched(rest, STERN, 20.0)
    after = rest.update(STERN, -500.0)
    assert after.seconds == before.seconds
    assert by_label(after) == pytest.approx(by_label(before), abs=0.1)


@pytest.mark.parametrize("fps", [2.0, 5.0, 30.0])
def test_what_is_learned_does_not_depend_on_the_frame_rate(fps: float) -> None:
    rests = []
    for rate in (10.0, fps):
        rest = LearnedRest()
        for index in range(round(rate * 24)):
            at = index / rate
            rest.update(STERN if at % 6 < 4 else SLIGHT_SMILE, at)
        rests.append(by_label(rest.update(STERN, 24.0)))
    assert rests[1] == pytest.approx(rests[0], abs=0.3)


def test_frames_that_come_in_a_burst_do_not_count_for_more() -> None:
    rest = LearnedRest()
    stream: List[Tuple[float, Expression]] = [(index / 5, STERN) for index in range(100)]
    # A second of slight smiles in which thirty times as many frames are analysed.
    stream += [(20 + index / 150, SLIGHT_SMILE) for index in range(150)]
    for at, seen in stream:
        shift = rest.update(seen, at)
    assert by_label(shift)["happy"] == pytest.approx(
        by_label(watched(LearnedRest(), STERN, 21.0, 5.0))["happy"], abs=0.1
    )


@given(FRAMES)
def test_no_stream_moves_it_beyond_its_bounds(frames: List[Tuple[float, Dict[str, float], Tuple[str, ...]]]) -> None:
    rest, at = LearnedRest(), 0.0
    for after, log_odds, doubt in frames:
        at += after
        shift = rest.update(shown(doubt, **log_odds), at)
        moved = by_label(shift)
        assert moved["neutral"] == 0.0
        assert -LEARNED.easier <= moved.pop("happy") <= 0.0
        assert all(0.0 <= value <= LEARNED.harder for value in moved.values())
        assert 0.0 <= shift.seconds <= at + 1e-6


@given(st.floats(-9, -2), st.floats(-9, 0.3), st.integers(0, 2**32 - 1))
def test_a_face_at_rest_stays_neutral_whatever_is_learned(happy: float, sad: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    rest = LearnedRest()
    for index in range(200):
        seen = shown(happy=happy + random.normal(0, 0.2), sad=min(sad + random.normal(0, 0.2), -0.05))
        assert label(seen, rest.update(seen, index / 5)) == "neutral"
