from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.types import Box, Expression, Face, Frame, Image, Observation, ObservedFace, Rates, Track
from fer_edge.ui.drawing import Rect, style_for
from fer_edge.ui.faces import draw_trace
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.trace import MOST_TRACES, SECONDS, STEP, Trace, TraceHistory

IMAGE = np.zeros((8, 8, 3), np.uint8)


def shows(valence: float) -> Expression:
    """Make an expression of this valence: of happy and sad, and else neutral."""
    probabilities = np.array([0, 0, 0, max(valence, 0), 1 - abs(valence), max(-valence, 0), 0], np.float32)
    return Expression(probabilities, "neutral", 0.5, False)


BOX = Box(1, 1, 5, 5)


def seen(track: Optional[int], valence: float = 0.0, box: Box = BOX) -> ObservedFace:
    followed = None if track is None else Track(track, 0.0, shows(valence), 0.0)
    return ObservedFace(Face(box, 0.9, {}), shows(-1.0), followed)


def result(
    index: int,
    at: float,
    faces: Sequence[ObservedFace] = (),
    hidden: Sequence[ObservedFace] = (),
    media: Optional[float] = None,
    file: str = "",
) -> Observation:
    frame = Frame(index, at, datetime.now(timezone.utc), IMAGE, media_time=media, file=file)
    return Observation(frame, tuple(faces), hidden=tuple(hidden))


def times(trace: Trace) -> List[float]:
    return [at for at, _ in trace]


def test_each_track_has_the_valence_of_its_steady_expression_over_real_time() -> None:
    history = TraceHistory()
    for index, (at, valence) in enumerate([(100.0, -0.5), (100.5, 0.0), (102.0, 0.75)]):
        history.add("front", result(index, at, [seen(4, valence), seen(9, -valence), seen(None)]))
    assert history.of("front") == {
        4: ((-2.0, -0.5), (-1.5, 0.0), (0.0, 0.75)),
        9: ((-2.0, 0.5), (-1.5, 0.0), (0.0, -0.75)),
    }


def test_a_video_has_its_own_time_however_fast_it_is_read() -> None:
    history = TraceHistory()
    for index in range(3):
        history.add("clip", result(index, 100.0 + index / 1000, [seen(1)], media=2.0 * index))
    assert times(history.of("clip")[1]) == [-4.0, -2.0, 0.0]


def test_cameras_have_tracks_of_their_own() -> None:
    history = TraceHistory()
    history.add("front", result(0, 1.0, [seen(1, 0.5)]))
    history.add("door", result(0, 1.0, [seen(1, -0.5)]))
    assert history.of("front")[1] == ((0.0, 0.5),)
    assert history.of("door")[1] == ((0.0, -0.5),)
    assert history.of("garage") == {}


def test_a_track_that_is_gone_is_forgotten_and_one_that_is_hidden_is_not() -> None:
    history = TraceHistory()
    history.add("front", result(0, 1.0, [seen(1, 0.5), seen(2)]))
    history.add("front", result(1, 2.0, hidden=[seen(1)]))
    assert set(history.of("front")) == {1}
    history.add("front", result(2, 3.0, [seen(1, 0.25)]))
    (first, _), (gap, nothing), (last, _) = history.of("front")[1]
    assert (first, gap, last) == (-2.0, -1.0, 0.0)
    assert math.isnan(nothing), "what a hidden face shows nobody knows"
    history.add("front", result(3, 4.0))
    assert history.of("front") == {}


def test_a_result_that_is_looked_at_again_is_no_new_point_and_a_picture_none_at_all() -> None:
    history = TraceHistory()
    for _ in range(5):
        history.add("front", result(7, 1.0, [seen(1)]))
    assert len(history.of("front")[1]) == 1
    history.add("album", result(0, 1.0, [seen(1)], file="a.jpg"))
    history.add("album", None)
    assert history.of("album") == {}


def test_a_video_that_begins_anew_begins_its_traces_anew() -> None:
    history = TraceHistory()
    history.add("clip", result(0, 1.0, [seen(1)], media=60.0))
    history.add("clip", result(1, 2.0, [seen(1)], media=0.0))
    assert times(history.of("clip")[1]) == [0.0]


@given(
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["found", "hidden"])), min_size=1, max_size=60),
    st.floats(-1, 1),
)
def test_a_trace_reaches_back_ten_seconds_and_ends_now_at_any_rate(
    steps: List[Tuple[float, str]], valence: float
) -> None:
    history, at = TraceHistory(), 50.0
    for index, (step, how) in enumerate(steps):
        at += step
        face = [seen(1, valence)]
        history.add("front", result(index, at, *((face, ()) if how == "found" else ((), face))))
        trace = history.of("front")[1]
        assert times(trace) == sorted(times(trace))
        assert times(trace)[0] >= -SECONDS - 1e-9
        assert times(trace)[-1] == 0.0
        assert math.isnan(trace[-1][1]) == (how == "hidden")


@pytest.mark.parametrize("blinks", [False, True])
def test_a_trace_is_bounded_however_many_frames_there_are(blinks: bool) -> None:
    history = TraceHistory()
    for index in range(30_000):
        face = [seen(1)]
        faces = ((), face) if blinks and index % 2 else (face, ())
        history.add("front", result(index, index / 1000, *faces))
    trace = times(history.of("front")[1])
    assert len(trace) <= 2 * SECONDS / STEP + 2
    if not blinks:
        assert trace[0] < -0.95 * SECONDS
        assert max(np.diff(trace)) <= STEP + 0.002


def test_a_thousand_false_faces_have_no_more_traces_than_anybody_can_read() -> None:
    history = TraceHistory()
    history.add("front", result(0, 1.0, [seen(track) for track in range(1, 1001)]))
    assert len(history.of("front")) == MOST_TRACES


def drawn(trace: Trace, colour: Tuple[int, int, int] = (255, 0, 0)) -> Image:
    canvas = np.full((60, 200, 3), 90, np.uint8)
    draw_trace(canvas, Rect(20, 10, 180, 50), style_for(480), trace, colour)
    return canvas


def bright(canvas: Image) -> Tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero((canvas > 180).all(axis=2))
    return rows, columns


def test_a_pleasant_face_has_its_line_above_the_middle_and_an_unpleasant_one_below() -> None:
    heights: Dict[float, float] = {}
    for valence in (-1.0, -0.5, 0.0, 0.5, 1.0, 7.0):
        rows, columns = bright(drawn(((-SECONDS, valence), (0.0, valence))))
        heights[valence] = float(np.mean(rows))
        assert columns.min() < 35
        assert columns.max() > 165
        assert 10 <= rows.min() <= rows.max() < 50
    assert heights[1.0] < heights[0.5] < heights[0.0] < heights[-0.5] < heights[-1.0]
    assert heights[0.0] == pytest.approx(29.5, abs=1)
    assert heights[7.0] == heights[1.0]


def test_what_was_earlier_is_further_left() -> None:
    rows, columns = bright(drawn(((-5.0, 0.8), (-3.0, 0.8))))
    assert rows.size
    assert 95 <= columns.min() <= 105
    assert 125 <= columns.max() <= 137


def test_the_line_has_a_gap_where_the_face_was_hidden_and_a_dot_only_where_it_is_seen_now() -> None:
    trace = ((-10.0, 0.5), (-7.0, 0.5), (-6.9, math.nan), (-4.0, math.nan), (-3.0, 0.5), (0.0, 0.5))
    _, columns = bright(drawn(trace))
    assert not any((70 < column < 125) for column in columns)
    assert columns.min() < 30
    blue = (255, 0, 0)
    assert (drawn(trace) == blue).all(axis=2).any()
    assert not (drawn((*trace, (0.0, math.nan))) == blue).all(axis=2).any()


@given(
    st.lists(
        st.tuples(st.floats(), st.floats()),
        max_size=20,
    ),
    st.integers(9, 60),
    st.integers(9, 200),
)
def test_any_trace_stays_on_its_plate(points: List[Tuple[float, float]], height: int, width: int) -> None:
    canvas = np.full((height + 20, width + 20, 3), 90, np.uint8)
    draw_trace(canvas, Rect(10, 10, 10 + width, 10 + height), style_for(240), tuple(points), (9, 9, 200))
    canvas[10 : 10 + height, 10 : 10 + width] = 90
    assert (canvas == 90).all()


def test_a_trace_is_drawn_under_the_face_of_its_track_and_of_no_other() -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    faces = [seen(3, 0.5, Box(80, 100, 120, 140)), seen(4, 0.5, Box(380, 100, 120, 140))]
    plain = Overlay().draw(image, faces, Rates())
    traced = Overlay().draw(image, faces, Rates(), traces={3: ((-9.0, 0.0), (0.0, 1.0)), 77: ((0.0, 0.0),)})
    rows, columns = np.nonzero((plain != traced).any(axis=2))
    assert 240 <= rows.min() <= rows.max() < 300
    assert columns.min() >= 80
    assert columns.max() < 200
