"""One face read over time: the rest's shift, the smoothing and the label together."""

from __future__ import annotations

import math
from typing import Any, List, Optional, Tuple

import numpy as np
import pytest
from expression_streams import changes, expression, frames, labels, of, read
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.classify.answer import answer
from fer_edge.errors import UsageError
from fer_edge.track.reading import Reading
from fer_edge.types import DOUBTS, LABELS, Expression, RestShift

ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
SAD, FEAR = expression({"sad": 0.8}), expression({"fear": 0.999})


@st.composite
def distributions(draw: st.DrawFn, least: float = 0.0) -> List[float]:
    """Draw seven probabilities, of which one has at the least so much."""
    others = [draw(st.floats(0.01, 1.0)) for _ in range(6)]
    best = draw(st.floats(least, 0.999))
    shares = [(1 - best) * one / sum(others) for one in others]
    shares.insert(draw(st.integers(0, 6)), best)
    return shares


def test_a_single_frame_between_two_seconds_of_another_label_does_not_show() -> None:
    for fps in (5, 10, 15, 30, 60):
        parts = [(2.0, SAD), (1 / fps, FEAR), (2.0, SAD)]
        assert set(labels(read(Reading(), frames(parts, fps)))) == {"sad"}


@pytest.mark.parametrize("left", [0.0001, 0.07, 0.4])
@pytest.mark.parametrize("late", [0.0, 0.02, 0.05, 0.066])
@given(sure=st.floats(0.6, 0.999))
def test_a_true_change_shows_within_a_third_of_a_second_also_from_a_sure_state_to_one_that_is_not(
    left: float, late: float, sure: float
) -> None:
    after = expression({"happy": min(sure, 0.999 - left), "sad": left})
    steady = read(Reading(), frames([(2.0, expression({"sad": 0.99})), (1.0, after)], 15, late))
    shown = [one.since for one in steady if one.expression.label == "happy"]
    assert shown
    assert shown[0] - 2.0 < 0.35


@given(st.lists(st.tuples(st.floats(1.0, 2.0), distributions(0.6)), min_size=1, max_size=5))
def test_the_frame_rate_does_not_matter(parts: List[Tuple[float, List[float]]]) -> None:
    shown = []
    for fps in (10, 15, 30):
        steady = read(Reading(), frames([(seconds, of(one)) for seconds, one in parts], fps))
        shown.append(list(dict.fromkeys((one.expression.label, one.since) for one in steady)))
    slow, middle, fast = shown
    for other in (middle, fast):
        assert [label for label, _ in other] == [label for label, _ in slow]
        for (_, one), (_, another) in zip(slow, other):
            assert one == pytest.approx(another, abs=0.1 + 1e-6)


@given(distributions(), st.lists(st.floats(0.0, 1.0), max_size=10))
def test_what_does_not_change_is_shown_as_it_is(probabilities: List[float], steps: List[float]) -> None:
    reading, seen, at = Reading(), of(probabilities), 0.0
    first = reading.update(seen, at)
    for step in steps:
        at += step
        steady = reading.update(seen, at)
        assert (steady.expression.label, steady.since) == (first.expression.label, 0.0)
        assert steady.expression.probabilities == pytest.approx(seen.probabilities, abs=0.007)
        assert steady.expression.uncertain_below == 0.4


@given(st.lists(st.tuples(st.lists(ANY, min_size=7, max_size=7), ANY), min_size=1, max_size=30))
def test_whatever_comes_the_answer_is_seven_probabilities_that_sum_to_one(stream: List[Any]) -> None:
    reading = Reading()
    for numbers, at in stream:
        steady = reading.update(Expression(np.array(numbers, np.float32), "sad", 0.0, False), at)
        shown = steady.expression
        assert (shown.probabilities.dtype, shown.probabilities.shape) == (np.float32, (7,))
        assert np.isfinite(shown.probabilities).all()
        assert float(shown.probabilities.sum()) == pytest.approx(1.0, abs=1e-5)
        assert shown.confidence == pytest.approx(shown.probabilities[LABELS.index(shown.label)])
        assert math.isfinite(steady.since)


@given(st.lists(distributions(), min_size=1, max_size=20), st.permutations(range(7)))
def test_labels_in_another_order_give_the_same_in_that_order(stream: List[List[float]], order: List[int]) -> None:
    plain, turned = Reading(), Reading()
    for index, numbers in enumerate(stream):
        # Where two are equal the first wins, which is no matter of their order.
        rounded = [round(one, 6) + number * 1e-7 for number, one in enumerate(numbers)]
        one = plain.update(of(rounded), index / 15)
        other = turned.update(of([rounded[number] for number in order]), index / 15)
        assert other.expression.probabilities == pytest.approx(one.expression.probabilities[order], abs=1e-5)
        assert order[LABELS.index(other.expression.label)] == LABELS.index(one.expression.label)


@given(st.lists(distributions(), min_size=1, max_size=60))
def test_no_label_is_shown_that_no_frame_had(stream: List[List[float]]) -> None:
    reading, seen = Reading(), set()
    for index, numbers in enumerate(stream):
        frame = of(numbers)
        seen.add(frame.label)
        assert reading.update(frame, index / 15).expression.label in seen


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.35, 0.7]), st.sampled_from([0.0, 1.0, 2.0]))
def test_a_face_that_moves_between_two_expressions_changes_its_label_five_times_less_often(
    seed: int, spread: float, swing: float
) -> None:
    # The noise is that of near and of far faces in real clips: benchmarks/label_stability.py.
    random, times = np.random.default_rng(seed), np.arange(60 * 15) / 15
    levels = np.full((len(times), 7), -3.0)
    levels[:, 3] = swing / 2 * np.sin(2 * np.pi * times / 20)
    levels[:, 4] = -levels[:, 3]
    powers = np.exp(levels + random.normal(0, spread, levels.shape))
    stream = [of(row) for row in powers / powers.sum(1, keepdims=True)]
    steady = labels(read(Reading(), iter(zip(times.tolist(), stream))))
    assert changes(steady) * 5 <= changes([one.label for one in stream])


@pytest.mark.parametrize("sure", [0.999, 0.999999999, 1.0])
def test_one_frame_however_sure_leaves_the_label_before_it_the_most_probable(sure: float) -> None:
    reading = Reading()
    read(reading, frames([(1.0, SAD)], 10))
    shown = reading.update(expression({"fear": sure}), 1.0).expression
    assert shown.probabilities.argmax() == LABELS.index("sad")


def test_once_frames_agreed_the_state_before_does_not_weigh_any_more() -> None:
    happy = expression({"happy": 0.6})
    steady = read(Reading(), frames([(2.0, expression({"sad": 0.99})), (1.0, happy)], 15))
    after = [one.expression for one in steady if one.expression.label == "happy"]
    assert len(after) > 10
    for one in after:
        assert one.probabilities == pytest.approx(happy.probabilities, abs=0.01)


def test_half_of_a_step_of_log_odds_is_done_after_one_half_life() -> None:
    reading = Reading(half_life=1.0)
    reading.update(expression({"sad": 0.8, "happy": 0.1}), 0.0)
    shown = reading.update(expression({"sad": 0.1, "happy": 0.8}), 1.0).expression
    assert shown.probabilities[LABELS.index("sad")] == pytest.approx(shown.probabilities[LABELS.index("happy")])


def test_the_clock_may_stand_still_or_go_back() -> None:
    reading = Reading()
    read(reading, frames([(2.0, SAD)], 15))
    happy = expression({"happy": 0.9})
    for at in (2.0, 2.0, 2.0, 2.0, 2.0, -50.0, -50.0, math.nan, math.inf):
        steady = reading.update(happy, at)
        assert steady.expression.label == "sad"
    assert steady.since == pytest.approx(-52.0)
    # From there on it goes on as ever.
    assert labels([reading.update(happy, -50.0 + index / 10) for index in range(1, 4)])[-1] == "happy"


def test_many_frames_of_one_moment_do_not_add_up() -> None:
    reading = Reading()
    reading.update(SAD, 0.0)
    before = reading.update(SAD, 1.0).expression.probabilities
    for _ in range(100):
        after = reading.update(FEAR, 1.0).expression.probabilities
    assert after == pytest.approx(before)


class Shift:
    """A rest that shifts by the same all the time, and notes what it was given."""

    def __init__(self, **log_odds: float) -> None:
        self.shift = RestShift(np.array([log_odds.get(label, 0.0) for label in LABELS], np.float32), 5.0)
        self.given: List[Tuple[str, float]] = []

    def update(self, seen: Expression, at: float) -> Optional[RestShift]:
        self.given.append((seen.label, at))
        return self.shift


def test_the_resting_face_is_taken_off_before_anything_else() -> None:
    rest = Shift(sad=2.0)
    reading = Reading(rest=rest)
    steady = reading.update(expression({"sad": 0.6, "neutral": 0.3}), 1.0)
    assert steady.expression.label == "neutral"
    assert steady.rest is rest.shift
    assert rest.given == [("sad", 1.0)]
    odds = (
        steady.expression.probabilities[LABELS.index("sad")] / steady.expression.probabilities[LABELS.index("neutral")]
    )
    assert math.log(odds) == pytest.approx(math.log(2.0) - 2.0, abs=1e-4)


def test_a_resting_face_lifts_what_is_far_less_probable_than_what_is_smoothed() -> None:
    """A stern face smiles slightly: the log-odds of happy rise by 3, from a thousandth of what the smoothing looks at."""
    rest = Shift(happy=-7.0)
    stern = np.array([1e-6, 1e-6, 1e-6, 0.003, 0.997, 1e-6, 1e-6])
    steady = Reading(rest=rest).update(answer(stern / stern.sum(), 0.4), 0.0)
    assert steady.expression.label == "happy"
    sterner = np.array([1e-6, 1e-6, 1e-6, 2e-5, 0.9999, 1e-6, 1e-6])
    steady = Reading(rest=rest).update(answer(sterner / sterner.sum(), 0.4), 0.0)
    assert steady.expression.label == "neutral"
    assert steady.expression.probabilities[LABELS.index("happy")] == pytest.approx(2e-5 * math.exp(7), rel=0.05)


def test_without_a_resting_face_there_is_no_shift() -> None:
    assert Reading().update(SAD, 0.0).rest is None


def test_uncertain_is_the_smoothed_answer_and_not_that_of_the_frame() -> None:
    sure, unsure = expression({"sad": 0.9}), expression({"sad": 0.3, "neutral": 0.2})
    reading = Reading()
    assert read(reading, frames([(1.0, sure)], 15))[-1].expression.doubt == ()
    one = reading.update(unsure, 1.0).expression
    assert (one.uncertain, one.doubt) == (False, ())
    for index in range(1, 15):
        last = reading.update(unsure, 1.0 + index / 15).expression
    assert (last.uncertain, last.doubt) == (True, ("low confidence",))


def test_a_face_that_is_sure_of_another_label_in_every_frame_is_uncertain() -> None:
    sad, happy = expression({"sad": 0.9}, 0.6), expression({"happy": 0.9}, 0.6)
    reading = Reading()
    for index in range(30):
        last = reading.update((sad, happy)[index % 2], index / 30).expression
    assert not sad.uncertain
    assert last.confidence < 0.6
    assert (last.uncertain, last.doubt) == (True, ("low confidence",))


def test_where_no_threshold_is_known_low_confidence_is_what_most_of_the_time_was() -> None:
    low = expression({"sad": 0.3}, 0.0, ("low confidence",))
    high = expression({"sad": 0.9}, 0.0)
    steady = read(Reading(), frames([(1.0, high), (1.0, low), (1.0, high)], 10))
    doubts = [one.expression.doubt for one in steady]
    assert doubts[10:13] == [()] * 3
    assert doubts[14] == ("low confidence",)
    assert doubts[21] == ("low confidence",)
    assert doubts[24:] == [()] * 6
    assert all(one.expression.uncertain == bool(one.expression.doubt) for one in steady)


def test_a_doubt_holds_that_held_for_most_of_the_recent_time_whatever_the_frame_rate() -> None:
    for fps in (10, 15, 30):
        covered = expression({"sad": 0.9}, doubt=("turned", "covered"))
        steady = read(Reading(), frames([(2.0, expression({"sad": 0.9})), (2.0, covered)], fps))
        moments = [index / fps for index, one in enumerate(steady) if one.expression.uncertain]
        assert moments[0] == pytest.approx(2.475, abs=0.1 + 1e-6)
        assert steady[-1].expression.doubt == ("turned", "covered")


@given(st.lists(st.booleans(), min_size=2, max_size=90), st.sampled_from((5, 15, 30)))
def test_a_doubt_that_changes_in_each_frame_is_not_shown_to_change_twice_within_a_half_life(
    stream: List[bool], fps: int
) -> None:
    words = [("small",) if small else () for small in stream]
    steady = read(
        Reading(0.3), [(index / fps, expression({"sad": 0.9}, doubt=word)) for index, word in enumerate(words)]
    )
    shown = [one.expression.doubt for one in steady]
    changes = [index / fps for index in range(1, len(shown)) if shown[index] != shown[index - 1]]
    # The first frame is believed at once, and that may soon prove wrong.
    assert all(later - sooner > 0.3 - 1e-6 for sooner, later in zip(changes, changes[1:]))


@given(st.lists(st.sets(st.sampled_from(DOUBTS)), min_size=1, max_size=30))
def test_doubts_come_in_their_order_and_make_the_answer_uncertain(stream: List[Any]) -> None:
    reading = Reading()
    for index, doubts in enumerate(stream):
        given_words = tuple(word for word in reversed(DOUBTS) if word in doubts)
        shown = reading.update(expression({"sad": 0.9}, 0.0, given_words), index / 15).expression
        assert shown.doubt == tuple(word for word in DOUBTS if word in shown.doubt)
        assert shown.uncertain == bool(shown.doubt)


def test_a_classifier_that_is_uncertain_without_a_reason_is_believed_when_it_mostly_is() -> None:
    seen = expression({"sad": 0.9})
    unsure = Expression(seen.probabilities, "sad", 0.9, True)
    steady = read(Reading(), frames([(1.0, seen), (1.0, unsure)], 15))
    assert [one.expression.uncertain for one in steady[15:17]] == [False, False]
    assert (steady[-1].expression.uncertain, steady[-1].expression.doubt) == (True, ())


@pytest.mark.parametrize("half_life", [0, -0.3, math.nan, math.inf])
def test_a_half_life_that_cannot_be_is_refused(half_life: float) -> None:
    with pytest.raises(UsageError, match="half-life"):
        Reading(half_life)


def test_a_long_half_life_is_calmer() -> None:
    parts = [(2.0, SAD), (0.5, expression({"happy": 0.9})), (2.0, SAD)]
    assert set(labels(read(Reading(0.3), frames(parts, 15)))) == {"sad", "happy"}
    assert set(labels(read(Reading(2.0), frames(parts, 15)))) == {"sad"}


def test_probabilities_may_be_a_list_as_a_classifier_of_somebody_else_gives_them() -> None:
    shares = [0.02, 0.02, 0.02, 0.82, 0.04, 0.04, 0.04]
    seen = Expression(shares, "happy", 0.82, False)  # type: ignore[arg-type]
    assert Reading().update(seen, 0.0).expression.probabilities == pytest.approx(shares, abs=1e-6)
