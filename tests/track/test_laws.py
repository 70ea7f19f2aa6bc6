"""What holds for every stream of faces, whatever a detector finds."""

from __future__ import annotations

from typing import List, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import Person, Scene, face_at, ids_of, observed, one_each, track_ids, walk

from fer_edge.track.tracker import FaceTracker
from fer_edge.types import Box, Face

NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-50.0, 700.0)
ODD = st.builds(lambda x, y, w, h, score: Face(Box(x, y, w, h), score, {}), NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
GOOD = st.builds(
    lambda x, y, size, turn, score: face_at((x, y, size), turn, score),
    st.floats(0, 640),
    st.floats(0, 480),
    st.floats(20, 200),
    st.floats(-0.2, 0.2),
    st.floats(0.5, 1.0),
)
STEPS = st.floats(0.0, 0.4) | st.sampled_from([-3.0, -0.1, 0.0, 2.0])
STREAMS = st.lists(st.tuples(STEPS, st.lists(GOOD | ODD, max_size=6), st.booleans()), max_size=12)


@settings(max_examples=100)
@given(STREAMS)
def test_ids_are_positive_never_used_again_once_in_a_frame_and_bounded(
    stream: List[Tuple[float, List[Face], bool]],
) -> None:
    tracker = FaceTracker(most=4)
    at, highest = 100.0, 0
    alive: Set[int] = set()
    for step, faces, predicted in stream:
        at += step
        before = observed(at, faces, predicted=predicted)
        seen = tracker.follow(before)

        shown = [one.track for one in (*seen.faces, *seen.hidden) if one.track is not None]
        ids = [track.id for track in shown]
        new = set(ids) - alive
        assert len(set(ids)) == len(ids) <= 4
        assert all(one > highest for one in new)
        assert not (predicted and new)
        assert all(one.track is not None for one in seen.hidden)
        assert all(
            0.0 <= track.fade <= 1.0 and 0.0 <= track.hidden <= 1.5 and track.age >= track.hidden for track in shown
        )
        # Equality would not do: a number that is none equals not even itself.
        assert [id(one.face) for one in seen.faces] == [id(face) for face in faces]
        assert (seen.frame, seen.found, seen.predicted) == (before.frame, before.found, predicted)
        highest, alive = max([highest, *ids]), set(ids)
        assert all(face.box.width > 0 for (face,) in tracker.expected(at))


@given(
    st.lists(st.lists(GOOD, max_size=5, unique_by=lambda face: face.box), max_size=6), st.randoms(use_true_random=False)
)
def test_the_order_of_the_faces_does_not_matter(stream: List[List[Face]], chance: object) -> None:
    one, other = FaceTracker(), FaceTracker()
    for index, faces in enumerate(stream):
        order = list(range(len(faces)))
        chance.shuffle(order)  # type: ignore[attr-defined]

        ids = track_ids(one.follow(observed(index / 10, faces)))
        shuffled = track_ids(other.follow(observed(index / 10, [faces[place] for place in order])))

        assert shuffled == [ids[place] for place in order]


@settings(max_examples=20)
@given(st.floats(0.3, 3.0), st.floats(1.15, 1.5), st.floats(0.3, 1.0), st.sampled_from([0, 5]), st.integers(0, 100))
def test_the_same_people_have_the_same_ids_at_any_rate_of_frames(
    speed: float, ratio: float, aside: float, every: int, seed: int
) -> None:
    size = 50.0
    people = [
        Person("anna", walk(320 - 2 * size, 100, size, across=speed * size), lambda t: t <= 4 / speed),
        Person("ben", walk(320 + 2 * size, 100 + aside * size, size * ratio, across=-speed * size)),
        Person("cleo", walk(320, 350, size)),
    ]
    scene = Scene(people, every=every, hides=0.0, seed=seed)

    ids = [ids_of(FaceTracker(), scene.frames(rate, 4 / speed)) for rate in (10, 15, 30)]

    assert all(one_each(each) for each in ids)


@pytest.mark.parametrize("rate", [10, 15, 30])
def test_a_face_that_left_is_given_up_at_the_same_time_at_any_rate(rate: int) -> None:
    tracker = FaceTracker()
    hidden = []
    for index in range(4 * rate):
        at = index / rate
        faces = [face_at((200, 200, 60))] if at <= 1.0 else []
        seen = tracker.follow(observed(at, faces))
        hidden += [at for _ in seen.hidden]

    assert max(hidden) == pytest.approx(2.5, abs=1 / rate)
