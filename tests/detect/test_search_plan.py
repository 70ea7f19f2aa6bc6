from __future__ import annotations

from typing import Dict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.detect.change import ChangeFinder
from fer_edge.detect.parts import FAR_SIDE, FAR_SURE, MOST_PARTS, Part, parts_of, region_around, small_from
from fer_edge.detect.search_plan import MOST_LOOKS, PERIOD, STILL_PERIOD, SearchPlan
from fer_edge.types import Box

SIDES = st.integers(1, 8000)


@given(SIDES, SIDES, st.data())
def test_every_face_that_the_whole_frame_may_not_show_lies_whole_in_some_part(
    width: int, height: int, data: st.DataObject
) -> None:
    parts = parts_of(width, height)
    assert 1 <= len(parts) <= MOST_PARTS
    for part in parts:
        assert 0 <= part.left < part.right <= width
        assert 0 <= part.top < part.bottom <= height
    # One part as large as the frame shows those of the middle sizes; the rest is for the tiles.
    whole = Part(0, 0, width, height) in parts
    largest = FAR_SURE * max(width, height) / FAR_SIDE if whole else small_from(width, height)
    side = data.draw(st.floats(0.0, min(largest, width, height)))
    x, y = data.draw(st.floats(0.0, width - side)), data.draw(st.floats(0.0, height - side))
    shown = [
        part
        for part in parts
        if part.left <= x + 1 and part.top <= y + 1 and x + side - 1 <= part.right and y + side - 1 <= part.bottom
    ]
    assert shown
    assert len(parts) == 1 or not whole or shown != [Part(0, 0, width, height)]


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (1920, 1080), (1080, 1920)])
def test_a_face_of_30_pixels_is_more_than_9_in_the_network(width: int, height: int) -> None:
    smallest = min(parts_of(width, height), key=lambda part: part.right - part.left)
    assert 30 * FAR_SIDE / max(smallest.right - smallest.left, smallest.bottom - smallest.top) > 9


@given(st.integers(1, MOST_PARTS), st.floats(1 / 60, 1 / 2), st.integers(5, 60))
def test_where_all_moves_every_part_is_looked_at_within_the_period(count: int, gap: float, frames: int) -> None:
    plan = SearchPlan(count)
    plan.looked_everywhere(0.0)
    last: Dict[int, float] = dict.fromkeys(range(count), 0.0)
    # A frame has room for few looks: at few frames a second many parts take longer.
    promised = max(PERIOD, count / MOST_LOOKS * gap) + 2 * gap
    for frame in range(1, frames):
        due = plan.due(frame * gap, [True] * count)
        assert len(due) <= MOST_LOOKS
        assert len(set(due)) == len(due)
        last.update(dict.fromkeys(due, frame * gap))
        assert all(frame * gap - looked <= promised + 1e-6 for looked in last.values())


@given(st.integers(1, 8), st.data())
def test_a_part_that_begins_to_move_is_looked_at_within_half_a_second(count: int, data: st.DataObject) -> None:
    plan, moving = SearchPlan(count), data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    plan.looked_everywhere(0.0)
    seen = set()
    start = data.draw(st.integers(1, 100))
    for frame in range(1, start + 8):
        due = plan.due(frame / 15, [frame >= start and part in moving for part in range(count)])
        seen.update(due if frame >= start else ())
    assert moving <= seen


def test_a_part_that_begins_to_move_is_not_kept_waiting_by_still_ones_whose_turn_it_is() -> None:
    plan, seen = SearchPlan(8), set()
    plan.looked_everywhere(0.0)
    for frame in range(1, 70):
        due = plan.due(frame / 15, [frame >= 62 and part == 0 for part in range(8)])
        seen.update(due if frame >= 62 else ())
    assert 0 in seen


def test_where_nothing_moves_the_search_slows_down_but_does_not_end() -> None:
    plan = SearchPlan(4)
    plan.looked_everywhere(0.0)
    looks = [plan.due(frame / 15, [False] * 4) for frame in range(1, 15 * 10)]
    assert not any(looks[: int(15 * (STILL_PERIOD - PERIOD)) - 2])
    assert 4 * 3 <= sum(map(len, looks)) <= 4 * 10 / STILL_PERIOD


def test_a_part_whose_look_was_not_finished_comes_first() -> None:
    plan = SearchPlan(5)
    plan.looked_everywhere(0.0)
    plan.again(3, 0.0, begun=True)
    assert plan.due(0.05, [True] * 5)[0] == 3
    still = SearchPlan(1)
    assert still.due(0.0, [False]) == [0]
    still.again(0, 0.0, begun=True)
    assert still.due(0.05, [False]) == [0], "where nothing moves as well"
    assert still.due(0.1, [False]) == []


@given(st.integers(2, MOST_PARTS), st.data())
def test_parts_whose_looks_are_never_finished_keep_no_other_waiting(count: int, data: st.DataObject) -> None:
    plan, endless = SearchPlan(count), data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    plan.looked_everywhere(0.0)
    last, gap = dict.fromkeys(range(count), 0.0), 1 / 15
    for frame in range(1, 60):
        room = True
        for part in plan.due(frame * gap, [True] * count):
            # One takes all the room that the frame has, and the next one has none.
            if part not in endless or room:
                last[part] = frame * gap
            if part in endless:
                plan.again(part, frame * gap, begun=room)
                room = False
        assert all(frame * gap - looked <= PERIOD + (count + 2) * gap for looked in last.values())


def test_no_look_is_taken_in_a_frame_at_the_same_moment() -> None:
    plan = SearchPlan(2)
    plan.looked_everywhere(1.0)
    assert plan.due(1.0, [True, True]) == []


@given(SIDES, SIDES, *[st.floats(-9000.0, 9000.0)] * 2, *[st.floats(0.0, 9000.0)] * 2)
def test_a_region_lies_in_the_frame(width: int, height: int, x: float, y: float, across: float, down: float) -> None:
    region = region_around(Box(x, y, across, down), width, height)
    assert 0 <= region.left <= region.right <= width
    assert 0 <= region.top <= region.bottom <= height


def test_only_parts_that_changed_since_they_were_looked_at_are_told_and_not_where_known_faces_move() -> None:
    noise = np.random.default_rng(0)
    ground = noise.integers(0, 256, (480, 640, 3), np.uint8) // 2 + 40
    parts = (Part(0, 0, 320, 480), Part(320, 0, 640, 480))
    finder = ChangeFinder(640, 480, parts)
    assert finder.changed(ground) == [True, True]
    finder.looked(0)
    finder.looked(1)
    trembling = (ground + noise.integers(-4, 5, ground.shape)).astype(np.uint8)
    assert finder.changed(trembling) == [False, False]
    other = trembling.copy()
    other[100:130, 400:430] = 255
    assert finder.changed(other) == [False, True]
    assert finder.changed(other, [Box(400, 100, 30, 30)]) == [False, False]
    assert finder.changed(other, [Box(500, 300, 30, 30)]) == [False, True]
    assert finder.changed(255 - ground) == [True, True]
    finder.looked(1)
    assert finder.changed(255 - ground) == [True, False]
