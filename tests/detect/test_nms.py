from __future__ import annotations

from typing import List, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.detect.nms import group, overlap

Candidate = Tuple[float, float, float, float, float]

CANDIDATES = st.lists(
    st.tuples(st.floats(-50, 700), st.floats(-50, 700), st.floats(0, 300), st.floats(0, 300), st.floats(0.01, 1.0)),
    max_size=40,
)
THRESHOLDS = st.floats(0.05, 0.95)


def arrays(candidates: List[Candidate]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.array(candidates, np.float64).reshape(-1, 5)
    return np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1), rows[:, 4]


@given(candidates=CANDIDATES, threshold=THRESHOLDS)
def test_the_best_ones_of_two_groups_never_overlap_by_more_than_the_threshold(
    candidates: List[Candidate], threshold: float
) -> None:
    boxes, scores = arrays(candidates)
    best = [members[0] for members in group(boxes, scores, threshold)]
    for place, one in enumerate(best):
        assert (overlap(boxes[one], boxes[best[place + 1 :]]) <= threshold).all()


@given(candidates=CANDIDATES, threshold=THRESHOLDS)
def test_every_candidate_is_in_exactly_one_group(candidates: List[Candidate], threshold: float) -> None:
    boxes, scores = arrays(candidates)
    members = [int(one) for members in group(boxes, scores, threshold) for one in members]
    assert sorted(members) == list(range(len(candidates)))


@given(candidates=CANDIDATES, threshold=THRESHOLDS)
def test_groups_and_their_members_come_best_first_and_belong_together(
    candidates: List[Candidate], threshold: float
) -> None:
    boxes, scores = arrays(candidates)
    groups = group(boxes, scores, threshold)
    assert [scores[members[0]] for members in groups] == sorted((scores[m[0]] for m in groups), reverse=True)
    for members in groups:
        assert (np.diff(scores[members]) <= 0).all()
        assert (overlap(boxes[members[0]], boxes[members[1:]]) > threshold).all()


@given(candidates=CANDIDATES.filter(bool))
def test_overlap_is_between_zero_and_one_and_the_same_from_both_sides(candidates: List[Candidate]) -> None:
    boxes, _ = arrays(candidates)
    table = np.array([overlap(box, boxes) for box in boxes])
    assert (table >= 0).all()
    assert (table <= 1 + 1e-9).all()
    np.testing.assert_allclose(table, table.T)


def test_overlap_of_known_boxes() -> None:
    box = np.array([0.0, 0.0, 10.0, 10.0])
    others = np.array(
        [[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [10.0, 0.0, 20.0, 10.0], [30.0, 30.0, 31.0, 31.0]]
    )
    assert overlap(box, others).tolist() == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


def test_boxes_that_overlap_by_just_the_threshold_are_two_faces() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]])
    assert overlap(boxes[0], boxes).tolist() == [1.0, 0.5]
    scores = np.array([0.9, 0.8])
    assert [members.tolist() for members in group(boxes, scores, 0.5)] == [[0], [1]]
    assert [members.tolist() for members in group(boxes, scores, 0.49)] == [[0, 1]]
