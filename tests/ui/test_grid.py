from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_edge.types import Box, Expression, Face, Frame, Image, Observation, ObservedFace, Rates
from fer_edge.ui.drawing import COLOURS, Rect
from fer_edge.ui.grid import Grid, Numbered, proportions
from fer_edge.ui.layout import Cell, arranged, fitted
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane, resized

SIZE = (1000, 600)
GREENS = [(40, 90, 30), (90, 120, 40), (30, 160, 90), (120, 200, 60)]


class Counting(Overlay):
    """Counts the images that it draws."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = 0

    def paint(self, *arguments: Any, **more: Any) -> None:
        self.drawn += 1
        super().paint(*arguments, **more)


@pytest.fixture
def overlay() -> Counting:
    return Counting()


@pytest.fixture
def grid(overlay: Counting) -> Grid:
    return Grid(overlay)


def frame(
    index: int, size: Tuple[int, int] = (160, 120), colour: Sequence[int] = (90, 90, 90), at: float = 0.0
) -> Frame:
    image = np.empty((size[1], size[0], 3), np.uint8)
    image[:] = colour
    return Frame(index, at, datetime.now(timezone.utc), image)


def face(box: Box) -> ObservedFace:
    probabilities = np.zeros(7, np.float32)
    return ObservedFace(Face(box, 0.9, {}), Expression(probabilities, "happy", 0.9, False))


def four() -> List[Pane]:
    return [Pane(f"camera {n}", frame(0, colour=colour)) for n, colour in enumerate(GREENS)]


def numbered(panes: Sequence[Pane]) -> List[Numbered]:
    return [Numbered(place, pane) for place, pane in enumerate(panes)]


def drawn(grid: Grid, panes: Sequence[Pane], size: Tuple[int, int] = SIZE, notice: str = "") -> Image:
    image = grid.draw(numbered(panes), size, notice)
    assert image is not None
    return image.copy()


def cells(panes: Sequence[Pane], size: Tuple[int, int] = SIZE) -> Tuple[Cell, ...]:
    return arranged(proportions(panes), size).cells


def part(image: Image, rect: Rect) -> Image:
    return image[rect.top : rect.bottom, rect.left : rect.right]


def changed(before: Image, after: Image) -> Rect:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return Rect(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_every_camera_is_in_its_cell_with_its_proportions(grid: Grid) -> None:
    panes = [
        Pane(str(n), frame(0, size, GREENS[n])) for n, size in enumerate([(640, 480), (160, 90), (90, 160), (48, 48)])
    ]
    image = drawn(grid, panes)
    for pane, (_, room), colour in zip(panes, cells(panes), GREENS):
        assert pane.frame is not None
        there = (part(image, room) == colour).all(axis=2)
        rows, columns = np.nonzero(there)
        width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
        assert width == room.width or height == room.height
        assert width / height == pytest.approx(pane.frame.image.shape[1] / pane.frame.image.shape[0], rel=0.01)


def test_cameras_that_did_not_change_are_not_drawn_anew(grid: Grid, overlay: Counting) -> None:
    panes = four()
    drawn(grid, panes)
    assert overlay.drawn == 4
    assert grid.draw(numbered(panes), SIZE) is None
    panes[2] = replace(panes[2], frame=frame(1, colour=GREENS[2]))
    drawn(grid, panes)
    assert overlay.drawn == 5


@pytest.mark.parametrize(
    "news",
    [
        {"frame": frame(1, colour=(200, 0, 0))},
        {"observation": Observation(frame(0), (face(Box(20, 30, 60, 60)),))},
        {"trouble": "the source is lost since 12 s: somebody pulled the plug, and said nothing to anybody about it"},
        {"rates": Rates(total=29.9)},
        {"name": "another name"},
    ],
)
def test_what_is_new_of_one_camera_changes_its_cell_and_no_other(grid: Grid, news: Any) -> None:
    panes = four()
    before = drawn(grid, panes)
    panes[1] = replace(panes[1], **news)
    title, room = cells(panes)[1]
    assert changed(before, drawn(grid, panes)).within(Rect(title.left, title.top, room.right, room.bottom))


def test_a_rate_that_falls_is_shown_though_no_new_image_comes(grid: Grid, overlay: Counting) -> None:
    panes = [replace(pane, rates=Rates(total=15.0)) for pane in four()]
    before = drawn(grid, panes)
    panes[3] = replace(panes[3], rates=Rates(total=2.0))
    assert changed(before, drawn(grid, panes)).within(cells(panes)[3].title)
    assert overlay.drawn == 4


def test_a_camera_that_has_ended_says_so_in_its_title_instead_of_a_rate(grid: Grid) -> None:
    panes = [replace(pane, rates=Rates(total=15.0)) for pane in four()]
    before = drawn(grid, panes)
    panes[3] = replace(panes[3], ended=True)
    assert changed(before, drawn(grid, panes)).within(cells(panes)[3].title)
    assert [text for text, _ in panes[3].state] == ["ended"]
    assert [text for text, _ in Pane("door", ended=True).state] == ["ended"], "also one that never gave an image"
    assert Pane("door").state == ()


def test_the_switch_of_the_bars_takes_effect_in_every_cell(grid: Grid, overlay: Counting) -> None:
    seen = Observation(frame(0), (face(Box(20, 30, 40, 40)),))
    panes = [replace(pane, observation=seen) for pane in four()]
    with_bars = drawn(grid, panes)
    overlay.bars = False
    without = drawn(grid, panes)
    for _, room in cells(panes):
        assert (part(with_bars, room) != part(without, room)).any()


@pytest.mark.parametrize("size", [(640, 480), (80, 60), (1280, 960), (3840, 2160)])
def test_a_face_is_framed_where_it_is_whatever_size_the_camera_has(size: Tuple[int, int], grid: Grid) -> None:
    box = Box(0.25 * size[0], 0.4 * size[1], 0.3 * size[0], 0.4 * size[1])
    shown = frame(0, size, (90, 90, 90))
    panes = [Pane("a"), Pane("b", shown, Observation(shown, (face(box),)))]
    image = drawn(grid, panes)
    room = fitted(cells(panes)[1].room, size[0] / size[1])
    rows, columns = np.nonzero((part(image, room) == COLOURS["happy"]).all(axis=2))
    scale = room.width / size[0]
    assert rows.max() == pytest.approx(scale * (box.y + box.height), abs=4)
    # The bars, on the right, have the same colour.
    assert columns.min() == pytest.approx(scale * box.x, abs=4)


def test_a_camera_that_has_given_nothing_shows_its_name_and_its_trouble_and_then_its_image(grid: Grid) -> None:
    panes = [*four()[:3], Pane("door")]
    waiting = drawn(grid, panes)
    title, room = cells(panes)[3]
    assert part(waiting, title).max() > 200
    assert part(waiting, room).max() > 100
    panes[3] = Pane("door", trouble="There is no camera /dev/video7.")
    assert (part(drawn(grid, panes), room) != part(waiting, room)).any()
    panes[3] = Pane("door", frame(0, colour=GREENS[3]))
    assert (part(drawn(grid, panes), cells(panes)[3].room) == GREENS[3]).all(axis=2).mean() > 0.5


def test_a_camera_in_trouble_is_told_by_the_colour_of_its_name(grid: Grid) -> None:
    panes = four()
    before = drawn(grid, panes)
    panes[0] = replace(panes[0], trouble="lost")
    title = cells(panes)[0].title
    blue, green, red = np.median(part(drawn(grid, panes), title).reshape(-1, 3), axis=0)
    assert red > 2 * max(blue, green)
    panes[0] = replace(panes[0], trouble="")
    assert np.array_equal(drawn(grid, panes), before)


def test_a_result_is_called_old_only_where_the_image_is_newer(grid: Grid) -> None:
    shown = frame(5, at=100.0)
    same, newer, older = (
        drawn(grid, [Pane("a"), Pane("b", shown, Observation(frame(index, at=at)))])
        for index, at in ((5, 100.0), (6, 107.0), (4, 93.0))
    )
    assert np.array_equal(newer, same)
    assert not np.array_equal(older, same)


def test_the_first_nine_cameras_have_a_key_and_the_tenth_has_none() -> None:
    assert [Numbered(place, Pane("x")).key for place in (0, 8, 9)] == [1, 9, None]


def test_the_help_is_taken_away_without_a_trace(grid: Grid) -> None:
    panes = four()
    before = drawn(grid, panes)
    for _ in range(3):
        helped = drawn(grid, panes, notice="q: quit\n1-4: that camera alone")
        panes[0] = replace(panes[0], frame=frame(panes[0].version[0] + 1, colour=GREENS[0]))
    assert not np.array_equal(helped, before)
    assert np.array_equal(drawn(grid, panes), before)


def test_another_size_of_window_or_of_images_is_followed(grid: Grid) -> None:
    panes = four()
    drawn(grid, panes)
    assert drawn(grid, panes, (500, 900)).shape == (900, 500, 3)
    panes[0] = replace(panes[0], frame=frame(1, (90, 160), GREENS[0]))
    image = drawn(grid, panes, (500, 900))
    assert np.array_equal(image, drawn(Grid(Overlay()), panes, (500, 900)))


text = st.text(max_size=80)


@settings(max_examples=60)
@given(
    sizes=st.lists(st.none() | st.tuples(st.integers(1, 400), st.integers(1, 300)), min_size=1, max_size=12),
    window=st.tuples(st.integers(1, 1500), st.integers(1, 900)),
    name=text,
    trouble=text,
    notice=text,
    total=st.floats(),
)
def test_any_cameras_can_be_drawn_in_a_window_of_any_size(
    sizes: List[Optional[Tuple[int, int]]], window: Tuple[int, int], name: str, trouble: str, notice: str, total: float
) -> None:
    shown = [None if size is None else frame(0, size) for size in sizes]
    panes = [
        Pane(name, each, None if each is None else Observation(each, (face(Box(1, 2, 50, 60)),)), Rates(total), trouble)
        for each in shown
    ]
    layout = arranged(proportions(panes), window)
    assert drawn(Grid(Overlay()), panes, window, notice).shape == (layout.height, layout.width, 3)
    assert all(each is None or (each.image == 90).all() for each in shown)


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
    st.integers(0, 255),
)
def test_an_image_of_one_colour_keeps_it_in_any_size(size: Tuple[int, int], wanted: Tuple[int, int], grey: int) -> None:
    image = resized(np.full((size[1], size[0], 3), grey, np.uint8), *wanted)
    assert image.shape == (wanted[1], wanted[0], 3)
    assert (image == grey).all()


def test_a_fine_pattern_becomes_even_when_it_shrinks() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    assert resized(noise, 320, 180).std() < 0.7 * noise.std()
