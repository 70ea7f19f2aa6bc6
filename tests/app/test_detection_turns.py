"""Faces that are looked for in every second or third frame, and expected in between."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import wait_until

from fer_edge.app.detection import REACH, Detection, moved
from fer_edge.app.detection_turns import LOOK_SECONDS, DetectionTurns, turns_of
from fer_edge.app.live import LiveRun
from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.benchmark.report import result_of
from fer_edge.benchmark.run import BenchmarkOptions, run_benchmark
from fer_edge.benchmark.scenario import Protocol, measure
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FaceDetector
from fer_edge.errors import FileUnreadable, UsageError
from fer_edge.pipeline.session import Session
from fer_edge.settings import CameraSettings, Settings
from fer_edge.settings.load import load_settings
from fer_edge.sinks.jsonl import as_record
from fer_edge.track import Tracker
from fer_edge.types import Box, Face, Frame, Image, Observation, Rates, StageRate

FPS = 15.0
AT_ONCE = 10
"""Frames after which the tracker has seen the first, however far the stages are ahead of it."""


def face(x: float, score: float = 0.9) -> Face:
    marks = {"right_eye": (x + 18.0, 45.0), "left_eye": (x + 42.0, 45.0), "nose": (x + 30.0, 56.0)}
    return Face(Box(x, 20.0, 60.0, 60.0), score, marks)


class Video(Source):
    """A video of `count` images; a detector of this module reads its frame number from the first pixels."""

    live = False

    def __init__(self, count: int, bad: Sequence[int] = (), pictures: bool = False, live: bool = False) -> None:
        self.live = live
        self._count, self._bad, self._pictures, self._number = count, bad, pictures, -1

    @property
    def file(self) -> str:
        return f"{self._number}.png" if self._pictures else ""

    @property
    def media_time(self) -> Optional[float]:
        return None if self._pictures or self.live else self._number / FPS

    @property
    def given(self) -> int:
        """How many images there were."""
        return self._number

    def open(self) -> SourceInfo:
        return SourceInfo("video", 300, 100, FPS)

    def grab(self) -> bool:
        if self.live:
            time.sleep(0.001)  # one that never waits would leave the other threads no time
        self._number += 1
        return self._number < self._count

    def retrieve(self) -> Image:
        if self._number in self._bad:
            raise FileUnreadable("it is cut off")
        image = np.full((100, 300, 3), 90, np.uint8)
        image[0, 0] = self._number // 256 % 256, self._number % 256, 0
        return image

    def close(self) -> None:
        pass


class Counting(FaceDetector):
    """Finds what `seen` says of a frame, and keeps which frames it looked at."""

    def __init__(self, seen: Callable[[int], Sequence[Face]]) -> None:
        self._seen = seen
        self.looked: List[int] = []

    def detect(self, image: Image) -> Tuple[Face, ...]:
        number = 256 * int(image[0, 0, 0]) + int(image[0, 0, 1])
        self.looked.append(number)
        return tuple(self._seen(number))


def one_that_walks(number: int) -> Sequence[Face]:
    return [face(20.0 + number)]


def a_session(
    detector: FaceDetector, sources: Sequence[Source], hot: Callable[[], bool] = lambda: False, **options: Any
) -> Session:
    clock = options.pop("clock", None)
    names = [f"camera-{number}" for number in range(len(sources))]
    given = dict(zip(names, sources))
    cameras = tuple(CameraSettings(name, "made-up") for name in names)
    parts = Parts(
        source=lambda settings, camera, paced, again: given[camera.name],
        detector=lambda settings, name: lambda: detector,
        classifier=lambda settings: FakeClassifier,
        **({"clock": clock} if clock else {}),
    )
    return build_session(replace(Settings.of(**options), cameras=cameras), parts, hot=hot)


def watched(
    count: int, seen: Callable[[int], Sequence[Face]] = one_that_walks, every: str = "2", **options: Any
) -> Tuple[List[Observation], Counting, Session]:
    detector = Counting(seen)
    session = a_session(detector, [Video(count)], detect_every=every, **options)
    return list(session), detector, session


@pytest.mark.parametrize("every", [2, 3])
def test_every_nth_frame_is_looked_at_and_the_others_say_so(every: int) -> None:
    seen, detector, _ = watched(60, every=str(every))
    predicted = [one.frame.index for one in seen if one.predicted]
    assert [one.frame.index for one in seen] == list(range(60)), "each of them is analysed"
    assert detector.looked == [one.frame.index for one in seen if not one.predicted]
    first = predicted[0]
    assert first < AT_ONCE
    looks = [number for number in detector.looked if number >= first]
    assert [later - look for look, later in zip(looks, looks[1:])] == [every] * (len(looks) - 1)
    assert all(as_record(one, Rates(0.0, {}, 0.0)).get("predicted", False) == one.predicted for one in seen)
    assert {each.track.id for one in seen for each in one.faces if each.track is not None} == {1}
    assert all(len(one.faces) == 1 and one.faces[0].track is not None for one in seen), "in the others, too"


def test_a_frame_that_was_not_looked_at_counts_as_analysed_and_not_as_a_look() -> None:
    seen, detector, session = watched(60)
    assert session.balance().emitted == 60
    assert session.meter.counts() == {"capture": 60, "detect": len(detector.looked), "classify": 60}
    assert session.meter.service_times()["detect"].count == len(detector.looked)
    assert ["detect" in one.times for one in seen] == [not one.predicted for one in seen]


def test_what_is_not_asked_for_looks_at_each() -> None:
    seen, detector, _ = watched(30, every="1")
    assert detector.looked == list(range(30))
    assert not any(one.predicted for one in seen)
    assert not any("predicted" in as_record(one, Rates(0.0, {}, 0.0)) for one in seen)


def test_a_face_is_expected_near_where_it_would_be_found() -> None:
    seen, _, _ = watched(60)
    # The face walks a pixel a frame: at most that lies between where it was and where it is.
    assert all(abs(one.faces[0].face.box.x - 20.0 - one.frame.index) <= 1.5 for one in seen)


def test_a_face_that_leaves_is_in_no_frame_after_the_next_look() -> None:
    seen, _, _ = watched(90, lambda number: [face(20.0), face(160.0)] if number < 30 else [face(20.0)])
    gone = next(one.frame.index for one in seen if one.frame.index >= 30 and not one.predicted)
    assert gone <= 31
    after = [one for one in seen if one.frame.index >= gone]
    assert all(len(one.faces) == 1 for one in after)
    assert [len(one.hidden) for one in after][:3] == [1, 1, 1], "it is waited for"
    assert all(not one.hidden for one in after if one.frame.index > gone + 1.5 * FPS), "and then given up"


def test_a_new_face_is_found_at_the_next_look_and_stays() -> None:
    seen, _, _ = watched(60, lambda number: [face(20.0), face(160.0)] if number >= 20 else [face(20.0)])
    first = next(one.frame.index for one in seen if len(one.faces) == 2)
    assert first in (20, 21)
    assert all(len(one.faces) == 2 for one in seen if one.frame.index >= first)
    assert {each.track.id for one in seen for each in one.faces if each.track} == {1, 2}


def test_while_nobody_is_expected_every_frame_is_looked_at() -> None:
    _, detector, _ = watched(30, lambda number: [], every="3")
    assert detector.looked == list(range(30))


def test_one_who_is_hidden_is_looked_for_in_each_frame() -> None:
    _, detector, _ = watched(60, lambda number: [] if 20 <= number < 40 else [face(20.0)], every="3")
    looked = [number for number in detector.looked if 23 <= number < 40]
    assert looked == list(range(23, 40))


def test_pictures_and_files_that_cannot_be_read_are_never_predicted() -> None:
    detector = Counting(lambda number: [face(20.0)])
    pictures = list(a_session(detector, [Video(20, pictures=True)], detect_every="3"))
    assert detector.looked == list(range(20))
    assert not any(one.predicted for one in pictures)
    broken = list(a_session(Counting(one_that_walks), [Video(30, bad=[12, 13, 14, 15])], detect_every="3"))
    assert [one.frame.index for one in broken if one.frame.problem] == [12, 13, 14, 15]
    assert not any(one.predicted for one in broken if one.frame.problem)


def test_each_camera_has_turns_of_its_own() -> None:
    seen = list(a_session(Counting(one_that_walks), [Video(40), Video(40)], detect_every="2"))
    for name in ("camera-0", "camera-1"):
        turns = [one.predicted for one in seen if one.frame.source == name][AT_ONCE:]
        assert turns in ([bool(n % 2) for n in range(30)], [not n % 2 for n in range(30)]), name


def test_where_faces_are_blurred_every_frame_is_looked_at() -> None:
    coming = 31  # between two looks of every second frame

    def seen(number: int) -> Sequence[Face]:
        return [face(20.0), *([face(200.0, 0.3)] if number >= coming else [])]

    for every in ("auto", "1"):
        found, detector, _ = watched(60, seen, every=every, blur=True)
        assert detector.looked == list(range(60))
        assert [len(one.found) for one in found] == [1] * coming + [2] * (60 - coming)
    for every in ("2", "3"):
        with pytest.raises(UsageError, match=f"--blur no face is to be seen.*--detect-every {every} leaves out"):
            watched(60, seen, every=every, blur=True)


def test_auto_never_leaves_out_a_frame_whose_faces_are_blurred() -> None:
    clock = HandClock()
    turns = turns_of(
        Settings.of(detect_every="auto", blur=True), {"camera": cast(Tracker, object())}, lambda: True, clock
    )
    assert set(over_time(turns, clock, StandIn(clock), 20.0)) == {1}


def test_a_face_that_is_immense_is_no_reason_to_fail_in_a_frame_that_is_left_out() -> None:
    immense = Face(Box(1e200, 1e200, 10.0, 10.0), 0.9, {})
    assert moved([immense, face(20.0)], [(face(20.0), face(30.0))]) == (immense, face(30.0))


class Sure(Tracker):
    """Always expects the same face."""

    def follow(self, observation: Observation) -> Observation:
        return observation

    def expected(self, *moments: float) -> Sequence[Tuple[Face, ...]]:
        return [tuple(face(20.0) for _ in moments)]


def test_a_stage_that_is_built_anew_begins_with_a_look() -> None:
    turns = DetectionTurns({"camera": Sure()}, 3)
    detector = Counting(lambda number: [face(20.0)])
    image = np.full((100, 300, 3), 90, np.uint8)
    frames = [Frame(number, number / FPS, datetime.now(timezone.utc), image, "camera") for number in range(4)]
    for _ in range(2):
        stage = Detection({"camera": lambda: detector}, turns)
        seen = stage.work([Observation(frame) for frame in frames])
        assert [one.predicted for one in seen] == [False, True, True, False]
        assert [stage.skipped(one) for one in seen] == [False, True, True, False]


@pytest.mark.parametrize(("gap", "looks"), [(REACH, 1), (REACH + 0.01, 2), (-0.1, 2)], ids=["near", "far", "back"])
def test_nobody_is_expected_long_after_a_look_or_before_it(gap: float, looks: int) -> None:
    detector = Counting(lambda number: [face(20.0)])
    stage = Detection({"camera": lambda: detector}, DetectionTurns({"camera": Sure()}, 2))
    image = np.full((100, 300, 3), 90, np.uint8)
    for at in (10.0, 10.0 + gap):
        stage.work([Observation(Frame(0, at, datetime.now(timezone.utc), image, "camera"))])
    assert len(detector.looked) == looks


POINTS = st.floats(-500, 500)
SOME = st.lists(st.builds(face, POINTS, st.floats(0, 1)), max_size=6)


@given(SOME, SOME, st.lists(POINTS, min_size=6, max_size=6))
def test_nobody_is_added_and_nobody_is_lost(found: List[Face], then: List[Face], by: List[float]) -> None:
    expected = moved(found, [(there, face(there.box.x + across)) for there, across in zip(then, by)])
    assert [each.score for each in expected] == [each.score for each in found]
    assert all(set(each.landmarks) == set(was.landmarks) for each, was in zip(expected, found))
    assert all(each.box.width == pytest.approx(60.0) for each in expected)


def test_a_face_moves_and_grows_as_the_tracker_says_and_its_landmarks_with_it() -> None:
    grown = Face(Box(100.0, 20.0, 120.0, 120.0), 0.5, {})
    (now,) = moved([face(23.0)], [(face(20.0), grown)])
    assert now.box == pytest.approx((103.0, 20.0, 120.0, 120.0))
    assert now.landmarks["nose"] == pytest.approx((163.0, 92.0))


def test_without_tracks_frames_cannot_be_left_out(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[tracks]\non = false\ndetect_every = 3\n")
    settings = load_settings({}, {}, file)
    with pytest.raises(UsageError, match=r"settings.toml.*line 3.*--detect-every 3 leaves out"):
        turns_of(settings, {})
    with pytest.raises(UsageError, match="--tracks off"):
        a_session(Counting(one_that_walks), [Video(3)], tracks=False, detect_every="2")
    for every in ("auto", "1"):
        _, detector, _ = watched(20, tracks=False, every=every)
        assert detector.looked == list(range(20))


def test_a_face_goes_on_as_it_moved_meanwhile() -> None:
    class Walking(Sure):
        def expected(self, *moments: float) -> Sequence[Tuple[Face, ...]]:
            return [tuple(face(100.0 * at) for at in moments)]

    stage = Detection(
        {"camera": lambda: Counting(lambda number: [face(25.0)])}, DetectionTurns({"camera": Walking()}, 2)
    )
    image = np.full((100, 300, 3), 90, np.uint8)
    frames = [Frame(0, at, datetime.now(timezone.utc), image, "camera") for at in (0.2, 0.3)]
    seen = stage.work([Observation(frame) for frame in frames])
    assert [one.found[0].box.x for one in seen] == pytest.approx([25.0, 35.0])


def test_a_tracker_that_goes_on_meanwhile_exchanges_no_movements() -> None:
    class Exchanging(Sure):
        places = (20.0, 160.0)

        def expected(self, *moments: float) -> Sequence[Tuple[Face, ...]]:
            self.places = self.places[::-1]
            return [tuple(face(place) for _ in moments) for place in self.places]

    stage = Detection(
        {"camera": lambda: Counting(lambda number: [face(20.0), face(160.0)])},
        DetectionTurns({"camera": Exchanging()}, 2),
    )
    image = np.full((100, 300, 3), 90, np.uint8)
    frames = [Frame(0, at, datetime.now(timezone.utc), image, "camera") for at in (0.2, 0.3)]
    _, seen = stage.work([Observation(frame) for frame in frames])
    assert seen.predicted
    assert [each.box.x for each in seen.found] == [20.0, 160.0]


def test_two_faces_do_not_take_one_movement() -> None:
    near, far = moved([face(20.0), face(50.0)], [(face(21.0), face(31.0))])
    assert (near.box.x, far.box.x) == (30.0, 50.0)


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class StandIn:
    """What `DetectionTurns` asks a session; 30 frames a second come, and a share of them is dropped."""

    def __init__(self, clock: HandClock, live: Sequence[bool] = (True,), dropped: float = 0.5) -> None:
        self.lanes = [SimpleNamespace(live=one) for one in live]
        self._clock, self._dropped = clock, dropped

    def balance(self) -> Any:
        captured = round(30 * (self._clock.now - 1000.0))
        return SimpleNamespace(captured=captured, dropped=round(self._dropped * captured))

    def rates(self) -> Rates:
        return Rates(15.0, {"detection": StageRate(15.0, 15.0), "classification": StageRate(100.0, 15.0)}, 10.0)


def over_time(
    turns: DetectionTurns, clock: HandClock, session: StandIn, seconds: float, step: float = 1.0
) -> List[int]:
    turns.follow_load_of(cast(Session, session))
    said = []
    for _ in range(int(seconds / step)):
        clock.now += step
        said.append(turns.every("camera"))
    return said


def auto(clock: HandClock, **options: Any) -> DetectionTurns:
    return turns_of(Settings.of(detect_every="auto"), {"camera": cast(Tracker, object())}, clock=clock, **options)


def test_auto_takes_the_load_of_live_cameras_every_few_seconds() -> None:
    clock = HandClock()
    said = over_time(auto(clock), clock, StandIn(clock), 20.0)
    assert said[: int(LOOK_SECONDS)] == [1] * int(LOOK_SECONDS)
    assert said[-1] == 2


@pytest.mark.parametrize("live", [(False,), (True, False)], ids=["a file", "a file beside a camera"])
def test_auto_looks_at_each_frame_where_a_file_waits(live: Tuple[bool, ...]) -> None:
    clock = HandClock()
    assert set(over_time(auto(clock), clock, StandIn(clock, live), 30.0)) == {1}


def test_auto_asks_whether_the_board_is_hot() -> None:
    clock = HandClock()
    assert over_time(auto(clock, hot=lambda: True), clock, StandIn(clock, dropped=0.0), 20.0)[-1] == 2
    assert over_time(auto(clock), clock, StandIn(clock, dropped=0.0), 20.0)[-1] == 1


def test_the_live_run_tells_whether_the_board_is_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hot:
        def __init__(self, *given: object) -> None:
            self.state = SimpleNamespace(slowed_by=("fan",))

    asked: List[bool] = []

    def build(settings: Settings, parts: Parts, *, hot: Callable[[], bool]) -> Session:
        asked.append(hot())
        raise UsageError("That is all.")

    monkeypatch.setattr("fer_edge.app.live.BoardWatch", Hot)
    monkeypatch.setattr("fer_edge.app.live.build_session", build)
    with pytest.raises(UsageError):
        LiveRun(Settings.of(camera="demo", display="none"), threading.Event()).run()
    assert asked == [True]


def test_a_camera_whose_faces_nobody_follows_is_looked_at_in_each_frame() -> None:
    turns = turns_of(Settings.of(detect_every="3"), {"camera": None})
    assert turns.every("camera") == 1


def test_a_slow_detector_of_a_live_camera_is_given_every_third_frame_and_that_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, video = HandClock(), Video(10**6, live=True)

    class Slow(Counting):
        def detect(self, image: Image) -> Tuple[Face, ...]:
            begun = video.given
            wait_until(lambda: video.given >= begun + 5)
            clock.now += 0.1
            return super().detect(image)

    detector = Slow(lambda number: [face(20.0)])
    session = a_session(detector, [video], detect_every="auto", clock=clock)
    with caplog.at_level("INFO", "fer_edge"), session:
        two_before: Tuple[bool, bool] = (False, False)
        for _ in range(3000):
            observation = session.take(20.0)
            assert observation is not None
            if two_before == (True, True):
                break
            two_before = (two_before[1], observation.predicted)
        assert two_before == (True, True)
        assert not observation.predicted, "and then it looks"
        rate = session.rates().stages["detection"]
        assert rate.capacity == pytest.approx(10.0), "of the frames that it looked at"
    assert "faces are looked for in every 3rd frame" in caplog.text


def test_a_benchmark_tells_the_speed_of_looks_and_measures_each_frame_unless_told_otherwise() -> None:
    detector = Counting(lambda number: [face(20.0)])
    session = a_session(detector, [Video(10**6)], detect_every="2")
    facts: Dict[str, Any] = {"sha256": "0" * 64}
    result = result_of(measure(session, Protocol(0.0, 60.0, 200)), "x", facts)
    # Half of the frames, more or less those under way at the beginning and the end.
    looks = result["fps"]["detection_achieved"] * result["measured_s"]
    assert 90 <= looks <= 112
    assert result["stages"]["detect"]["every"] == 2
    assert 0 < result["stages"]["detect"]["mean_ms"] == pytest.approx(1e3 / result["fps"]["detection"], rel=0.05)

    parts = Parts(
        source=lambda settings, camera, paced, again: Video(10**6),
        detector=lambda settings, name: lambda: detector,
        classifier=lambda settings: FakeClassifier,
    )
    settings = Settings.of(camera="made-up.mp4", detect_every="auto", frames=20)
    report = run_benchmark(settings, BenchmarkOptions(("fernet",), warm_up=0.0), parts=parts)
    assert report["protocol"]["detect_every"] == 1
