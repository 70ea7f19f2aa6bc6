"""Two boxes on one head are one face; two heads that overlap are two."""

from __future__ import annotations

import random
from typing import List, Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.classify.heads import (
    OVERLAID,
    SAME_HEAD,
    SAME_PLACE,
    lies_over_a_surer_one,
    one_for_each_head,
    shares,
)
from fer_edge.detect import open_detector
from fer_edge.types import Box, Face, Image

side = st.floats(1, 300)
FACES = st.lists(
    st.builds(
        lambda x, y, width, height, score: Face(Box(x, y, width, height), score, {}),
        st.floats(-50, 300),
        st.floats(-50, 300),
        side,
        side,
        st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9]),
    ),
    max_size=12,
)


def face(x: float, y: float, size: float, score: float = 0.9) -> Face:
    return Face(Box(x, y, size, size), score, {})


@given(FACES, st.randoms(use_true_random=False))
def test_the_order_of_the_faces_changes_nothing(faces: List[Face], draw: random.Random) -> None:
    shuffled = list(faces)
    draw.shuffle(shuffled)
    assert one_for_each_head(shuffled) == one_for_each_head(faces)


@given(FACES)
def test_doing_it_again_changes_nothing_and_the_best_face_stays(faces: List[Face]) -> None:
    kept = one_for_each_head(faces)
    assert one_for_each_head(kept) == kept
    assert max((one.score for one in faces), default=0) == max((one.score for one in kept), default=0)
    assert [one.score for one in kept] == sorted((one.score for one in kept), reverse=True)


@given(FACES)
def test_what_is_kept_lies_apart_and_what_is_missing_lay_on_something_as_sure(faces: List[Face]) -> None:
    kept = one_for_each_head(faces)
    for place, one in enumerate(kept):
        for other in kept[place + 1 :]:
            of_smaller, of_union = shares(one.box, other.box)
            assert of_smaller <= SAME_HEAD
            assert of_union <= SAME_PLACE
    for one in faces:
        if one not in kept:
            over = [shares(one.box, other.box) for other in kept if other.score >= one.score]
            assert any(smaller > SAME_HEAD or union > SAME_PLACE for smaller, union in over)


@given(FACES)
def test_of_two_faces_that_lie_over_each_other_at_most_one_is_doubted_for_it(faces: List[Face]) -> None:
    doubted = lies_over_a_surer_one(faces)
    assert len(doubted) == len(faces)
    if faces:
        best = max(one.score for one in faces)
        assert not all(doubt for one, doubt in zip(faces, doubted) if one.score == best)


def test_shares_of_known_boxes() -> None:
    assert shares(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == (1.0, 1.0)
    assert shares(Box(0, 0, 20, 20), Box(5, 5, 10, 10)) == (1.0, 0.25)
    assert shares(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx((0.5, 1 / 3))
    assert shares(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == (0.0, 0.0)
    assert shares(Box(0, 0, 0, 0), Box(0, 0, 10, 10)) == (0.0, 0.0)


def test_a_box_within_a_larger_one_is_the_same_head_whichever_is_surer() -> None:
    small, large = face(40, 40, 50, 0.6), face(0, 0, 100, 0.8)
    assert one_for_each_head([small, large]) == (large,)
    small = face(40, 40, 50, 0.9)
    assert one_for_each_head([small, large]) == (small,)


def test_neighbours_whose_boxes_overlap_by_a_third_are_two_people_without_doubt() -> None:
    for second in (face(67, 10, 100, 0.7), face(80, 60, 50, 0.7)):
        pair = [face(0, 0, 100), second]
        assert 0.25 < shares(pair[0].box, second.box)[0] < OVERLAID
        assert set(map(id, one_for_each_head(pair))) == set(map(id, pair))
        assert lies_over_a_surer_one(pair) == [False, False]


def test_where_half_of_a_face_is_covered_by_a_surer_one_it_is_doubted_and_the_surer_one_is_not() -> None:
    pair = [face(75, 25, 50, 0.7), face(0, 0, 100)]
    assert len(one_for_each_head(pair)) == 2
    assert lies_over_a_surer_one(pair) == [True, False]
    assert lies_over_a_surer_one(pair[::-1]) == [False, True]


def head_at(places: List[Tuple[float, float, float]]) -> Image:
    """Paste the head of the portrait at each x, y (its middle) with a scale, the later ones in front."""
    head = cv2.imread(str(PORTRAIT))[20:195, 150:305]
    shape = np.zeros(head.shape[:2], np.float32)
    cv2.ellipse(shape, (78, 85), (70, 85), 0, 0, 360, 1.0, cv2.FILLED)
    image = np.full((400, 400, 3), 150, np.uint8)
    for x, y, scale in places:
        move = np.float32([[scale, 0, x - 78 * scale], [0, scale, y - 85 * scale]])
        alpha = cv2.warpAffine(shape, move, (400, 400))[..., None]
        image = (image * (1 - alpha) + cv2.warpAffine(head, move, (400, 400)) * alpha).astype(np.uint8)
    return image


@pytest.mark.parametrize("name", ["blazeface", "blazeface-full"])
@pytest.mark.parametrize(
    "places",
    [
        [(120, 200, 1.2), (250, 210, 1.2)],
        [(120, 200, 1.2), (220, 220, 1.2)],
        [(270, 170, 0.7), (170, 200, 1.3)],
        [(170, 180, 1.4), (240, 290, 0.7)],
    ],
    ids=["side by side", "cheek to cheek", "behind", "a child in front"],
)
def test_two_heads_that_a_detector_finds_are_both_kept(name: str, places: List[Tuple[float, float, float]]) -> None:
    detector = open_detector(name)
    found = detector.detect(head_at(places))
    detector.close()
    assert len(found) == 2, "the picture shows what the test is about"
    assert len(one_for_each_head(found)) == 2


def test_one_head_on_which_blazeface_leaves_two_boxes_is_one_face() -> None:
    """BlazeFace averages the boxes of a group after it has parted the groups, and so moves them over each other."""
    portrait = cv2.imread(str(PORTRAIT))
    detector = open_detector("blazeface")
    twice = 0
    for angle in range(95, 110):
        turn = cv2.getRotationMatrix2D((225, 110), -angle, 2.8)
        turn[:, 2] += (31, 146)
        found = detector.detect(cv2.warpAffine(portrait, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))
        twice += len(found) > 1
        assert len(one_for_each_head(found)) <= 1
    detector.close()
    assert twice, "the pictures show what the test is about"
