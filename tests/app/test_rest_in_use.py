"""A resting face is recorded, and used: from the settings to what follows faces."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
import pytest

import fer_edge
from fer_edge.app.file_roles import files_read
from fer_edge.app.parts import Parts
from fer_edge.app.pictures import PictureNotes
from fer_edge.app.rest import RestRecorder, record_rest
from fer_edge.app.tracking import build_tracker, network_of
from fer_edge.capture.fake import FakeSource
from fer_edge.classify.fake import FakeClassifier
from fer_edge.detect.fake import FakeDetector
from fer_edge.errors import RestNotSeen, RestUnusable, SourceNotFound, UsageError
from fer_edge.settings import Settings, load_settings
from fer_edge.track.rest import RestingFace
from fer_edge.track.rest_file import rest_file
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Observation, ObservedFace

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
IMAGE = np.zeros((48, 64, 3), np.uint8)
FACE = Face(Box(10, 10, 20, 20), 0.9, {"right_eye": (15, 15), "left_eye": (25, 15), "mouth": (20, 25)})
AT_REST = [0.002, 0, 0, 0.001, 0.96, 0.037, 0]
HAPPY = [0, 0, 0, 0.99, 0.01, 0, 0]


def expression(probabilities: Sequence[float], doubt: Tuple[str, ...] = ()) -> Expression:
    best = int(np.argmax(probabilities))
    return Expression(np.array(probabilities, np.float32), LABELS[best], probabilities[best], bool(doubt), doubt)


def observed(at: Optional[float], *shown: Expression) -> Observation:
    frame = Frame(0, 0.0 if at is None else at, NOW, IMAGE, file="anna.jpg" if at is None else "")
    return Observation(frame, tuple(ObservedFace(FACE, one) for one in shown))


def recorded(observations: List[Observation], seconds: float = 5.0) -> RestRecorder:
    recorder = RestRecorder(seconds)
    for observation in observations:
        if recorder.take(observation):
            break
    return recorder


def over_time(*kinds: Tuple[float, List[Expression]]) -> List[Observation]:
    """Return observations, ten a second: of each kind so many seconds."""
    shown = [faces for seconds, faces in kinds for _ in range(round(seconds * 10))]
    return [observed(100 + index / 10, *faces) for index, faces in enumerate(shown)]


REST = expression(AT_REST)


def test_a_face_at_rest_is_recorded_until_the_time_is_over() -> None:
    recorder = recorded(over_time((20, [REST])))
    recording = recorder.recording()
    assert recording.face.seconds == pytest.approx(5.0, abs=0.2)
    assert recording.face.frames == 51
    assert recording.face.log_odds[3] == pytest.approx(np.log(0.001 / 0.96), abs=1e-3)
    assert (recording.expression, recording.restless) == ("", False)


def test_a_cough_in_between_changes_nothing() -> None:
    quiet = recorded(over_time((5.5, [REST]))).recording()
    coughed = recorded(over_time((2, [REST]), (1, [expression(HAPPY)]), (3, [REST]))).recording()
    assert coughed.face.log_odds == pytest.approx(quiet.face.log_odds)
    assert (coughed.expression, coughed.restless) == ("", False)


def test_a_face_that_moves_all_the_time_is_told() -> None:
    other = expression([0, 0, 0, 0.1, 0.9, 0, 0])
    recording = recorded(over_time(*[(0.4, [REST]), (0.4, [other])] * 7)).recording()
    assert recording.restless


def test_a_smile_is_no_rest() -> None:
    assert recorded(over_time((6, [expression(HAPPY)]))).recording().expression == "happy"


def test_nobody_in_view_is_an_error_that_says_so() -> None:
    with pytest.raises(RestNotSeen, match="No face was in view for 100%"):
        recorded(over_time((6, []))).recording()
    with pytest.raises(RestNotSeen, match="No face was in view"):
        recorded([]).recording()
    with pytest.raises(RestNotSeen, match="No face was in view for 6.%"):
        recorded(over_time((2, [REST]), (4, []))).recording()


def test_two_people_are_an_error_and_one_who_walks_past_is_none() -> None:
    with pytest.raises(RestNotSeen, match="More than one face") as caught:
        recorded(over_time((3, [REST]), (3, [REST, REST]))).recording()
    assert "--roi" in caught.value.remedy
    assert recorded(over_time((4.5, [REST]), (0.5, [REST, REST]), (1, [REST]))).recording().face.seconds > 4


def test_a_face_that_is_turned_away_is_an_error_that_says_so() -> None:
    with pytest.raises(RestNotSeen, match="could not be read"):
        recorded(over_time((1, [REST]), (5, [expression(AT_REST, ("turned",))]))).recording()


def test_pictures_are_all_taken_and_take_no_time() -> None:
    recorder = recorded([observed(None, REST)] * 300)
    assert recorder.recording().face.frames == 300
    assert recorder.recording().face.seconds == 0.0


def test_one_picture_does() -> None:
    recording = recorded([observed(None, REST)]).recording()
    assert recording.face.log_odds[5] == pytest.approx(np.log(0.037 / 0.96), abs=1e-3)
    assert not recording.face.spread.any()


def test_a_picture_that_cannot_be_read_counts_for_nothing() -> None:
    broken = observed(None)
    broken = replace(broken, frame=replace(broken.frame, problem="it is damaged"))
    assert recorded([broken, observed(None, REST)]).recording().face.frames == 1


def made_parts(faces: int, probabilities: Sequence[float], live: bool = True) -> Parts:
    return Parts(
        source=lambda settings, camera, paced, names: FakeSource([IMAGE], live=live, fps=50.0, repeat=live),
        detector=lambda settings, name: lambda: FakeDetector([FACE] * faces),
        classifier=lambda settings: lambda: FakeClassifier(probabilities),
    )


def test_a_session_is_watched_until_the_time_is_over() -> None:
    lines: List[str] = []
    recording = record_rest(Settings(), 0.3, threading.Event(), lines.append, made_parts(1, AT_REST))
    assert 0.2 < recording.face.seconds < 1.5
    assert any("look into the camera" in line for line in lines)


def test_a_file_that_ends_early_gives_what_it_had() -> None:
    assert record_rest(Settings(), 60.0, threading.Event(), parts=made_parts(1, AT_REST, live=False)).face.frames == 1


def test_ended_early_nothing_is_recorded() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(RestNotSeen, match="ended early"):
        record_rest(Settings(), 60.0, stop, parts=made_parts(1, AT_REST))


def test_several_cameras_are_refused() -> None:
    with pytest.raises(UsageError, match="one camera, and there are 2"):
        record_rest(Settings.of(camera=["demo", "demo:2"]), 1.0, threading.Event())


def test_a_camera_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    settings = Settings.of(camera=str(tmp_path / "none.mp4"), reconnect="always")
    with pytest.raises(SourceNotFound):
        record_rest(settings, 1.0, threading.Event())


def saved(path: Path, settings: Settings, happy: float = -6.0) -> Path:
    at_rest = np.array([-6.0, -7, -8, happy, 0, -4, -7])
    path.write_bytes(rest_file(RestingFace(at_rest, np.zeros(7), 5.0, 75), network_of(settings), NOW))
    return path


def followed(settings: Settings, shown: Expression, seconds: float = 1.0) -> ObservedFace:
    tracker = build_tracker(settings)
    assert tracker is not None
    for index in range(round(seconds * 5) + 1):
        observation = tracker.follow(observed(index / 5, shown))
    return observation.faces[0]


SLIGHT = expression([0, 0, 0, 0.03, 0.97, 0, 0])


def test_a_face_is_judged_against_the_file_that_the_settings_name(tmp_path: Path) -> None:
    settings = Settings.of(rest=str(saved(tmp_path / "anna.json", Settings())))
    face = followed(settings, SLIGHT)
    assert face.track is not None
    assert (face.expression.label, face.steady.label) == ("neutral", "happy")
    assert face.track.rest is not None
    assert face.track.rest.seconds == 5.0
    assert face.track.rest.log_odds[3] == pytest.approx(-4.5)


def test_off_moves_nothing_and_auto_moves_what_it_has_watched() -> None:
    face = followed(Settings.of(rest="off"), REST, 20)
    assert face.track is not None
    assert face.track.rest is None
    face = followed(Settings.of(rest="auto"), REST, 20)
    assert face.track is not None
    assert face.track.rest is not None
    assert face.track.rest.log_odds[3] < -3
    assert face.track.rest.seconds == pytest.approx(20, abs=0.3)


def test_each_face_has_a_rest_of_its_own() -> None:
    tracker = build_tracker(Settings.of(rest="auto"))
    assert tracker is not None
    far = replace(FACE, box=Box(500, 10, 20, 20))
    for index in range(100):
        frame = observed(index / 5, REST)
        shown = (frame.faces[0], ObservedFace(far, expression(HAPPY)))
        seen = tracker.follow(frame.richer(faces=shown)).faces
    moved = [face.track.rest.log_odds.any() for face in seen if face.track is not None and face.track.rest is not None]
    assert moved == [True, False]


def test_a_wrong_file_is_an_error_at_the_start_with_its_place(tmp_path: Path) -> None:
    bad = tmp_path / "anna.json"
    bad.write_text("{}")
    with pytest.raises(RestUnusable, match="FER_EDGE_REST: .*anna.json"):
        build_tracker(load_settings({}, {"FER_EDGE_REST": str(bad)}))
    with pytest.raises(RestUnusable, match="another network"):
        build_tracker(Settings.of(rest=str(saved(bad, Settings())), model="fernet"))


def test_a_file_without_tracks_would_do_nothing_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not followed"):
        build_tracker(Settings.of(rest=str(tmp_path / "anna.json"), tracks=False))
    assert build_tracker(Settings.of(rest="auto", tracks=False)) is None


def test_the_file_is_one_that_no_output_may_overwrite(tmp_path: Path) -> None:
    assert ("--rest", "anna.json") in files_read(Settings.of(rest="anna.json"))
    assert ("--rest", "") in files_read(Settings.of(rest="auto"))


def test_a_program_gives_the_same_to_watch(tmp_path: Path) -> None:
    path = saved(tmp_path / "anna.json", Settings(), happy=5.0)
    for observation in fer_edge.watch("demo", rest=path, half_life=np.float32(0.2), track_memory=2):
        (seen,) = observation.faces
        assert seen.track is not None
        assert seen.track.rest is not None
        assert seen.track.rest.log_odds[3] == pytest.approx(6.0)
        break
    for observation in fer_edge.watch("demo", tracks=False):
        assert observation.faces[0].track is None
        break


@pytest.mark.parametrize(
    "wrong",
    [{"rest": ""}, {"rest": 1.5}, {"half_life": 0}, {"half_life": -1.0}, {"track_memory": "x"}, {"tracks": "maybe"}],
)
def test_what_makes_no_sense_is_an_error_that_names_it(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(UsageError, match=next(iter(wrong))):
        fer_edge.watch("demo", **wrong)


@pytest.mark.parametrize("rest", [True, False, None, "on", "AUTO", "True", "Off", ""])
def test_what_is_no_file_of_a_resting_face_is_told_what_may_be_given(rest: object) -> None:
    with pytest.raises(UsageError, match="it must be off, auto, or the name of a file"):
        fer_edge.watch("demo", rest=rest)  # type: ignore[arg-type]


def test_a_file_whose_name_is_such_a_word_is_given_with_its_folder(tmp_path: Path) -> None:
    path = saved(tmp_path / "on", Settings())
    assert fer_edge.watch("demo", rest=path).lanes


def test_a_file_goes_with_no_classifier_of_a_programs_own(tmp_path: Path) -> None:
    path = saved(tmp_path / "anna.json", Settings())
    with pytest.raises(UsageError, match="classifier of your own"):
        fer_edge.watch("demo", rest=path, model=FakeClassifier())
    assert fer_edge.watch("demo", rest="auto", model=FakeClassifier()).lanes


def test_the_file_is_compared_with_the_model_that_watch_is_given(tmp_path: Path) -> None:
    path = saved(tmp_path / "anna.json", Settings.of(model="fernet"))
    with pytest.raises(RestUnusable, match="another network"):
        fer_edge.watch("demo", rest=path)
    assert fer_edge.watch("demo", rest=path, model="fernet").lanes


def test_a_picture_is_judged_against_a_recorded_resting_face(tmp_path: Path) -> None:
    path = saved(tmp_path / "anna.json", Settings())
    tracker = build_tracker(Settings.of(rest=str(path)))
    assert tracker is not None
    slight = expression([0.002, 0, 0, 0.03, 0.93, 0.037, 0])

    first, second = (tracker.follow(observed(None, slight)).faces[0] for _ in range(2))

    assert first.expression.label == "neutral"
    assert first.steady.label == "happy"
    assert first.track is not None
    assert second.track is not None
    assert first.track.rest is not None
    assert first.track.rest.log_odds[LABELS.index("happy")] < 0
    assert second.track.id > first.track.id


def test_what_is_told_of_a_picture_is_judged_against_it_too(tmp_path: Path) -> None:
    settings = Settings.of(rest=str(saved(tmp_path / "anna.json", Settings())))
    tracker, notes = build_tracker(settings), PictureNotes(settings)
    assert tracker is not None

    notes.note(tracker.follow(observed(None, expression([0.002, 0, 0, 0.03, 0.93, 0.037, 0]))))

    assert notes.read[0].startswith("anna.jpg: happy")


@pytest.mark.parametrize("rest", ["off", "auto"])
def test_without_a_recorded_one_pictures_have_no_track(rest: str) -> None:
    tracker = build_tracker(Settings.of(rest=rest))
    assert tracker is not None
    assert tracker.follow(observed(None, REST)).faces[0].track is None
