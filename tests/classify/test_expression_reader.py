"""From a picture and its faces to expressions: one answer for each face, and doubt where half of a face is hidden."""

from __future__ import annotations

from typing import Tuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_edge.classify import FakeClassifier
from fer_edge.classify.doubt import LARGEST_TURN
from fer_edge.classify.reader import ExpressionReader
from fer_edge.errors import StageFailed
from fer_edge.types import Box, Expression, Face

PICTURE = np.full((200, 200, 3), 90, np.uint8)


def looking(aside: float) -> Face:
    """A face whose nose is so far aside, in distances between the eyes."""
    marks = {
        "right_eye": (80.0, 80.0),
        "left_eye": (120.0, 80.0),
        "nose": (100 + 40 * aside, 100.0),
        "mouth": (100.0, 124.0),
    }
    return Face(Box(70, 70, 60, 60), 0.9, marks)


class Counting(FakeClassifier):
    """Is the surer the later a face comes in the batch, and remembers the batches."""

    def __init__(self, missing: int = 0) -> None:
        super().__init__()
        self.batches: list[int] = []
        self._missing = missing

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        self.batches.append(len(crops))
        shares = [np.float32([0, 0, 0, 0.5 + 0.1 * index, 0, 0, 0.5 - 0.1 * index]) for index in range(len(crops))]
        answers = [Expression(share, "happy", float(share[3]), uncertain=False) for share in shares]
        return tuple(answers[: len(answers) - self._missing])


def test_each_face_gets_its_own_answer_and_all_are_asked_in_one_batch() -> None:
    classifier = Counting()
    faces = [looking(0), looking(0.1), looking(-0.1)]
    seen = ExpressionReader(classifier).read(PICTURE, faces)
    assert [one.face for one in seen] == faces
    assert [round(one.expression.confidence, 1) for one in seen] == [0.5, 0.6, 0.7]
    assert classifier.batches == [3]


def test_without_a_face_the_network_is_not_asked() -> None:
    classifier = Counting()
    assert ExpressionReader(classifier).read(PICTURE, []) == ()
    assert classifier.batches == []


@pytest.mark.parametrize("side", [-1, 1])
def test_a_head_that_is_turned_too_far_either_way_is_uncertain_and_keeps_its_label(side: int) -> None:
    near, far = side * (LARGEST_TURN - 0.01), side * (LARGEST_TURN + 0.01)
    seen = ExpressionReader(Counting()).read(PICTURE, [looking(near), looking(far)])
    assert [one.expression.uncertain for one in seen] == [False, True]
    assert [one.expression.label for one in seen] == ["happy", "happy"]


def test_an_answer_that_is_doubted_already_stays_so_when_the_head_is_straight() -> None:
    (seen,) = ExpressionReader(FakeClassifier((0.2, 0.1, 0.1, 0.3, 0.1, 0.1, 0.1))).read(PICTURE, [looking(0)])
    assert seen.expression.uncertain


def test_a_classifier_that_leaves_a_face_out_or_gives_no_numbers_is_a_fault() -> None:
    with pytest.raises(StageFailed, match="2 answers for 3 faces"):
        ExpressionReader(Counting(missing=1)).read(PICTURE, [looking(0)] * 3)
    for value in (np.nan, np.inf):
        with pytest.raises(StageFailed, match="fake gave no numbers"):
            ExpressionReader(FakeClassifier((0, 0, 0, 1, 0, 0, value))).read(PICTURE, [looking(0)])


@pytest.mark.parametrize("count", [0, 1, 6, 8])
def test_a_classifier_that_gives_too_many_or_too_few_probabilities_is_a_fault_that_says_how_many(count: int) -> None:
    class Odd(FakeClassifier):
        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            return (Expression(np.full(count, 0.1, np.float32), "happy", 0.1, False),) * len(crops)

    with pytest.raises(StageFailed, match=rf"shape \[{count}\].*"):
        ExpressionReader(Odd()).read(PICTURE, [looking(0)])
