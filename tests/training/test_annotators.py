"""What is said of people follows from their votes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_edge.classify import FakeClassifier
from fer_edge.training.annotators import beside_annotators, has_votes
from fer_edge.training.data import FaceSet
from fer_edge.training.evaluate import evaluate
from fer_edge.training.evaluation_report import to_markdown

HAPPY, NEUTRAL = 3, 4


def voted(*votes: tuple[int, ...]) -> FaceSet:
    """Give black faces with those votes for the seven."""
    count = len(votes)
    return FaceSet(
        images=np.zeros((count, 48, 48, 1), np.uint8),
        votes=np.array(votes, np.float32),
        other_votes=np.zeros((count, 3), np.float32),
        original=np.zeros(count, np.int64),
    )


def sure_of(*labels: int) -> NDArray[np.float32]:
    return np.asarray(0.93 * np.eye(7)[list(labels)] + 0.01, np.float32)


SPLIT, CLEAR = (0, 0, 0, 4, 6, 0, 0), (0, 0, 0, 10, 0, 0, 0)


def test_agreement_is_the_share_of_the_votes_that_say_the_same() -> None:
    said = beside_annotators(sure_of(HAPPY, HAPPY), voted(SPLIT, CLEAR))
    assert said is not None
    assert said.votes == 20
    assert said.agreement == pytest.approx(14 / 20)
    assert said.agreement_best == pytest.approx(16 / 20)
    # Of the split face 4 say what 3 of 9 others say, and 6 what 5 of 9 say.
    assert said.agreement_human == pytest.approx((4 * 3 / 9 + 6 * 5 / 9 + 10) / 20)
    assert said.majority_human == pytest.approx((6 + 10) / 20)


def test_an_annotator_counts_in_part_where_the_others_are_split_evenly() -> None:
    said = beside_annotators(sure_of(NEUTRAL, HAPPY), voted((0, 0, 0, 2, 3, 0, 0), CLEAR))
    assert said is not None
    # Without one of the three, two say happy and two neutral; without one of the two, neutral has the most.
    assert said.majority_human == pytest.approx((3 * 0.5 + 10) / 15)


def test_no_answer_is_nearer_to_the_votes_than_their_own_shares() -> None:
    faces = voted(SPLIT, CLEAR, (2, 0, 0, 1, 0, 5, 2))
    shares = (faces.votes / faces.votes.sum(axis=1, keepdims=True)).astype(np.float32)
    own, sure = beside_annotators(shares, faces), beside_annotators(sure_of(NEUTRAL, HAPPY, 5), faces)
    assert own is not None
    assert sure is not None
    assert own.cross_entropy == pytest.approx(own.cross_entropy_best, abs=1e-6)
    assert sure.cross_entropy > sure.cross_entropy_best
    assert sure.cross_entropy_human > sure.cross_entropy_best
    # Too sure an answer is nearer to the votes at a higher temperature; right shares are as near as they get.
    assert sure.temperature_for_votes > 1.5
    assert sure.cross_entropy_best < sure.cross_entropy_at_it < sure.cross_entropy
    assert own.temperature_for_votes == pytest.approx(1, abs=1e-3)


def test_the_temperature_for_votes_is_of_the_logits_and_not_of_what_the_models_own_made_of_them() -> None:
    faces = voted(SPLIT, CLEAR, (2, 0, 0, 1, 0, 5, 2))
    shares = (faces.votes / faces.votes.sum(axis=1, keepdims=True)).astype(np.float32)
    said = beside_annotators(shares, faces, temperature=0.5)
    assert said is not None
    assert said.temperature_for_votes == pytest.approx(0.5, abs=1e-3)


def test_accuracy_is_told_by_how_many_agreed() -> None:
    said = beside_annotators(sure_of(HAPPY, HAPPY, HAPPY), voted(SPLIT, CLEAR, (0, 0, 0, 9, 1, 0, 0)))
    assert said is not None
    assert [(band.faces, band.accuracy) for band in said.bands] == [(0, None), (1, 0), (1, 1), (1, 1)]
    assert said.bands[1].confidence == pytest.approx(0.94)


def test_a_faint_smile_is_compared_with_its_votes() -> None:
    given = np.full((3, 7), 0.02, np.float32)
    given[:, NEUTRAL], given[:, HAPPY] = 0.6, (0.3, 0.1, 0.9)
    faces = voted((0, 0, 0, 3, 7, 0, 0), (0, 0, 0, 5, 4, 1, 0), (0, 0, 0, 1, 9, 0, 0))
    said = beside_annotators(given, faces)
    assert said is not None
    # The third face's single vote is under a fifth; the second one's second label is neutral.
    assert said.second.faces == 2
    assert said.second_by_label["happy"].share == pytest.approx(0.3)
    assert said.second_by_label["happy"].probability == pytest.approx(0.3)
    assert said.second_by_label["neutral"].probability == pytest.approx(0.6)
    assert said.second_by_label["fear"].share is None


def test_a_set_with_plain_labels_says_nothing_of_people_and_the_page_says_so(small_set: FaceSet) -> None:
    plain = FaceSet.with_plain_labels(small_set.images, [index % 7 for index in range(56)], "its folder")
    assert not has_votes(plain)
    result = evaluate(FakeClassifier(), plain, "made up")
    assert result.annotators is None
    assert "figures that need them are left out" in to_markdown(result)


def test_the_page_sets_the_network_beside_people(small_set: FaceSet) -> None:
    votes = small_set.votes.copy()
    votes[0] = SPLIT
    result = evaluate(FakeClassifier((0, 0, 0, 0.6, 0.4, 0, 0)), replace(small_set, votes=votes), "made up")
    page = to_markdown(result)
    assert result.annotators is not None
    assert f"| {result.annotators.agreement:.2%} | {result.annotators.agreement_human:.2%} |" in page
    assert "| happy | 1 | 0.400 | 0.600 |" in page
    assert result.labels["neutral"].recall == 0
    assert result.labels["neutral"].among_two == 1
