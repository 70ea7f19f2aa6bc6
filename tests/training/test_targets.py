"""Targets are distributions that follow the votes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import DataSetError
from fer_edge.training.data import FaceSet
from fer_edge.training.recipe import TargetRules
from fer_edge.training.targets import build_targets
from fer_edge.types import LABELS

PLAIN = TargetRules(minimum_votes=1, original_mix=0.0, balance=0.0, smoothing=0.0)
votes_of_ten = st.lists(st.integers(0, 9), min_size=10, max_size=10).map(lambda draws: np.bincount(draws, minlength=10))


def faces(votes: object, original: object = 0) -> FaceSet:
    table = np.atleast_2d(np.asarray(votes, np.float32))
    labels = np.broadcast_to(np.asarray(original, np.int64), len(table)).copy()
    return FaceSet(np.zeros((len(table), 48, 48, 1), np.uint8), table[:, :7], table[:, 7:], labels)


@given(st.lists(votes_of_ten, min_size=1, max_size=8), st.integers(0, 6))
def test_soft_labels_are_distributions_and_weights_average_one(votes: list[object], original: int) -> None:
    some = faces([*votes, [0, 0, 0, 10, 0, 0, 0, 0, 0, 0]], original)
    targets = build_targets(some, TargetRules())
    assert np.allclose(targets.soft.sum(axis=1), 1, atol=1e-5)
    assert (targets.soft > 0).all()
    assert np.isclose(targets.weights.mean(), 1, atol=1e-5)
    assert (targets.weights > 0).all()


def test_a_single_vote_is_taken_as_a_slip() -> None:
    soft = build_targets(faces([6, 1, 0, 0, 3, 0, 0, 0, 0, 0]), PLAIN).soft
    assert soft[0] == pytest.approx([6 / 9, 0, 0, 0, 3 / 9, 0, 0])


def test_images_for_which_most_chose_none_of_the_seven_are_left_out() -> None:
    some = faces([[8, 0, 0, 0, 2, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0, 6, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 10]])
    assert build_targets(some, PLAIN).rows.tolist() == [0]


def test_the_original_label_counts_only_where_it_is_rare_and_someone_saw_it() -> None:
    fear, happy = LABELS.index("fear"), LABELS.index("happy")
    rules = TargetRules(minimum_votes=1, original_mix=0.2, balance=0.0, smoothing=0.0)
    seen, unseen = [0, 0, 2, 0, 8, 0, 0, 0, 0, 0], [0, 0, 0, 0, 10, 0, 0, 0, 0, 0]
    soft = build_targets(faces([seen, unseen, seen], [fear, fear, happy]), rules).soft
    assert soft[0, fear] == pytest.approx(0.8 * 0.2 + 0.2)
    assert soft[1, fear] == 0
    assert soft[2, fear] == pytest.approx(0.2)


def test_balance_gives_rare_labels_more_weight() -> None:
    some = faces([[0, 0, 0, 10, 0, 0, 0, 0, 0, 0]] * 9 + [[0, 10, 0, 0, 0, 0, 0, 0, 0, 0]])
    weights = build_targets(some, TargetRules(balance=0.5)).weights
    assert weights[-1] == pytest.approx(3 * weights[0], rel=1e-3)


def test_a_set_without_votes_is_refused() -> None:
    with pytest.raises(DataSetError, match="4 votes"):
        build_targets(faces([0, 0, 0, 0, 0, 0, 0, 0, 0, 10]), TargetRules())
