from __future__ import annotations

from typing import List

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fer_edge.types import DOUBTS, LABELS, Box, Expression, Face, ObservedFace, Track
from fer_edge.ui.drawing import Rect, style_for
from fer_edge.ui.placing import place_faces

CHANCE = np.full(7, 1 / 7, np.float32)


def seen(
    box: Box, track: int = 1, label: str = "happy", confidence: float = 0.9, doubt: str = "", fade: float = 0.0
) -> ObservedFace:
    expression = Expression(CHANCE, label, confidence, bool(doubt), (doubt,) if doubt else ())
    followed = Track(track, 1.0, expression, 1.0, fade, fade) if track else None
    return ObservedFace(Face(box, 0.9, {}), expression, followed)


def image(width: int, height: int) -> Rect:
    return Rect(0, 0, width, height)


side = st.integers(16, 4096)
numbers = st.floats(-600, 4600)
faces_anywhere = st.lists(
    st.builds(
        seen,
        st.builds(Box, numbers, numbers, st.floats(1, 4000), st.floats(1, 4000)),
        st.sampled_from([0, 1, 12, 345, 9999]),
        st.sampled_from(LABELS),
        st.floats(0, 1),
        st.sampled_from(["", *DOUBTS]),
        st.floats(0, 1.2),
    ),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(side, side, faces_anywhere, faces_anywhere, st.booleans())
@example(16, 16, [seen(Box(0, 0, 16, 16), 9999, "surprise", doubt="second face")], [], True)
@example(320, 240, [seen(Box(100 * i, 10, 60, 60), 1000 + i, doubt="upside down") for i in range(3)], [], True)
def test_labels_traces_and_bars_lie_in_the_image_and_traces_and_bars_on_nothing_else(
    width: int, height: int, faces: List[ObservedFace], hidden: List[ObservedFace], bars: bool
) -> None:
    frame, style = image(width, height), style_for(min(width, height))
    placed = place_faces(frame, style, faces, hidden, traced={1, 12, 345}, bars=bars)
    assert len(placed) <= len(faces) + len(hidden)
    free = [rect for one in placed for rect in (one.trace, one.bars) if rect is not None]
    labels = [one.chip.rect for one in placed]
    for rect in [*labels, *free]:
        assert rect.within(frame)
    for place, rect in enumerate(free):
        assert not any(rect.meets(other) for other in [*labels, *free[:place]])
    for one in placed:
        assert one.chip.rect.left <= one.chip.start < one.chip.rect.right
        boxes = [other.box for other in placed if other is not one]
        assert not any(rect.meets(box) for rect in (one.trace, one.bars) if rect for box in boxes)


@pytest.mark.parametrize("fade", [1.0, 1.5, float("nan")])
def test_a_face_that_has_faded_takes_no_room(fade: float) -> None:
    frame, style = image(640, 480), style_for(480)
    found, gone = seen(Box(100, 100, 90, 90)), seen(Box(100, 10, 90, 90), fade=fade)
    assert place_faces(frame, style, [found], [gone]) == place_faces(frame, style, [found], [])


def test_a_hidden_face_has_a_label_and_a_trace_and_leaves_the_better_place_to_others() -> None:
    frame, style = image(640, 480), style_for(480)
    hidden, found = place_faces(
        frame, style, [seen(Box(100, 100, 90, 90), 2)], [seen(Box(110, 100, 90, 90), 1, fade=0.3)], traced={1, 2}
    )
    assert (hidden.fade, found.fade) == (0.3, 0.0)
    alone = place_faces(frame, style, [seen(Box(100, 100, 90, 90), 2)], [])[0]
    assert found.chip == alone.chip
    assert hidden.trace is not None
    assert alone.bars is not None


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (3840, 2160)])
def test_a_label_keeps_its_width_and_place_while_its_percentage_changes(size: tuple) -> None:
    frame, style = image(*size), style_for(min(size))
    box = Box(0.3 * size[0], 0.3 * size[1], 0.2 * size[0], 0.3 * size[1])
    chips = {place_faces(frame, style, [seen(box, 3, confidence=c / 1000)], [])[0].chip.rect for c in range(1001)}
    assert len(chips) == 1


def test_a_label_that_would_lie_on_a_neighbour_is_shortened_to_the_expression() -> None:
    frame, style = image(320, 240), style_for(240)
    row = [seen(Box(4 + 79 * i, 60, 72, 100), 10 + i, "sad", doubt="upside down") for i in range(4)]
    # Above each stands another face, below it the edge of the image: the label has only its own box to lie on.
    above = [seen(Box(4 + 79 * i, 0, 72, 56), 20 + i) for i in range(4)]
    placed = place_faces(image(320, 160), style, row + above, [])
    assert [one.chip.text for one in placed[:4]] == ["sad?"] * 4
    alone = place_faces(frame, style, row[:1], [])[0]
    assert alone.chip.text == "sad? upside down"


def test_the_trace_of_a_small_face_is_left_out_rather_than_drawn_over_its_mouth() -> None:
    style = style_for(240)
    small, large = seen(Box(100, 0, 60, 60)), seen(Box(10, 0, 300, 239))
    (one,) = place_faces(image(320, 62), style, [small], [], traced={1})
    assert one.trace is None
    (one,) = place_faces(image(320, 240), style, [large], [], traced={1})
    assert one.trace is not None
    assert one.trace.within(one.box)
