"""A face set knows which answer counts."""

from __future__ import annotations

import numpy as np
import pytest

from fer_edge.errors import DataSetError
from fer_edge.training.data import NO_MAJORITY, FaceSet
from fer_edge.training.recipe import TargetRules
from fer_edge.training.targets import build_targets
from fer_edge.types import LABELS


def face_set(votes: object, other: object) -> FaceSet:
    count = len(np.atleast_2d(np.asarray(votes)))
    return FaceSet(
        np.zeros((count, 48, 48, 1), np.uint8),
        np.atleast_2d(np.asarray(votes, np.float32)),
        np.atleast_2d(np.asarray(other, np.float32)),
        np.zeros(count, np.int64),
    )


@pytest.mark.parametrize(
    ("votes", "other", "label"),
    [
        ([6, 0, 0, 0, 4, 0, 0], [0, 0, 0], "angry"),
        ([5, 0, 0, 0, 5, 0, 0], [0, 0, 0], None),
        ([4, 0, 0, 0, 2, 0, 0], [4, 0, 0], None),
        ([4, 0, 0, 0, 3, 0, 0], [0, 3, 0], "angry"),
        ([0, 0, 0, 0, 0, 0, 0], [0, 0, 10], None),
    ],
)
def test_the_majority_label_is_the_single_maximum_and_beats_the_others(
    votes: list[int], other: list[int], label: str | None
) -> None:
    expected = NO_MAJORITY if label is None else LABELS.index(label)
    assert face_set(votes, other).majority().tolist() == [expected]


def test_a_plain_label_is_its_own_majority_and_a_target_to_train_with() -> None:
    images = np.zeros((7, 8, 8, 1), np.uint8)
    faces = FaceSet.with_plain_labels(images, range(7), "the label in the file name", people=[3] * 7)
    assert faces.majority().tolist() == list(range(7))
    soft = build_targets(faces, TargetRules(smoothing=0.0)).soft
    assert soft.argmax(axis=1).tolist() == list(range(7))


def test_taken_rows_keep_all_that_belongs_to_them() -> None:
    images = np.arange(7, dtype=np.uint8).reshape(7, 1, 1, 1)
    faces = FaceSet.with_plain_labels(images, range(7), "a rule", ("broken",), people=range(10, 17))
    some = faces.take(np.array([5, 2]))
    assert some.images.ravel().tolist() == some.majority().tolist() == some.original.tolist() == [5, 2]
    assert some.people is not None
    assert some.people.tolist() == [15, 12]
    assert (some.rule, some.skipped, len(some)) == ("a rule", ("broken",), 2)


def test_a_set_without_any_label_is_refused() -> None:
    with pytest.raises(DataSetError, match="majority"):
        face_set([0] * 7, [0, 0, 9]).labelled()
