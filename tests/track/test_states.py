from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.track import FakeTracker
from fer_edge.track.states import StateLog
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Observation, ObservedFace, StateChange, Track

START = datetime(2026, 11, 26, 10, 0, tzinfo=timezone.utc)
PIXELS = np.zeros((0, 0, 3), np.uint8)
FACE = Face(Box(10, 10, 20, 20), 0.9, {})


def showing(label: str, confidence: float = 0.9, uncertain: bool = False) -> Expression:
    probabilities = np.full(7, (1 - confidence) / 6, np.float32)
    probabilities[LABELS.index(label)] = confidence
    return Expression(probabilities, label, confidence, uncertain)


def face(id: int, label: str, since: float = 0.0, hidden: float = 0.0, **of_expression: object) -> ObservedFace:
    expression = showing(label, **of_expression)  # type: ignore[arg-type]
    return ObservedFace(FACE, expression, Track(id, 100.0, expression, since, hidden))


def seen(at: float, *faces: ObservedFace, camera: str = "door", media: bool = False, jump: float = 0.0) -> Observation:
    """Return what a camera, or a video, shows after so many seconds, by a wall clock that jumped."""
    frame = Frame(
        round(at * 1000), 500.0 + at, START + timedelta(seconds=at + jump), PIXELS, camera, at if media else None
    )
    hidden = [one for one in faces if one.track is not None and one.track.hidden]
    return Observation(
        frame, tuple(one for one in faces if not any(one is other for other in hidden)), hidden=tuple(hidden)
    )


def told(log: StateLog, *observations: Observation) -> List[StateChange]:
    return [change for one in observations for change in log.update(one)]


def seconds(moment: Optional[datetime]) -> float:
    assert moment is not None
    return (moment - START).total_seconds()


def test_a_state_begins_with_the_steady_label_and_not_with_the_frame_that_first_shows_it() -> None:
    (begun,) = told(StateLog(), seen(2.0, face(3, "sad", since=0.75)))
    assert (begun.camera, begun.track, begun.label, begun.is_over) == ("door", 3, "sad", False)
    assert (seconds(begun.start), begun.duration, begun.frames) == (1.25, 0.0, 1)


def test_a_label_that_changes_ends_one_state_where_the_next_begins() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy")), seen(1.0, face(1, "happy", since=1.0)))
    ended, begun = told(log, seen(2.0, face(1, "sad", since=0.5)))
    assert (ended.label, ended.is_over, ended.duration, ended.frames) == ("happy", True, 1.5, 2)
    assert (begun.label, begun.is_over) == ("sad", False)
    assert seconds(ended.end) == seconds(begun.start) == 1.5


def test_a_face_that_went_away_ends_when_it_was_last_found() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy")), seen(1.0, face(1, "happy", since=1.0)))
    assert told(log, seen(1.5, face(1, "happy", since=1.5, hidden=0.5)), seen(2.0, face(1, "happy", 2.0, 1.0))) == []
    (ended,) = told(log, seen(2.6))
    assert (seconds(ended.end), ended.duration, ended.frames) == (1.0, 1.0, 2)
    assert (told(log, seen(3.0)), tuple(log.close())) == ([], ())


def test_when_a_face_was_last_found_is_known_though_that_frame_is_missing() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy")), seen(2.0, face(1, "happy", since=2.0, hidden=0.5)))
    (ended,) = log.close()
    assert (seconds(ended.end), ended.duration, ended.frames) == (1.5, 1.5, 1)


def test_a_face_that_is_only_expected_somewhere_was_not_found_there() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy")), replace(seen(1.0, face(1, "happy", since=1.0)), predicted=True))
    (ended,) = log.close()
    assert (ended.duration, ended.frames) == (0.0, 1)


def test_what_is_open_at_the_end_is_closed_once() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy"), face(2, "sad")), seen(0.5, face(1, "happy", 0.5), face(2, "sad", 0.5)))
    assert [(one.track, one.duration, one.is_over) for one in log.close()] == [(1, 0.5, True), (2, 0.5, True)]
    assert tuple(log.close()) == ()


def test_means_give_each_frame_in_which_the_face_was_found_the_same_weight() -> None:
    log = StateLog()
    told(
        log,
        seen(0.0, face(1, "happy", 0.0, confidence=0.7, uncertain=True)),
        seen(0.1, face(1, "happy", 0.1, confidence=0.4, uncertain=True)),
        seen(0.2, face(1, "happy", 0.2, hidden=0.1, confidence=0.1)),
        seen(5.0, face(1, "happy", 5.0, confidence=1.0)),
    )
    (ended,) = log.close()
    assert (ended.confidence, ended.frames, ended.uncertain) == (pytest.approx(0.7), 3, True)
    assert ended.valence == pytest.approx((0.65 + 0.3 + 1.0) / 3, abs=1e-6)
    assert ended.intensity == pytest.approx((0.95 + 0.9 + 1.0) / 3, abs=1e-6)


def test_half_of_the_frames_being_uncertain_is_not_most_of_them() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy", uncertain=True)), seen(0.1, face(1, "happy", 0.1)))
    assert [one.uncertain for one in log.close()] == [False]


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_wall_clock_that_jumps_changes_no_duration(jump: float) -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy")), seen(1.0, face(1, "happy", since=1.0), jump=jump))
    (ended,) = log.close()
    assert (ended.duration, seconds(ended.start), seconds(ended.end)) == (1.0, 0.0, 1.0 + jump)


def test_a_video_is_told_in_its_own_time() -> None:
    log = StateLog()
    # It is analysed ten times as fast as it plays.
    frames = [seen(at, face(1, "happy", since=at), media=True) for at in (0.0, 10.0, 20.0)]
    begun = told(log, *(replace(one, frame=replace(one.frame, timestamp=START)) for one in frames))
    (ended,) = log.close()
    assert [(one.media_start, one.media_end) for one in (*begun, ended)] == [(0.0, None), (0.0, 20.0)]
    assert (ended.duration, ended.start, ended.end) == (20.0, START, START)


def test_a_live_camera_has_no_moments_of_a_video() -> None:
    (begun,) = told(StateLog(), seen(0.0, face(1, "happy")))
    assert (begun.media_start, begun.media_end) == (None, None)


def test_a_video_that_goes_back_in_its_time_has_no_state_of_negative_length() -> None:
    log = StateLog()
    changes = told(log, seen(9.0, face(1, "happy"), media=True), seen(2.0, face(1, "sad"), media=True))
    assert [one.duration for one in (*changes, *log.close()) if one.is_over] == [0.0, 0.0]


def test_pictures_and_faces_that_nobody_follows_have_no_states() -> None:
    log = StateLog()
    plain = ObservedFace(FACE, showing("happy"))
    picture = seen(1.0, face(1, "happy"))
    unreadable = replace(picture.frame, problem="it is damaged", media_time=0.0)
    assert told(log, seen(0.0, plain), replace(picture, frame=replace(picture.frame, file="a.jpg"))) == []
    assert told(log, Observation(unreadable, picture.faces)) == []
    assert tuple(log.close()) == ()


def test_a_frame_whose_moment_is_no_number_ends_no_state() -> None:
    log = StateLog()
    begun = told(log, seen(0.0, face(1, "happy"), media=True))
    lost = [seen(0.5, media=True)] * 3
    odd = [replace(one, frame=replace(one.frame, media_time=at)) for one, at in zip(lost, (np.nan, np.inf, -np.inf))]
    assert (len(begun), told(log, *odd)) == (1, [])
    assert told(log, seen(1.0, face(1, "happy", since=1.0), media=True)) == []
    assert [one.duration for one in log.close()] == [1.0]


def test_a_source_that_does_not_count_in_seconds_breaks_nothing() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy", since=1e15)))
    (ended,) = told(log, seen(1.0))
    assert ended.label == "happy"


def test_a_camera_that_gave_nothing_for_long_is_judged_by_what_it_shows_next() -> None:
    log = StateLog()
    told(log, seen(0.0, face(1, "happy")), seen(0.25, face(1, "happy", since=0.25)))
    ended, begun = told(log, seen(7200.0, face(2, "sad")))
    assert (ended.track, ended.duration, begun.track) == (1, 0.25, 2)


def test_what_a_camera_showed_is_over_when_it_is_silent_for_long_and_another_is_not() -> None:
    log = StateLog()
    log.update(seen(0.0, face(1, "happy"), camera="gone"))
    assert told(log, *(seen(float(at), face(1, "sad", since=float(at))) for at in range(1, 61)))[0].camera == "door"
    (over,) = log.update(seen(60.5, face(1, "sad", since=60.5)))
    assert (over.camera, over.label, over.is_over, over.duration) == ("gone", "happy", True, 0.0)
    (anew,) = log.update(seen(70.0, face(1, "happy", since=70.0), camera="gone"))
    assert seconds(anew.start) == 70.0, "it does not begin before its end"
    assert [change.camera for change in log.close()] == ["door", "gone"]


def test_only_what_is_open_is_kept() -> None:
    log = StateLog()
    for number in range(1, 2000):
        told(log, seen(number / 10, face(number, "happy"), camera=f"camera{number}"))
        told(log, seen(number / 10 + 0.05, camera=f"camera{number}"))
    assert log._open == {}


def test_the_trackers_fake_is_enough_for_a_log() -> None:
    tracker, log = FakeTracker(), StateLog()
    observations = [seen(at, ObservedFace(FACE, showing("happy"))) for at in (0.0, 0.5, 1.0)]
    assert len(told(log, *map(tracker.follow, observations))) == 1
    assert [one.duration for one in log.close()] == [1.0]


# Laws, of streams that are made at random.


class Run(NamedTuple):
    """For how many frames a face shows a label, of these the last ones hidden, and how long before the first it began to."""

    label: str
    shown: int
    hidden: int
    early: float


@dataclass(frozen=True)
class Stream:
    """What one camera sees: when, and of each face the frame in which it comes and what it shows from then on."""

    camera: str
    times: Tuple[float, ...]
    comings: Tuple[Tuple[int, Tuple[Run, ...]], ...]

    def observations(self, kept: Optional[Sequence[int]] = None) -> List[Observation]:
        made: Dict[int, List[ObservedFace]] = {index: [] for index in range(len(self.times))}
        for number, (comes, runs) in enumerate(self.comings, 1):
            index, began = comes, None
            for run in runs:
                for step in range(run.shown + run.hidden):
                    if index >= len(self.times):
                        break
                    at = self.times[index]
                    if step == 0:
                        before = self.times[index - 1] if index > comes else at
                        began = at - run.early * (at - before)
                    assert began is not None
                    if step < run.shown:
                        found = at
                    made[index].append(face(number, run.label, at - began, at - found))
                    index += 1
        wanted = range(len(self.times)) if kept is None else kept
        return [seen(self.times[index], *made[index], camera=self.camera) for index in wanted]

    def needed(self) -> List[int]:
        """Return the frames without which states would be others: the first of each label, and the last of each face."""
        needed = []
        for comes, runs in self.comings:
            index = comes
            for run in runs:
                needed.append(index)
                index += run.shown + run.hidden
            needed += [min(index, len(self.times)) - 1, index]
        return [index for index in needed if index < len(self.times)]


def runs() -> st.SearchStrategy[Tuple[Run, ...]]:
    one = st.builds(
        Run, st.sampled_from(LABELS), st.integers(1, 4), st.integers(0, 3), st.sampled_from((0.0, 0.25, 0.9))
    )
    lists = st.lists(one, min_size=1, max_size=5)
    return lists.map(
        lambda all_: tuple(run for run, before in zip(all_, [None, *all_]) if not before or run.label != before.label)
    )


def streams(camera: str) -> st.SearchStrategy[Stream]:
    gaps = st.lists(st.sampled_from((0.03125, 0.0625, 0.25, 2.0)), min_size=1, max_size=20)
    times = gaps.map(lambda steps: tuple(float(sum(steps[:end])) for end in range(len(steps) + 1)))
    comings = st.lists(st.tuples(st.integers(0, 15), runs()), max_size=4).map(tuple)
    return st.builds(Stream, st.just(camera), times, comings)


def all_of(observations: Sequence[Observation]) -> List[StateChange]:
    log = StateLog()
    return [*told(log, *observations), *log.close()]


def key(change: StateChange) -> Tuple[str, int, str, datetime]:
    return change.camera, change.track, change.label, change.start


@given(streams("door"))
def test_every_state_that_begins_ends_once_and_those_of_a_face_follow_each_other(stream: Stream) -> None:
    changes = all_of(stream.observations())
    begun = [key(change) for change in changes if not change.is_over]
    ended = [change for change in changes if change.is_over]
    assert sorted(begun) == sorted(map(key, ended))
    assert len(set(begun)) == len(begun)
    for change in ended:
        assert changes.index(change) > begun.index(key(change))
        assert change.duration >= 0
        assert change.frames >= 1
        assert seconds(change.end) - seconds(change.start) == pytest.approx(change.duration, abs=1e-5)
    for track in {change.track for change in ended}:
        states = [change for change in ended if change.track == track]
        assert all(one.end == next_.start for one, next_ in zip(states, states[1:]))
        assert all(one.label != next_.label for one, next_ in zip(states, states[1:]))


@given(streams("door"), streams("hall"), st.randoms(use_true_random=False))
def test_cameras_together_tell_what_they_tell_alone(door: Stream, hall: Stream, random: object) -> None:
    one, other = door.observations(), hall.observations()
    mixed = sorted([*one, *other], key=lambda observation: observation.frame.captured_at)

    def in_order(changes: List[StateChange], camera: str) -> List[StateChange]:
        return [change for change in changes if change.camera == camera]

    together = all_of(mixed)
    assert in_order(together, "door") == all_of(one)
    assert in_order(together, "hall") == all_of(other)


@given(streams("door"), st.sets(st.integers(0, 20)))
def test_frames_that_are_missing_within_a_state_change_nothing_but_means(stream: Stream, left_out: Set[int]) -> None:
    kept = [index for index in range(len(stream.times)) if index not in left_out or index in stream.needed()]

    def states(observations: Sequence[Observation]) -> List[Tuple[int, str, float, float]]:
        over = [change for change in all_of(observations) if change.is_over]
        return sorted((one.track, one.label, seconds(one.start), seconds(one.end)) for one in over)

    whole, thinned = states(stream.observations()), states(stream.observations(kept))
    assert [state[:2] for state in thinned] == [state[:2] for state in whole]
    assert [moment for state in thinned for moment in state[2:]] == pytest.approx(
        [moment for state in whole for moment in state[2:]], abs=1e-5
    )
