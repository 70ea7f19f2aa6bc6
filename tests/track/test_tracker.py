"""Ids are stable over time: where faces cross, leave, hide and return, and where frames, clocks and detectors are odd."""

from __future__ import annotations

import doctest
import logging
import math
import threading
from dataclasses import replace
from typing import List

import numpy as np
import pytest
from scenes import (
    BLANK,
    HAPPY,
    NEUTRAL,
    FrameReading,
    Person,
    Scene,
    face_at,
    ids_of,
    observed,
    one_each,
    track_ids,
    walk,
)

from fer_edge.track import tracker as module
from fer_edge.track.tracker import FaceTracker
from fer_edge.types import Box, Face, ObservedFace

HERE = (200.0, 200.0, 60.0)
RATES = (5, 10, 15, 30, 60)


def crossing(speed: float, ratio: float, aside: float, size: float = 60.0) -> List[Person]:
    """Two who pass each other after two seconds, at so many sizes per second each."""
    way = 2.0 * speed * size
    return [
        Person("anna", walk(320 - way, 200, size, across=speed * size)),
        Person("ben", walk(320 + way, 200 + aside * size, size * ratio, across=-speed * size)),
    ]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("speed", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("aside", [0.0, 0.3])
def test_faces_that_cross_keep_their_ids(rate: int, speed: float, aside: float) -> None:
    assert one_each(ids_of(FaceTracker(), Scene(crossing(speed, 1.15, aside), hides=0.0).frames(rate, 4.0)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("speed", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("ratio", [1.15, 1.4])
def test_a_face_that_passes_behind_another_has_its_id_again(rate: int, speed: float, ratio: float) -> None:
    assert one_each(ids_of(FaceTracker(), Scene(crossing(speed, ratio, 0.0)).frames(rate, 4.0)))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("speed", [1.0, 2.0, 4.0])
def test_a_detector_that_misses_every_fifth_face_does_not_cost_ids(rate: int, speed: float) -> None:
    people = [
        *crossing(speed, 1.4, 0.3),
        Person("cleo", lambda t: (320 + 80 * math.sin(t), 400 + 20 * math.cos(3 * t), 70)),
    ]

    assert one_each(ids_of(FaceTracker(), Scene(people, every=5).frames(rate, 4.0)))


@pytest.mark.parametrize("rate", [15, 30, 60])
@pytest.mark.parametrize("seed", range(5))
def test_frames_that_are_dropped_do_not_cost_ids(rate: int, seed: int) -> None:
    assert one_each(ids_of(FaceTracker(), Scene(crossing(1.0, 1.3, 0.3), dropped=0.3, seed=seed).frames(rate, 4.0)))


@pytest.mark.parametrize("rate", RATES)
def test_a_face_that_comes_close_keeps_its_id(rate: int) -> None:
    people = [Person("anna", walk(320, 240, 30, zoom=2.0), lambda t: t < 3), Person("ben", walk(100, 240, 60))]

    assert one_each(ids_of(FaceTracker(), Scene(people, hides=0.0).frames(rate, 3.0)))


@pytest.mark.parametrize("rate", RATES)
def test_who_is_hidden_for_a_second_returns_with_the_same_id(rate: int) -> None:
    people = [Person("anna", walk(100, 200, 60, across=50.0), lambda t: not 2.0 <= t <= 3.0)]

    assert one_each(ids_of(FaceTracker(), Scene(people).frames(rate, 5.0)))


@pytest.mark.parametrize("rate", RATES)
def test_who_comes_after_the_memory_is_somebody_new_even_at_the_same_place(rate: int) -> None:
    people = [Person("anna", walk(*HERE), lambda t: t <= 1.0), Person("ben", walk(*HERE), lambda t: t > 2.7)]

    assert ids_of(FaceTracker(), Scene(people, hides=0.0).frames(rate, 4.0)) == {"anna": {1}, "ben": {2}}


def test_the_memory_can_be_set() -> None:
    tracker = FaceTracker(memory=0.5)
    ids = [track_ids(tracker.follow(observed(at, [face_at(HERE)]))) for at in (0.0, 0.5, 1.01)]

    assert ids == [[1], [1], [2]]


@pytest.mark.parametrize("memory", [0.0, -1.0, math.nan, math.inf])
def test_a_memory_that_is_no_time_is_refused(memory: float) -> None:
    with pytest.raises(ValueError, match="memory"):
        FaceTracker(memory)


def test_nobody_to_follow_is_refused() -> None:
    with pytest.raises(ValueError, match="most"):
        FaceTracker(most=0)


def test_a_hidden_face_moves_on_and_fades_and_keeps_what_it_showed() -> None:
    tracker = FaceTracker()
    for index in range(16):
        tracker.follow(observed(index / 15, [face_at((100 + 4 * index, 200, 60))]))

    first, second, later = (tracker.follow(observed(1.0 + after)).hidden[0] for after in (0.1, 0.3, 1.5))

    assert 160 < first.face.box.x + 30 < second.face.box.x + 30 < later.face.box.x + 30 < 230
    assert first.face.landmarks["nose"][0] - first.face.box.x == pytest.approx(30, abs=0.5)
    assert first.expression is HAPPY
    tracks = [face.track for face in (first, second, later) if face.track is not None]
    assert [track.hidden for track in tracks] == pytest.approx([0.1, 0.3, 1.5])
    assert [track.fade for track in tracks] == pytest.approx([0.2, 0.6, 1.0])
    assert [track.age for track in tracks] == pytest.approx([1.1, 1.3, 2.5])
    assert {track.expression.label for track in tracks} == {"happy"}
    assert tracker.follow(observed(2.51)).hidden == ()


def test_a_face_that_is_found_again_does_not_fade_any_more() -> None:
    tracker = FaceTracker()
    tracker.follow(observed(0.0, [face_at(HERE)]))
    tracker.follow(observed(0.4))

    track = tracker.follow(observed(0.5, [face_at(HERE)])).faces[0].track

    assert track is not None
    assert (track.id, track.hidden, track.fade) == (1, 0.0, 0.0)


def test_with_a_short_memory_a_face_has_faded_when_it_is_given_up() -> None:
    tracker = FaceTracker(memory=0.2)
    tracker.follow(observed(0.0, [face_at(HERE)]))

    track = tracker.follow(observed(0.2)).hidden[0].track

    assert track is not None
    assert track.fade == 1.0


def test_each_face_has_a_reading_of_its_own_that_begins_with_it() -> None:
    class Counting(FrameReading):
        made = 0

        def __init__(self) -> None:
            super().__init__()
            Counting.made += 1

    tracker = FaceTracker(make_reading=Counting)
    there = face_at((400, 200, 60))
    for index in range(10):
        seen = observed(index / 10, [face_at(HERE), there])
        faces = (replace(seen.faces[0], expression=HAPPY if index < 5 else NEUTRAL), seen.faces[1])
        seen = tracker.follow(seen.richer(faces=faces))

    tracks = [face.track for face in seen.faces if face.track is not None]
    assert [(track.expression.label, round(track.since, 3)) for track in tracks] == [("neutral", 0.4), ("happy", 0.9)]
    assert Counting.made == 2


def test_predicted_faces_are_read_but_not_found_so_that_who_left_is_given_up() -> None:
    tracker = FaceTracker(make_reading=FrameReading)
    for index in range(10):
        tracker.follow(observed(index / 10, [face_at((100 + 10 * index, 200, 60))]))
    motions = [one.motion for one in tracker._followed]

    seen = []
    for at in (1.0, 1.4, 2.4, 2.45):
        given = [face for (face,) in tracker.expected(at)]
        one = observed(at, given, predicted=True)
        seen.append(tracker.follow(one.richer(faces=tuple(replace(face, expression=NEUTRAL) for face in one.faces))))

    tracks = [one.faces[0].track for one in seen[:3]]
    assert [(track.id, track.fade, track.expression.label) for track in tracks if track] == [(1, 0.0, "neutral")] * 3
    assert [track.hidden for track in tracks if track] == pytest.approx([0.1, 0.5, 1.5])
    assert motions[0].speed_x > 50
    assert seen[3].faces == seen[3].hidden == ()


def test_prediction_teaches_the_motion_nothing() -> None:
    looked, between = FaceTracker(), FaceTracker()
    for index in range(12):
        at, faces = index / 10, [face_at((100 + 10 * index, 200, 60))]
        if index % 3 == 0:
            looked.follow(observed(at, faces))
            between.follow(observed(at, faces))
        else:
            (going_on,) = between.expected(at)
            between.follow(observed(at, [face_at((300, 200, 60)), *going_on], predicted=True))

    assert between.expected(1.3) == looked.expected(1.3)


def test_a_predicted_face_that_nobody_expects_begins_no_track() -> None:
    tracker = FaceTracker()
    tracker.follow(observed(0.0, [face_at(HERE)]))

    seen = tracker.follow(observed(0.1, [face_at((500, 200, 60)), face_at(HERE)], predicted=True))

    assert track_ids(seen) == [None, 1]
    assert track_ids(tracker.follow(observed(0.2, [face_at((500, 200, 60))]))) == [2]


def test_who_was_looked_for_and_not_found_is_not_expected() -> None:
    tracker = FaceTracker()
    tracker.follow(observed(0.0, [face_at(HERE), face_at((400, 200, 60))]))
    tracker.follow(observed(0.1, [face_at(HERE)]))

    assert [round(face.box.x) for (face,) in tracker.expected(0.2)] == [170]


def test_nobody_is_expected_beyond_the_memory_or_long_ago() -> None:
    tracker = FaceTracker()
    assert not tracker.expected(0.0)
    tracker.follow(observed(10.0, [face_at(HERE)]))

    assert [len(tracker.expected(at)) for at in (9.0, 9.9, 10.0, 11.5, 11.6, math.nan)] == [0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("media", [True, False])
def test_a_clock_that_stands_still_or_goes_back_a_little_costs_nothing(media: bool) -> None:
    tracker = FaceTracker()
    times = (5.0, 5.1, 5.1, 5.1, 5.0, 5.05, 5.2)
    seen = [tracker.follow(observed(at, [face_at(HERE)], media=media)) for at in times]

    assert [track_ids(one) for one in seen] == [[1]] * len(times)
    tracks = [one.faces[0].track for one in seen]
    assert [track.age for track in tracks if track] == pytest.approx([0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2])


def test_a_video_that_starts_anew_has_other_people() -> None:
    tracker = FaceTracker()
    tracker.follow(observed(5.0, [face_at(HERE)]))
    seen = tracker.follow(observed(0.0, [face_at(HERE)]))

    assert track_ids(seen) == [2]
    assert seen.hidden == ()
    assert len(tracker.expected(0.1)) == 1


def test_after_a_gap_longer_than_the_memory_everybody_is_new() -> None:
    tracker = FaceTracker()
    tracker.follow(observed(0.0, [face_at(HERE), face_at((400, 200, 60))]))
    seen = tracker.follow(observed(1.6, [face_at(HERE)]))

    assert track_ids(seen) == [3]
    assert seen.hidden == ()


def test_a_cut_ends_all_tracks() -> None:
    scene = np.random.default_rng(0).integers(0, 256, (12, 16, 1), np.uint8).repeat(40, 0).repeat(40, 1).repeat(3, 2)
    tracker = FaceTracker()
    seen = []
    for index, image in enumerate((scene, scene, scene[::-1], scene[::-1])):
        one = observed(index / 10, [face_at(HERE)])
        seen.append(tracker.follow(one.richer(frame=replace(one.frame, image=image))))

    assert [track_ids(one) for one in seen] == [[1], [1], [2], [2]]
    assert seen[2].hidden == ()


def test_pictures_and_frames_with_a_problem_are_passed_on_as_they_are() -> None:
    tracker = FaceTracker()
    tracker.follow(observed(0.0, [face_at(HERE)]))
    one = observed(0.1, [face_at(HERE)])
    picture = one.richer(frame=replace(one.frame, media_time=None, file="a.jpg"))
    broken = one.richer(frame=replace(one.frame, image=np.zeros((0, 0, 3), np.uint8), problem="it is damaged"))
    timeless = one.richer(frame=replace(one.frame, media_time=math.nan))

    assert [tracker.follow(odd) is odd for odd in (picture, broken, timeless)] == [True] * 3
    assert track_ids(tracker.follow(observed(0.2, [face_at(HERE)]))) == [1]


ODD = (
    Face(Box(math.nan, 0, 10, 10), 0.9, {}),
    Face(Box(0, 0, 0, 10), 0.9, {}),
    Face(Box(0, 0, 1e300, 1e300), 0.9, {}),
    Face(Box(-math.inf, 0, math.inf, 10), math.nan, {"right_eye": (math.nan, 0)}),
)


def test_boxes_that_are_none_pass_without_a_track_and_disturb_nobody() -> None:
    tracker = FaceTracker()
    for index in range(5):
        seen = tracker.follow(observed(index / 10, [*ODD, face_at(HERE)]))

    assert track_ids(seen) == [None] * 4 + [1]
    assert seen.hidden == ()


def test_a_face_without_a_score_is_followed_after_all_others() -> None:
    tracker = FaceTracker(most=1)

    seen = tracker.follow(observed(0.0, [face_at((100, 100, 50), score=math.nan), face_at((300, 100, 50), score=0.1)]))

    assert track_ids(seen) == [None, 1]


def test_of_a_thousand_false_faces_the_surest_are_followed_and_it_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracker = FaceTracker()
    chance = np.random.default_rng(0)
    with caplog.at_level(logging.WARNING, "fer_edge"):
        for index in range(20):
            places = chance.uniform(0, 2000, (1000, 2))
            seen = tracker.follow(
                observed(index / 10, [face_at((x, y, 40.0), score=n / 1000) for n, (x, y) in enumerate(places)])
            )
            assert [number for number, one in enumerate(track_ids(seen)) if one is not None] == list(range(936, 1000))
            assert len(tracker._followed) == 64
    assert [record.getMessage().split(";")[0] for record in caplog.records] == ["camera door: 1000 faces in one frame"]

    tracker.follow(observed(20.0, [face_at((x, y, 40.0)) for x, y in places]))
    assert len(caplog.records) == 2


def test_where_there_is_no_room_for_all_hidden_faces_those_found_last_are_kept() -> None:
    tracker = FaceTracker(most=2)
    places = [(100.0 * n, 100.0, 40.0) for n in range(1, 4)]
    hidden = [tracker.follow(observed(0.1 * n, [face_at(place)])).hidden for n, place in enumerate(places)]

    assert [[one.track.id for one in each if one.track] for each in hidden] == [[], [1], [2]]


def test_faces_come_back_in_their_order_with_nothing_else_changed() -> None:
    seen = observed(0.0, [face_at((400, 100, 50), score=0.6), face_at((100, 100, 50), score=0.9)], index=7)

    followed = FaceTracker().follow(seen)

    assert [(one.face, one.expression) for one in followed.faces] == [(one.face, one.expression) for one in seen.faces]
    assert followed.richer(faces=seen.faces, hidden=()) == seen


def test_another_thread_may_ask_at_any_time_and_never_sees_half_a_frame() -> None:
    # Both faces always move together: whoever sees them apart saw one of them in another frame.
    tracker, apart, asked = FaceTracker(), [], []
    begun, over = threading.Event(), threading.Event()

    def ask() -> None:
        begun.set()
        while not over.is_set():
            faces = tracker.expected(1000.0, 1000.1)
            asked.append(len(faces))
            if len(faces) == 2 and any(abs(one.box.x - other.box.x) > 1e-6 for one, other in zip(*faces)):
                apart.append(faces)

    thread = threading.Thread(target=ask)
    thread.start()
    assert begun.wait(60)
    try:
        for index in range(2000):
            x = 300 + 100 * math.sin(index / 20)
            tracker.follow(observed(1000 + index * 1e-4, [face_at((x, 100, 50)), face_at((x, 400, 50))]))
    finally:
        over.set()
        thread.join(60)

    assert 2 in asked
    assert apart == []


def test_its_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0


def test_nobody_in_view_is_nobody_followed() -> None:
    seen = FaceTracker().follow(observed(0.0))

    assert seen.faces == seen.hidden == ()
    assert seen.frame.image is BLANK


def test_a_face_of_somebody_else_without_landmarks_is_followed_by_its_box() -> None:
    tracker = FaceTracker()
    faces = [Face(Box(100 + 5 * n, 100, 50, 60), 0.9, {}) for n in range(3)]

    assert [track_ids(tracker.follow(observed(n / 10, [face]))) for n, face in enumerate(faces)] == [[1]] * 3
    assert isinstance(tracker.follow(observed(0.3)).hidden[0], ObservedFace)
