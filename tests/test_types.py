"""What an expression says beside its label: valence, intensity, and what a face shows over time."""

from __future__ import annotations

from typing import List, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.types import LABELS, Box, Expression, Face, ObservedFace, Track

SHARES = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).filter(lambda shares: sum(shares) > 1e-3)
PLEASANT, UNPLEASANT, NEITHER = ("happy",), ("angry", "disgust", "fear", "sad"), ("neutral", "surprise")


def expression(shares: List[float]) -> Expression:
    probabilities = (np.array(shares) / sum(shares)).astype(np.float32)
    best = int(probabilities.argmax())
    return Expression(probabilities, LABELS[best], float(probabilities[best]), False)


def of(shown: Mapping[str, float]) -> Expression:
    return expression([shown.get(label, 0.0) for label in LABELS])


def test_every_label_is_pleasant_unpleasant_or_neither() -> None:
    assert sorted(PLEASANT + UNPLEASANT + NEITHER) == sorted(LABELS)


@given(SHARES)
def test_valence_lies_between_minus_one_and_one_and_intensity_between_zero_and_one(shares: List[float]) -> None:
    one = expression(shares)
    assert -1.0 <= one.valence <= 1.0
    assert -1e-6 <= one.intensity <= 1.0


@pytest.mark.parametrize("label", LABELS)
def test_a_face_that_is_all_of_one_label_is_at_the_end_of_the_scale(label: str) -> None:
    one = of({label: 1.0})
    assert one.valence == (1.0 if label in PLEASANT else -1.0 if label in UNPLEASANT else 0.0)
    assert one.intensity == (0.0 if label == "neutral" else 1.0)


@pytest.mark.parametrize("strongest", UNPLEASANT)
def test_valence_is_happy_less_the_strongest_of_the_unpleasant_and_not_their_sum(strongest: str) -> None:
    others = {label: 0.1 for label in UNPLEASANT if label != strongest}
    one = of({"happy": 0.4, strongest: 0.2, "surprise": 0.1, **others})
    assert one.valence == pytest.approx(0.2, abs=1e-6)


@given(SHARES)
def test_neutral_and_surprise_have_no_part_in_the_sign_of_valence(shares: List[float]) -> None:
    one = expression(shares)
    shares[LABELS.index("neutral")] += 3.0
    shares[LABELS.index("surprise")] += 2.0
    assert np.sign(round(expression(shares).valence, 5)) in (0.0, np.sign(one.valence))


@given(SHARES)
def test_intensity_and_the_probability_of_neutral_sum_to_one(shares: List[float]) -> None:
    one = expression(shares)
    assert one.intensity + float(one.probabilities[LABELS.index("neutral")]) == pytest.approx(1.0, abs=1e-6)


def test_both_are_plain_numbers() -> None:
    one = of({"happy": 0.5, "sad": 0.5})
    assert (type(one.valence), type(one.intensity)) == (float, float)


def test_what_a_face_shows_steadily_is_its_track_s_and_without_one_the_frame_s() -> None:
    face, raw, smooth = Face(Box(0, 0, 1, 1), 1.0, {}), of({"fear": 1.0}), of({"sad": 1.0})
    assert ObservedFace(face, raw).steady is raw
    assert ObservedFace(face, raw, Track(1, 0.0, smooth, 0.0)).steady is smooth
