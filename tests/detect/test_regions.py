"""Polygons: what lies in one, and which are none."""

from __future__ import annotations

from typing import List, Tuple

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fer_edge.detect.regions import MOST_CORNERS, Polygon, extent, flaw_of, holds, rectangle, written

SIDE = 40
FINE = 8
"""Pixels of the mask for one of the image."""

corners = st.tuples(st.integers(0, SIDE), st.integers(0, SIDE))


@st.composite
def simple_polygons(draw: st.DrawFn) -> Polygon:
    """Draw corners around a centre, at angles that grow and distances that vary: it never crosses itself."""
    count = draw(st.integers(3, 9))
    far = draw(st.lists(st.integers(4, 19), min_size=count, max_size=count))
    turn = draw(st.floats(0, 6.28))
    around = [(turn + 2 * np.pi * place / count, distance) for place, distance in enumerate(far)]
    polygon = tuple((round(20 + far * np.cos(angle)), round(20 + far * np.sin(angle))) for angle, far in around)
    return polygon[:: draw(st.sampled_from((1, -1)))]


@given(simple_polygons().filter(lambda polygon: not flaw_of(polygon)))
def test_a_point_lies_in_a_polygon_where_the_polygon_is_painted(polygon: Polygon) -> None:
    mask = np.zeros((SIDE * FINE + 1, SIDE * FINE + 1), np.uint8)
    outline = FINE * np.array(polygon, np.int32)
    cv2.fillPoly(mask, [outline], 1)
    edge = np.zeros_like(mask)
    cv2.polylines(edge, [outline], True, 1, 3)
    rows, columns = np.nonzero(edge == 0)
    for row, column in list(zip(rows, columns))[::37]:
        assert holds(polygon, column / FINE, row / FINE) == bool(mask[row, column])


@given(
    simple_polygons().filter(lambda polygon: not flaw_of(polygon)),
    st.integers(0, 8),
    st.floats(-5, 45),
    st.floats(-5, 45),
)
def test_neither_the_first_corner_nor_the_way_round_matters(polygon: Polygon, first: int, x: float, y: float) -> None:
    turned = polygon[first:] + polygon[:first]
    assert holds(polygon, x, y) == holds(turned, x, y) == holds(turned[::-1], x, y)
    assert flaw_of(turned) == flaw_of(turned[::-1]) == ""


@given(
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(1, 30),
    st.integers(1, 30),
    st.floats(-5, 65) | st.integers(0, 60),
    st.floats(-5, 65) | st.integers(0, 60),
)
def test_a_rectangle_holds_its_left_and_upper_edge_and_not_the_others(
    left: int, top: int, width: int, height: int, x: float, y: float
) -> None:
    region = rectangle(left, top, width, height)
    assert holds(region, x, y) == (left <= x < left + width and top <= y < top + height)
    assert flaw_of(region) == ""
    assert extent(region) == (left, top, left + width, top + height)


@given(corners, corners, corners, corners, st.integers(0, SIDE), st.integers(0, SIDE))
def test_of_two_regions_side_by_side_exactly_one_holds_a_point_of_their_border(
    a: Tuple[int, int], b: Tuple[int, int], c: Tuple[int, int], d: Tuple[int, int], x: int, y: int
) -> None:
    """A quadrilateral without a flaw is cut along one of its diagonals; a point of it lies in exactly one of the halves."""
    whole, halves = (a, b, c, d), ((a, b, c), (a, c, d))
    if flaw_of(whole) or any(map(flaw_of, halves)) or abs(area(halves[0])) + abs(area(halves[1])) != abs(area(whole)):
        return
    assert [holds(half, x, y) for half in halves].count(True) == int(holds(whole, x, y))


def area(polygon: Polygon) -> int:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1]))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=4, max_size=7)
    | st.lists(corners, min_size=4, max_size=8)
)
@example([(0, 0), (0, 1), (1, 1), (3, 1), (2, 1), (4, 1)])
@example([(0, 0), (0, 1), (1, 1), (3, 0), (1, 0), (2, 0)])
def test_what_is_no_polygon_is_what_a_slow_search_for_common_points_says(polygon: List[Tuple[int, int]]) -> None:
    """Two edges have a point in common where the equations of both say so; of neighbours, beyond the corner."""
    count = len(polygon)
    edges = [(polygon[place - 1], polygon[place]) for place in range(count)]
    crossed = len(set(polygon)) < count
    for one in range(count):
        for other in range(one + 1, count):
            shared = {*edges[one]} & {*edges[other]} if (other - one) in (1, count - 1) else set()
            crossed = crossed or common(edges[one], edges[other], shared)
    assert bool(flaw_of(tuple(polygon))) == crossed


def common(one: Tuple[Tuple[int, int], ...], other: Tuple[Tuple[int, int], ...], shared: object) -> bool:
    (ax, ay), (bx, by) = one
    (cx, cy), (dx, dy) = other
    across = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if across:
        s = ((cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)) / across
        t = ((cx - ax) * (by - ay) - (cy - ay) * (bx - ax)) / across
        meets = -1e-9 <= s <= 1 + 1e-9 and -1e-9 <= t <= 1 + 1e-9
        return meets and not shared
    if (cx - ax) * (by - ay) != (cy - ay) * (bx - ax):
        return False
    axis = 0 if ax != bx else 1
    low, high = (sorted(end[axis] for end in edge) for edge in (one, other))
    reach = min(low[1], high[1]) - max(low[0], high[0])
    return reach > 0 or (reach == 0 and not shared)


@pytest.mark.parametrize(
    ("polygon", "words"),
    [
        (((0, 0),), "1 corner, and needs three"),
        (((0, 0), (9, 9)), "2 corners, and needs three"),
        (((0, 0), (9, 9), (5, 5)), "empty"),
        (((5, 5), (5, 5), (5, 5)), "empty"),
        (((0, 0), (9, 9), (9, 0), (0, 9)), "crosses itself: its edges 0,0 9,9 and 9,0 0,9 meet"),
        (((0, 0), (9, 0), (9, 0), (9, 9)), "corner 9,0 twice"),
        (((0, 0), (9, 0), (4, 0), (4, 4)), "crosses itself"),
        (((0, 0), (9, 0), (9, 9), (4, 0), (0, 9)), "crosses itself"),
        (tuple((x, x * x) for x in range(MOST_CORNERS + 1)), "65 corners, and 64 are the most"),
    ],
)
def test_what_is_wrong_with_a_region_is_said_in_words(polygon: Polygon, words: str) -> None:
    assert words in flaw_of(polygon)


@given(simple_polygons())
def test_a_polygon_is_written_as_it_is_read(polygon: Polygon) -> None:
    assert tuple(tuple(map(int, corner.split(","))) for corner in written(polygon).split(" ")) == polygon
