"""A face is judged against a resting face that is known."""

from __future__ import annotations

from typing import Dict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown import by_label, label, shown

from fer_edge.track.rest import MARGIN, TRUSTED, FixedRest, NoRest, RestingFace, log_odds_of, rested
from fer_edge.types import LABELS, Expression, RestShift

LOG_ODDS = st.fixed_dictionaries({name: st.floats(-12, 12) for name in LABELS if name != "neutral"})


def face(spread: float = 0.0, **log_odds: float) -> RestingFace:
    return RestingFace(log_odds_of(shown(**log_odds).probabilities), np.full(7, spread), 5.0, 75)


def read(seen: Expression, at_rest: RestingFace) -> str:
    return label(seen, FixedRest(at_rest).update(seen, 0.0))


def test_without_a_rest_nothing_is_moved() -> None:
    assert NoRest().update(shown(), 0.0) is None


def test_a_slight_smile_of_a_stern_face_is_found_and_its_rest_stays_neutral() -> None:
    stern = face(happy=-6.0)
    assert shown(happy=-4.2).label == "neutral"
    assert read(shown(happy=-4.2), stern) == "happy"
    assert read(shown(happy=-6.0), stern) == "neutral"
    assert read(shown(happy=-4.8), stern) == "neutral"


def test_a_face_that_looks_sad_at_rest_is_sad_only_when_it_looks_sadder() -> None:
    drooping = face(sad=1.0)
    assert shown(sad=1.0).label == "sad"
    assert read(shown(sad=1.0), drooping) == "neutral"
    assert read(shown(sad=3.0), drooping) == "sad"
    assert read(shown(sad=1.0, happy=-3.0), face(sad=1.0, happy=-6.0)) == "happy"


def test_only_happy_is_made_easier() -> None:
    shift = by_label(FixedRest(face(happy=-6.0)).update(shown(), 0.0))
    assert shift.pop("happy") == pytest.approx(MARGIN - 6.0, abs=1e-3)
    assert shift == dict.fromkeys(shift, 0.0)


@pytest.mark.parametrize("other", ["angry", "disgust", "fear", "sad", "surprise"])
def test_another_expression_is_not_turned_into_a_smile(other: str) -> None:
    # A stranger's neutral face looks less neutral in anger as well, so that happy has risen by 5 over neutral.
    seen = shown(**{other: 3.0}, happy=-1.0)
    assert read(seen, face(happy=-6.0)) == other


@pytest.mark.parametrize("doubt", ["small", "cut off", "turned", "blurred", "upside down", "covered", "second face"])
def test_a_face_that_cannot_be_read_is_not_turned_into_a_smile(doubt: str) -> None:
    assert read(shown((doubt,), happy=-2.0), face(happy=-6.0)) == "neutral"
    assert read(shown(("low confidence",), happy=-2.0), face(happy=-6.0)) == "happy"


def test_a_face_that_varies_much_must_smile_more() -> None:
    assert read(shown(happy=-4.0), face(happy=-6.0, spread=0.3)) == "happy"
    assert read(shown(happy=-4.0), face(happy=-6.0, spread=0.7)) == "neutral"
    assert read(shown(happy=-3.0), face(happy=-6.0, spread=0.7)) == "happy"


def test_what_varies_much_never_makes_a_smile_harder_to_see() -> None:
    shift = FixedRest(face(happy=-2.0, spread=5.0)).update(shown(), 0.0)
    assert by_label(shift)["happy"] == 0.0


@given(LOG_ODDS, LOG_ODDS)
def test_the_shift_is_bounded_and_leaves_probabilities(at_rest: Dict[str, float], seen: Dict[str, float]) -> None:
    expression = shown(**seen)
    shift = FixedRest(face(**at_rest)).update(expression, 0.0)
    moved = by_label(shift)
    assert moved["neutral"] == 0.0
    assert -TRUSTED.easier <= moved.pop("happy") <= TRUSTED.happy_harder
    assert all(0.0 <= value <= TRUSTED.harder for value in moved.values())
    probabilities = rested(expression.probabilities, shift)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert not shift.log_odds.flags.writeable


@given(LOG_ODDS)
def test_the_rest_itself_is_neutral_as_far_as_the_bounds_reach(at_rest: Dict[str, float]) -> None:
    if max(at_rest.values()) < TRUSTED.harder - 1:
        assert read(shown(**at_rest), face(**at_rest)) == "neutral"


def test_probabilities_of_nothing_at_all_are_moved_without_a_warning() -> None:
    certain = np.array([0, 0, 0, 0, 1, 0, 0], np.float32)
    moved = rested(certain, RestShift(np.zeros(7, np.float32), 0.0))
    assert moved == pytest.approx(certain, abs=1e-5)
