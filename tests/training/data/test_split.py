"""A split puts every face, and by identity every person, on exactly one side."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.errors import DataSetError, UsageError
from fer_edge.training.data import FaceSet
from fer_edge.training.data.split import split_faces

shares = st.floats(0.05, 0.95)
seeds = st.integers(0, 2**32 - 1)
crowds = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=2, max_size=60)


def faces_of(labels: list[int], people: Optional[list[int]] = None) -> FaceSet:
    """Give faces whose only pixel is their number."""
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    return FaceSet.with_plain_labels(images, labels, "made up", people=people)


def numbers(faces: FaceSet) -> list[int]:
    return [int(number) for number in faces.images.ravel()]


def assert_complete_and_disjoint(count: int, train: FaceSet, validation: FaceSet) -> None:
    assert sorted(numbers(train) + numbers(validation)) == list(range(count))
    assert len(train)
    assert len(validation)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=80), shares, seeds)
def test_a_random_split_is_complete_disjoint_and_of_the_asked_size(labels: list[int], share: float, seed: int) -> None:
    train, validation = split_faces(faces_of(labels), "random", share, seed)
    assert_complete_and_disjoint(len(labels), train, validation)
    assert len(validation) == pytest.approx(share * len(labels), abs=1)
    for label in range(7):
        part = int((validation.original == label).sum())
        assert part == pytest.approx(share * labels.count(label), abs=2)


@given(crowds.filter(lambda crowd: len({person for _, person in crowd}) > 1), shares, seeds)
def test_an_identity_split_is_complete_and_keeps_each_person_on_one_side(
    crowd: list[tuple[int, int]], share: float, seed: int
) -> None:
    labels, people = [label for label, _ in crowd], [person for _, person in crowd]
    train, validation = split_faces(faces_of(labels, people), None, share, seed)
    assert_complete_and_disjoint(len(labels), train, validation)
    assert train.people is not None
    assert validation.people is not None
    assert not set(train.people) & set(validation.people)


def test_of_people_photographed_alike_the_asked_share_is_taken() -> None:
    faces = faces_of(
        [label for _ in range(20) for label in range(7)], [person for person in range(20) for _ in range(7)]
    )
    train, validation = split_faces(faces, "identity", 0.2, 1)
    assert (len(train), len(validation)) == (112, 28)
    assert np.bincount(validation.original).tolist() == [4] * 7


@pytest.mark.parametrize("how", ["random", "identity"])
def test_the_seed_decides(how: str) -> None:
    faces = faces_of([0, 1, 2] * 20, [person for person in range(20) for _ in range(3)])
    sides = [numbers(split_faces(faces, how, 0.3, seed)[1]) for seed in (1, 1, 2)]
    assert sides[0] == sides[1]
    assert sides[0] != sides[2]


def test_a_random_split_of_known_people_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    split_faces(faces_of([0, 1] * 4, [0, 1] * 4), "identity", 0.5)
    assert "same person" not in caplog.text
    split_faces(faces_of([0, 1] * 4, [0, 1] * 4), "random", 0.5)
    assert "same person on both sides" in caplog.text


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(UsageError, match="who is on"):
        split_faces(faces_of([0, 1]), "identity")
    with pytest.raises(DataSetError, match="1 person"):
        split_faces(faces_of([0, 1], [5, 5]))
    with pytest.raises(DataSetError, match="1 face"):
        split_faces(faces_of([0]))
    with pytest.raises(UsageError, match="share of 1"):
        split_faces(faces_of([0, 1]), share=1.0)
    with pytest.raises(UsageError, match="alphabet"):
        split_faces(faces_of([0, 1]), "alphabet")
