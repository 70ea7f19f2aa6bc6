from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import List, Sequence

import numpy as np
import pytest

from fer_edge.track.minutes import MinuteFigures, MinuteLog
from fer_edge.types import LABELS, Box, Expression, Face, Frame, Observation, ObservedFace

START = datetime(2026, 11, 26, 10, 0, tzinfo=timezone.utc)


def face(label: str) -> ObservedFace:
    probabilities = np.full(7, 0.0, np.float32)
    probabilities[LABELS.index(label)] = 1.0
    return ObservedFace(Face(Box(0, 0, 9, 9), 1.0, {}), Expression(probabilities, label, 1.0, False))


def seen(at: float, labels: Sequence[str] = (), camera: str = "door") -> Observation:
    frame = Frame(int(at * 10), 500.0 + at, START + timedelta(seconds=at), np.zeros((9, 9, 3), np.uint8), camera)
    return Observation(frame, tuple(map(face, labels)))


def fold(observations: Sequence[Observation]) -> List[MinuteFigures]:
    log = MinuteLog()
    # In two steps: before Python 3.9 a display of two starred parts calls the second before it goes through the first.
    complete = [minute for one in observations for minute in log.update(one)]
    return complete + log.close()


def test_a_minute_tells_how_many_people_there_were_and_how_long_each_expression_was_shown() -> None:
    frames = [
        seen(tenth / 10, ["happy", "sad"] if 100 <= tenth < 400 else ["happy"] if tenth < 100 else [])
        for tenth in range(601)
    ]
    first, second = fold(frames)
    assert (first.camera, first.start, first.frames) == ("door", START, 600)
    assert first.seconds == pytest.approx(59.9)
    assert first.expressions["happy"] == pytest.approx(39.9)
    assert first.expressions["sad"] == pytest.approx(30.0)
    assert first.persons == pytest.approx(69.9 / 59.9)
    assert first.persons_most == 2
    assert first.valence == pytest.approx((39.9 - 30.0) / 69.9)
    assert first.fps == pytest.approx(10.0, abs=0.1)
    assert (second.start, second.frames, second.valence) == (START + timedelta(minutes=1), 1, None)


def test_of_the_time_in_which_a_camera_was_away_nothing_is_told() -> None:
    (minute,) = fold([seen(0.0, ["happy"]), seen(1.0, ["happy"]), seen(41.0, ["happy"]), seen(42.0, ["happy"])])
    assert minute.seconds == pytest.approx(2.0)
    assert minute.expressions["happy"] == pytest.approx(2.0)


def test_a_camera_that_gives_nothing_any_more_keeps_its_minute_back_for_one_more() -> None:
    log = MinuteLog()
    log.update(seen(30.0, camera="yard"))
    assert not [minute for at in (59.0, 90.0) for minute in log.update(seen(at)) if minute.camera == "yard"]
    (done,) = [minute for at in (100.0, 121.0) for minute in log.update(seen(at)) if minute.camera == "yard"]
    assert (done.start, done.frames) == (START, 1)


def test_a_clock_that_is_set_back_makes_parts_of_minutes_and_loses_no_frame() -> None:
    frames = [seen(at / 2) for at in range(200)]
    back = [
        replace(one, frame=replace(one.frame, timestamp=one.frame.timestamp - timedelta(seconds=60)))
        if number > 150
        else one
        for number, one in enumerate(frames)
    ]
    parts = fold(back)
    assert sum(part.frames for part in parts) == 200
    assert [part.start.minute for part in parts] == [0, 1, 0]


def test_pictures_count_for_nothing() -> None:
    picture = seen(0.0, ["happy"])
    assert fold([replace(picture, frame=replace(picture.frame, file="anna.jpg"))]) == []
