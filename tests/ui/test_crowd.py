"""Many small faces in a large image: each label is to be read, and tells whose it is."""

from __future__ import annotations

from typing import List

import numpy as np
import pytest

from fer_edge.types import Box, Expression, Face, ObservedFace, Track
from fer_edge.ui.drawing import Rect, style_for
from fer_edge.ui.placing import place_faces

FULL_HD = Rect(0, 0, 1920, 1080)
STYLE = style_for(1080)


def person(track: int, x: float, y: float, height: float) -> ObservedFace:
    expression = Expression(np.full(7, 1 / 7, np.float32), "neutral", 0.9, False)
    return ObservedFace(Face(Box(x, y, height, height), 0.9, {}), expression, Track(track, 1.0, expression, 1.0, 0.0))


def rows_of(pitch: int, height: int) -> List[ObservedFace]:
    places = [(x, y) for y in range(40, 1000, 110) for x in range(20, 1820, pitch)]
    return [person(track, x, y, height) for track, (x, y) in enumerate(places, start=1)]


@pytest.mark.parametrize(("pitch", "height"), [(260, 25), (200, 40), (180, 40)])
def test_the_labels_of_a_crowd_lie_on_no_face_and_on_no_other_label(pitch: int, height: int) -> None:
    placed = place_faces(FULL_HD, STYLE, rows_of(pitch, height), [])
    labels = [one.chip.rect for one in placed]
    for place, label in enumerate(labels):
        assert not any(label.meets(other) for other in labels[:place])
        assert not any(label.meets(one.box) for one in placed)


def test_labels_and_bars_stay_where_they_are_when_the_detector_is_surer_of_another_face() -> None:
    faces = [person(1, 600, 400, 90), person(2, 760, 420, 90), person(3, 700, 520, 90)]
    places = {one.box: (one.chip, one.bars) for one in place_faces(FULL_HD, STYLE, faces, [])}
    again = {one.box: (one.chip, one.bars) for one in place_faces(FULL_HD, STYLE, faces[::-1], [])}
    assert again == places


def test_a_face_much_smaller_than_a_panel_of_bars_has_none_and_a_larger_one_has_them() -> None:
    far, near = place_faces(FULL_HD, STYLE, [person(1, 300, 500, 40), person(2, 1300, 500, 90)], [])
    assert far.bars is None
    assert near.bars is not None


def test_the_label_of_a_small_face_stands_beside_it_where_there_is_no_room_above_or_below() -> None:
    (one,) = place_faces(Rect(0, 0, 320, 62), style_for(240), [person(1, 100, 11, 40)], [])
    assert not one.chip.rect.meets(one.box)
