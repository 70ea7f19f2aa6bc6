from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.ui.drawing import Rect
from fer_edge.ui.layout import LARGEST, SMALLEST_CELL, _grid, arranged, fitted, snug

WIDE, TALL = (1280, 720), (480, 900)
LANDSCAPE, PORTRAIT = 4 / 3, 9 / 16

proportion = st.sampled_from([4 / 3, 16 / 9, 9 / 16, 1.0, 32 / 9]) | st.floats(0.05, 20.0)
cameras = st.lists(proportion, min_size=1, max_size=24)
size = st.tuples(st.integers(1, 5000), st.integers(1, 3000))


@given(cameras, size)
def test_every_camera_has_a_cell_and_no_two_cells_share_a_pixel(
    proportions: List[float], size: Tuple[int, int]
) -> None:
    layout = arranged(proportions, size)
    everything = Rect(0, 0, layout.width, layout.height)
    parts = [part for cell in layout.cells for part in cell]
    assert len(layout.cells) == len(proportions)
    assert all(part.within(everything) and part.width > 0 and part.height > 0 for part in parts)
    assert not any(one.meets(other) for n, one in enumerate(parts) for other in parts[:n])


@given(cameras, size)
def test_the_name_stands_right_above_the_image_and_takes_less_room(
    proportions: List[float], size: Tuple[int, int]
) -> None:
    for title, room in arranged(proportions, size).cells:
        assert (title.left, title.right, title.bottom) == (room.left, room.right, room.top)
        assert title.height < room.height


@given(cameras, st.tuples(st.integers(200, 5000), st.integers(150, 3000)))
def test_the_grid_has_the_proportions_of_the_window_and_costs_no_more_than_the_largest(
    proportions: List[float], size: Tuple[int, int]
) -> None:
    layout = arranged(proportions, size)
    assert layout.width <= LARGEST[0]
    assert layout.height <= LARGEST[1]
    # Whole pixels.
    assert abs(layout.width * size[1] - layout.height * size[0]) <= max(size)


@given(st.lists(proportion, min_size=1, max_size=9), st.tuples(st.integers(1, 1600), st.integers(1, 1000)))
def test_a_cell_of_nine_cameras_has_room_for_its_text_however_small_the_window_is(
    proportions: List[float], size: Tuple[int, int]
) -> None:
    layout = arranged(proportions, size)
    at_the_limit = layout.width == LARGEST[0] or layout.height == LARGEST[1]
    for title, room in layout.cells:
        assert at_the_limit or (room.width >= SMALLEST_CELL[0] - 3 and room.bottom - title.top >= SMALLEST_CELL[1] - 3)


@given(proportion, st.integers(1, 2000), st.integers(1, 2000))
def test_an_image_keeps_its_proportions_and_is_as_large_as_its_room_allows(
    proportion: float, width: int, height: int
) -> None:
    room = Rect(7, 11, 7 + width, 11 + height)
    image = fitted(room, proportion)
    assert image.within(room)
    assert image.width == width or image.height == height
    assert abs(image.width - image.height * proportion) <= max(1.0, proportion)
    assert abs((image.left - room.left) - (room.right - image.right)) <= 1
    assert abs((image.top - room.top) - (room.bottom - image.bottom)) <= 1


@given(cameras, size)
def test_no_other_number_of_columns_would_show_more(proportions: List[float], size: Tuple[int, int]) -> None:
    size = max(size[0], SMALLEST_CELL[0]), max(size[1], SMALLEST_CELL[1])

    def shown(columns: int) -> int:
        images = [
            fitted(cell.room, each) for cell, each in zip(_grid(len(proportions), columns, size).cells, proportions)
        ]
        return sum(image.width * image.height for image in images)

    chosen = arranged(proportions, size).columns
    assert all(shown(chosen) >= shown(other) for other in range(1, len(proportions) + 1))


@pytest.mark.parametrize(
    ("proportions", "window", "columns"),
    [
        ([LANDSCAPE] * 2, WIDE, 2),
        ([LANDSCAPE] * 2, TALL, 1),
        ([PORTRAIT] * 2, WIDE, 2),
        ([LANDSCAPE] * 3, WIDE, 2),
        ([LANDSCAPE] * 4, WIDE, 2),
        ([16 / 9] * 4, WIDE, 2),
        ([LANDSCAPE] * 6, WIDE, 3),
        ([LANDSCAPE] * 8, WIDE, 4),
        ([LANDSCAPE] * 9, WIDE, 3),
        ([PORTRAIT] * 3, WIDE, 3),
    ],
)
def test_cameras_lie_as_people_would_lay_them(proportions: List[float], window: Tuple[int, int], columns: int) -> None:
    assert arranged(proportions, window).columns == columns


@given(st.integers(1, 12), st.sampled_from([4 / 3, 16 / 9, 9 / 16, 1.0]))
def test_a_window_that_opens_for_cameras_of_one_kind_has_hardly_a_margin(count: int, proportion: float) -> None:
    size = snug((proportion,) * count, WIDE)
    assert size[0] <= WIDE[0]
    assert size[1] <= WIDE[1]
    for _, room in arranged([proportion] * count, size).cells:
        image = fitted(room, proportion)
        assert image.width * image.height >= 0.9 * room.width * room.height
