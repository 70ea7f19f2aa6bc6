"""A face's place, size and landmarks are predicted over real time."""

from __future__ import annotations

import doctest
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import face_at, walk

from fer_edge.track import motion as module
from fer_edge.track.motion import Motion, first_motion, sight_of
from fer_edge.types import Box, Face


def learnt(place, rate: float, seconds: float = 2.0, jitter: float = 0.0) -> Motion:  # type: ignore[no-untyped-def]
    chance = random.Random(1)
    motion = None
    for index in range(round(rate * seconds) + 1):
        sight = sight_of(face_at(place(index / rate), jitter=lambda: chance.gauss(0.0, jitter)))
        assert sight is not None
        motion = first_motion(sight, 0.0) if motion is None else motion.corrected(sight, index / rate)
    assert motion is not None
    return motion


@pytest.mark.parametrize("rate", [5, 10, 15, 30, 60])
@pytest.mark.parametrize("speed", [-150.0, 20.0, 150.0])
def test_an_even_movement_is_known_at_any_rate_of_frames(rate: int, speed: float) -> None:
    motion = learnt(walk(300, 200, 50, across=speed), rate)

    assert motion.speed_x == pytest.approx(speed, rel=0.15)
    assert motion.after(2.0 + 1 / rate).x == pytest.approx(300 + speed * (2.0 + 1 / rate), abs=0.2 * 50)


def test_a_face_that_comes_nearer_is_expected_to_grow() -> None:
    motion = learnt(walk(300, 200, 50, zoom=1.5), 15)

    assert math.exp(motion.after(2.2).size) == pytest.approx(50 * 1.5**2.2, rel=0.05)


def test_noise_of_a_still_face_is_not_taken_for_movement() -> None:
    motion = learnt(walk(300, 200, 50), 30, jitter=0.03)

    assert abs(motion.after(2.3).x - 300) < 0.15 * 50


def test_a_hidden_face_is_expected_half_way_between_stopping_and_going_on_after_a_second() -> None:
    motion = learnt(walk(300, 200, 50, across=100.0), 30)

    assert motion.after(3.0).x - motion.x == pytest.approx(0.5 * motion.speed_x, rel=0.05)
    assert motion.after(60.0).x - motion.x < 100.0


@given(st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_what_is_expected_later_is_the_same_in_one_step_or_in_two(first: float, second: float) -> None:
    motion = learnt(walk(300, 200, 50, across=100.0, zoom=1.2), 15)

    whole, parts = motion.after(2.0 + first + second), motion.after(2.0 + first).after(2.0 + first + second)

    assert parts.x == pytest.approx(whole.x)
    assert parts.size == pytest.approx(whole.size)


def test_expectation_gets_less_sure_with_time_and_surer_by_finding() -> None:
    motion = learnt(walk(300, 200, 50), 15)
    sight = sight_of(face_at((300, 200, 50)))
    assert sight is not None

    later = motion.after(3.0)

    assert later.spread.place > motion.after(2.5).spread.place > motion.spread.place
    assert later.corrected(sight, 3.0).spread.place < later.spread.place


def test_a_moment_that_lies_back_or_stands_still_changes_nothing() -> None:
    motion = learnt(walk(300, 200, 50, across=100.0), 15)

    assert motion.after(2.0) == motion.after(1.0) == motion.after(math.nan) == motion


def test_box_and_landmarks_move_and_grow_together() -> None:
    face = Face(Box(80, 80, 40, 50), 0.8, {"right_eye": (90, 95), "left_eye": (110, 95)})
    seen = sight_of(face)
    assert seen is not None
    motion = first_motion(seen, 0.0)._replace(x=seen.x + 30, size=math.log(seen.size * 2))

    moved = motion.moved(face, seen)

    assert moved.box == pytest.approx((130 - 40, 105 - 50, 80, 100))
    assert moved.landmarks["right_eye"] == pytest.approx((130 - 20, 105 - 20))
    assert moved.score == 0.8


def test_where_nothing_moved_the_face_is_given_back_as_it_was_found() -> None:
    face = face_at((300, 200, 50), turn=0.1)
    seen = sight_of(face)
    assert seen is not None

    moved = first_motion(seen, 0.0).moved(face, seen)

    assert moved.box == pytest.approx(face.box)
    assert moved.landmarks["nose"] == pytest.approx(face.landmarks["nose"])


@pytest.mark.parametrize(
    "box",
    [
        Box(math.nan, 0, 10, 10),
        Box(0, math.inf, 10, 10),
        Box(0, 0, 10, math.nan),
        Box(-math.inf, 0, math.inf, 10),
        Box(0, 0, 0, 10),
        Box(0, 0, 10, -10),
        Box(0, 0, 1e300, 1e300),
        Box(1e9, 0, 10, 10),
    ],
)
def test_boxes_that_are_none_cannot_be_followed(box: Box) -> None:
    assert sight_of(Face(box, 0.9, {})) is None


def test_landmarks_that_are_no_numbers_cannot_be_followed() -> None:
    assert sight_of(Face(Box(0, 0, 10, 10), 0.9, {"right_eye": (math.nan, 1.0), "left_eye": (1.0, 1.0)})) is None


def test_a_wrong_pair_does_not_send_a_face_out_of_the_world() -> None:
    motion = learnt(walk(300, 200, 50), 15)
    for index in range(1, 40):
        sight = sight_of(face_at((300 + index % 2 * 5e4, 200, 50)))
        assert sight is not None
        motion = motion.corrected(sight, 2.0 + index * 1e-3)

    assert abs(motion.speed_x) <= module.FASTEST * 50


def test_shapes_differ_by_pose_and_not_by_place_or_size() -> None:
    one, moved, turned = (
        sight_of(face) for face in (face_at((100, 100, 50)), face_at((300, 200, 80)), face_at((100, 100, 50), turn=0.1))
    )
    assert one is not None
    assert moved is not None
    assert turned is not None

    assert one.shape.distance(moved.shape) == pytest.approx(0.0)
    assert one.shape.distance(turned.shape) == pytest.approx(0.01)
    assert one.shape.distance(module.Shape(())) == 0.0


def test_its_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
