"""Faces that are found are paired with those that are followed, all together."""

from __future__ import annotations

import itertools
import random
from typing import List, Sequence

import pytest
from scenes import Place, face_at

from fer_edge.track.association import Expected, associate
from fer_edge.track.motion import Sight, first_motion, sight_of


def sights(*places: Place, turn: float = 0.0) -> List[Sight]:
    found = [sight_of(face_at(place, turn)) for place in places]
    return [sight for sight in found if sight is not None]


def expected(found: Sequence[Sight], hidden: float = 0.0, unsure: float = 0.03) -> List[Expected]:
    motions = [first_motion(sight, 0.0) for sight in found]
    return [
        Expected(motion._replace(spread=motion.spread._replace(place=unsure**2)), sight.size, sight.shape, hidden)
        for motion, sight in zip(motions, found)
    ]


def test_each_face_gets_the_nearest() -> None:
    followed = expected(sights((100, 100, 50), (300, 100, 50), (500, 100, 50)))

    assert associate(followed, sights((505, 100, 50), (104, 100, 50), (302, 100, 50))) == {0: 1, 1: 2, 2: 0}


def test_nothing_is_paired_with_nobody() -> None:
    assert associate([], sights((100, 100, 50))) == {}
    assert associate(expected(sights((100, 100, 50))), []) == {}


def test_a_face_far_away_is_another() -> None:
    assert associate(expected(sights((100, 100, 50))), sights((150, 100, 50))) == {}


def test_who_was_hidden_may_be_found_further_away_but_not_anywhere() -> None:
    followed = expected(sights((100, 100, 50)), hidden=1.0, unsure=1.0)

    assert associate(followed, sights((190, 100, 50))) == {0: 0}
    assert associate(followed, sights((205, 100, 50))) == {}


def test_a_face_of_another_size_is_another_person() -> None:
    assert associate(expected(sights((100, 100, 50))), sights((100, 100, 130))) == {}


def test_size_tells_apart_who_is_at_the_same_place() -> None:
    followed = expected(sights((100, 100, 50), (104, 100, 62)))

    assert associate(followed, sights((100, 100, 61), (104, 100, 51))) == {0: 1, 1: 0}


def test_pose_tells_apart_who_is_at_the_same_place() -> None:
    straight, turned = sights((100, 100, 50)), sights((103, 100, 50), turn=0.15)

    assert associate(expected([*straight, *turned]), [*sights((100, 100, 50), turn=0.15), *sights((103, 100, 50))]) == {
        0: 1,
        1: 0,
    }


def test_the_nearest_pair_is_given_up_where_the_whole_gets_better() -> None:
    # 0 is nearer to the face between both than 1 is, but then 1 would be left with one far away.
    followed = expected(sights((100, 100, 50), (134, 100, 50)))

    assert associate(followed, sights((116, 100, 50), (92, 100, 50))) == {0: 1, 1: 0}


def test_nobody_who_was_just_seen_is_left_over_where_there_is_another_pairing() -> None:
    # 0 is nearest to face 0, which is the only one that 1 can be.
    followed = expected(sights((120, 100, 50), (140, 100, 50)))

    assert associate(followed, sights((122, 100, 50), (97, 100, 50))) == {0: 1, 1: 0}


def test_a_visible_face_is_not_moved_aside_for_a_hidden_one() -> None:
    followed = expected(sights((120, 100, 50))) + expected(sights((140, 100, 50)), hidden=1.0)

    assert associate(followed, sights((122, 100, 50), (97, 100, 50))) == {0: 0}


def test_of_two_that_fit_alike_the_face_is_that_which_was_seen_last() -> None:
    place = sights((100, 100, 50))

    assert associate(expected(place, hidden=0.5) + expected(place), sights((100, 100, 50))) == {1: 0}


@pytest.mark.parametrize("seed", range(40))
def test_in_a_crowd_the_sum_is_as_good_as_that_of_any_assignment_or_nearly(seed: int) -> None:
    chance = random.Random(seed)
    places = [(200 + chance.uniform(0, 60), 200 + chance.uniform(0, 60), 60.0) for _ in range(5)]
    moved = [(x + chance.gauss(0, 12), y + chance.gauss(0, 12), size) for x, y, size in places]
    followed, found = expected(sights(*places), unsure=1.0), sights(*moved)

    pairs = associate(followed, found)

    def off(one: int, face: int) -> float:
        return ((places[one][0] - moved[face][0]) ** 2 + (places[one][1] - moved[face][1]) ** 2) / 3600

    best = min(sum(map(off, range(5), order)) for order in itertools.permutations(range(5)))
    assert sum(off(one, face) for one, face in pairs.items()) <= best + 0.05
    assert sorted(pairs) == sorted(pairs.values()) == list(range(5))
