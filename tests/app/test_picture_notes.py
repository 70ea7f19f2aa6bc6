"""What is told of pictures and animations at the end of a run."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Dict, Optional

import numpy as np
import pytest

from fer_edge.app.pictures import PictureNotes
from fer_edge.settings import Settings
from fer_edge.types import Box, Expression, Face, Frame, Observation, ObservedFace, Track

FACE = Face(Box(10, 10, 20, 20), 0.9, {})
SAD = Expression(np.eye(7, dtype=np.float32)[5], "sad", 0.8, False)
FEAR = Expression(np.eye(7, dtype=np.float32)[2], "fear", 0.6, False)


def seen(file: str, media_time: Optional[float], track: Optional[Track]) -> Observation:
    image = np.zeros((48, 64, 3), np.uint8)
    frame = Frame(0, 0.0, datetime.now(timezone.utc), image, file=file, media_time=media_time)
    return Observation(frame, (ObservedFace(FACE, FEAR, track),))


def test_people_are_told_the_steady_label_where_there_is_one() -> None:
    notes = PictureNotes(Settings.of(camera="clip.gif"))
    notes.note(seen("clip.gif", 0.5, Track(1, 0.5, SAD, 0.5)))
    notes.note(seen("portrait.png", None, None))
    assert notes.read == ("clip.gif: sad 80%", "portrait.png: fear 60%")


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"rest": "auto"}, "--rest auto will"),
        ({"events": "day.csv"}, "--events will"),
        ({"rest": "auto", "events": "day.csv"}, "--rest auto and --events will"),
    ],
)
def test_what_does_nothing_for_pictures_is_told_once(
    caplog: pytest.LogCaptureFixture, asked: Dict[str, str], named: str
) -> None:
    notes = PictureNotes(Settings.of(camera="photos", **asked))
    notes.note(seen("a.png", None, None))
    notes.note(seen("b.png", None, None))
    (told,) = caplog.messages
    assert named in told


def test_nothing_is_told_of_an_animation_nor_where_nothing_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    PictureNotes(Settings.of(camera="clip.gif", rest="auto")).note(seen("clip.gif", 0.5, None))
    PictureNotes(Settings.of(camera="photos", rest="anna.json")).note(seen("a.png", None, None))
    PictureNotes(Settings.of(camera="photos")).note(seen("a.png", None, None))
    assert not caplog.messages
