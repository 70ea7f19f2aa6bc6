"""What a line says of faces that are followed over time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from observations import observation, opened

import fer_edge
from fer_edge.app.parts import Parts
from fer_edge.app.session import build_session
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.settings import Settings
from fer_edge.sinks.jsonl import JsonlSink
from fer_edge.types import LABELS, Box, Expression, Face, Observation, Rates, RestShift, Track

SMOOTH = Expression(np.array([0.0, 0.0, 0.1, 0.2, 0.3, 0.35, 0.05], np.float32), "sad", 0.35, True, ("turned",), 0.4)
FACE = {"box", "score", "landmarks", "expression", "confidence", "probabilities", "uncertain"}
LINE = {"frame", "camera", "timestamp", "faces", "fps", "latency_ms"}


def written(path: Path, *observations: Observation) -> List[Dict[str, Any]]:
    with opened(JsonlSink(path)) as sink:
        for one in observations:
            sink.write(one, Rates())
    return [json.loads(line) for line in path.read_text().splitlines()]


def followed(track: Optional[Track]) -> Observation:
    whole = observation()
    return whole.richer(faces=tuple(replace(face, track=track) for face in whole.faces))


def test_a_followed_face_has_its_raw_label_and_beside_it_the_track_with_the_steady_one(tmp_path: Path) -> None:
    (line,) = written(tmp_path / "out.jsonl", followed(Track(7, 3.21049, SMOOTH, 1.5)))
    (face,) = line["faces"]
    assert set(face) == FACE | {"track"}
    assert (face["expression"], face["confidence"], face["uncertain"]) == ("happy", 0.7, False)
    assert face["track"] == {
        "id": 7,
        "age_s": 3.21,
        "expression": "sad",
        "confidence": 0.35,
        "uncertain": True,
        "doubt": ["turned"],
        "since_s": 1.5,
        "valence": -0.15,
        "intensity": 0.7,
    }


def test_a_track_without_doubt_names_none(tmp_path: Path) -> None:
    sure = replace(SMOOTH, uncertain=False, doubt=())
    (line,) = written(tmp_path / "out.jsonl", followed(Track(1, 0.0, sure, 0.0)))
    track = line["faces"][0]["track"]
    assert "doubt" not in track
    assert track["uncertain"] is False


def test_the_shift_of_a_resting_face_is_told_by_label_with_the_time_that_it_was_watched(tmp_path: Path) -> None:
    shift = RestShift(np.array([0.0, 0.0, 0.0, -0.514, 0.0, 1.256, 0.0], np.float32), 12.34)
    (line,) = written(tmp_path / "out.jsonl", followed(Track(1, 0.0, SMOOTH, 0.0, rest=shift)))
    track = line["faces"][0]["track"]
    assert track["rest_shift"] == {**dict.fromkeys(LABELS, 0.0), "happy": -0.51, "sad": 1.26}
    assert track["rest_s"] == 12.3


def test_numbers_of_a_track_that_are_not_finite_become_null(tmp_path: Path) -> None:
    odd = Track(1, float("nan"), replace(SMOOTH, confidence=float("inf")), float("-inf"))
    (line,) = written(tmp_path / "out.jsonl", followed(odd))
    track = line["faces"][0]["track"]
    assert (track["age_s"], track["confidence"], track["since_s"]) == (None, None, None)


@pytest.mark.parametrize("predicted", [False, True])
def test_a_line_says_that_its_faces_were_predicted_only_where_they_were(tmp_path: Path, predicted: bool) -> None:
    (line,) = written(tmp_path / "out.jsonl", observation().richer(predicted=predicted))
    assert set(line) == LINE | ({"predicted"} if predicted else set())
    assert line.get("predicted", False) is predicted


def test_a_face_that_the_detector_told_without_a_look_says_so_itself_and_its_neighbour_does_not(tmp_path: Path) -> None:
    whole = observation()
    (seen,) = whole.faces
    expected = replace(seen, face=replace(seen.face, predicted=True))
    (line,) = written(tmp_path / "out.jsonl", whole.richer(faces=(expected, seen)))
    assert set(line) == LINE
    assert [set(face) - FACE for face in line["faces"]] == [{"predicted"}, set()]
    assert line["faces"][0]["predicted"] is True


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize(
    "frame",
    [{}, {"media_time": 1.5}, {"file": "one.jpg"}, {"file": "one.jpg", "problem": "it is empty"}],
    ids=["live", "video", "picture", "unreadable"],
)
@pytest.mark.parametrize("predicted", [False, True])
def test_a_file_with_any_line_of_ours_is_known_as_ours(
    tmp_path: Path, append: bool, frame: Dict[str, Any], predicted: bool
) -> None:
    seen = observation()
    seen = seen.richer(frame=replace(seen.frame, **frame), predicted=predicted)
    path = tmp_path / "out.jsonl"
    written(path, seen)
    with opened(JsonlSink(path, append=append)) as sink:
        sink.write(seen, Rates())
    assert len(path.read_text().splitlines()) == 1 + append


@pytest.mark.parametrize("tracks", [True, False])
def test_without_tracks_a_line_has_exactly_the_fields_that_it_had_before_there_were_any(
    tmp_path: Path, tracks: bool
) -> None:
    face = Face(Box(30, 30, 60, 60), 0.9, {"right_eye": (48.0, 50.0), "left_eye": (72.0, 50.0)})
    source = FakeSource([np.full((120, 120, 3), 90, np.uint8)] * 3)
    parts = Parts(lambda *_: source, lambda *_: lambda: FakeDetector([face]), lambda *_: FakeClassifier)
    path = tmp_path / "out.jsonl"
    fer_edge.deliver(build_session(Settings.of(tracks=tracks), parts), JsonlSink(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 3
    for line in lines:
        assert set(line) == LINE
        (one,) = line["faces"]
        assert set(one) - {"doubt"} == FACE | ({"track"} if tracks else set())
        assert one["expression"] == "happy"
