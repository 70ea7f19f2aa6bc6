"""The key r shows where faces are sought: outlines, a dimmed rest, and a square as high as the smallest face."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import List, Optional, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.detect.regions import rectangle
from fer_edge.detect.search import EVERYTHING, Search
from fer_edge.types import Frame, Image, Observation, Rates
from fer_edge.ui.drawing import style_for
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane
from fer_edge.ui.regions import DIMMED, draw_search
from fer_edge.ui.view import View, help_for

WIDTH, HEIGHT = 320, 240
LEFT_HALF = Search(0, (rectangle(20, 30, 120, 150),))


def grey(width: int = WIDTH, height: int = HEIGHT) -> Image:
    return np.full((height, width, 3), 160, np.uint8)


def drawn(search: Search, image: Optional[Image] = None, scale: float = 1.0) -> Image:
    canvas = grey() if image is None else image
    draw_search(canvas, search, style_for(min(canvas.shape[:2])), scale)
    return canvas


def is_plain(part: Image, value: int) -> bool:
    return bool((np.asarray(part) == value).all())


def test_outside_it_is_dimmed_and_inside_it_is_as_it_was() -> None:
    canvas = drawn(LEFT_HALF)
    assert is_plain(canvas[34:176, 24:136], 160)
    dimmed = round(DIMMED * 160)
    assert is_plain(canvas[:26], dimmed)
    assert is_plain(canvas[:, 145:], dimmed)


def test_the_outline_is_white_beside_dark_so_that_it_is_seen_on_any_ground() -> None:
    for value in (0, 255):
        canvas = drawn(LEFT_HALF, np.full((HEIGHT, WIDTH, 3), value, np.uint8))
        row = canvas[100, 14:28].astype(int).max(axis=1)
        assert row.max() > 230
        assert row.min() < 60


def test_what_two_regions_share_is_inside() -> None:
    canvas = drawn(Search(0, (rectangle(20, 20, 150, 150), rectangle(100, 100, 150, 100))))
    assert is_plain(canvas[105:165, 105:165], 160)


def test_without_regions_nothing_is_dimmed() -> None:
    canvas = drawn(Search(40))
    assert is_plain(canvas[:, :200], 160)
    assert is_plain(canvas[120:], 160)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_square_is_as_high_as_the_smallest_face(scale: float) -> None:
    before = grey()
    rows, columns = np.nonzero((drawn(Search(80), scale=scale) != before).any(axis=2))
    assert abs((rows.max() - rows.min()) - 80 * scale) <= 6
    assert abs((columns.max() - columns.min()) - 80 * scale) <= 6
    assert columns.max() < WIDTH


def test_words_tell_what_the_square_means() -> None:
    with_words = Overlay().draw(grey(), [], Rates(), search=Search(80))
    assert not np.array_equal(with_words, drawn(Search(80), Overlay().draw(grey(), [], Rates())))


@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(0, 300),
    st.lists(st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(1, 400)] * 2), max_size=3),
    st.floats(0.01, 2),
)
def test_an_image_of_any_size_can_be_drawn_on(
    width: int, height: int, least: int, regions: List[Tuple[int, int, int, int]], scale: float
) -> None:
    search = Search(least, tuple(rectangle(*region) for region in regions))
    drawn(search, grey(width, height), scale)
    assert Overlay().draw(grey(width, height), [], Rates(), search=search).shape == (height, width, 3)


def test_a_part_of_a_canvas_is_drawn_on_alone() -> None:
    canvas = grey(640, 240)
    drawn(LEFT_HALF, canvas[:, 320:])
    assert is_plain(canvas[:, :320], 160)
    assert not is_plain(canvas[:, 320:], 160)


class Screen:
    """Stands in for the window."""

    def __init__(self) -> None:
        self.shown: List[Image] = []
        self.keys: List[str] = []

    def show(self, image: Image) -> None:
        self.shown.append(image.copy())

    def poll(self) -> Optional[str]:
        return self.keys.pop(0) if self.keys else None

    def size(self) -> Optional[Tuple[int, int]]:
        return 1280, 480

    def free_proportions(self) -> None:
        pass

    def resize(self, width: int, height: int) -> None:
        pass


def pane(name: str, search: Search, mirror: bool = False) -> Pane:
    frame = Frame(0, 0.0, datetime.now(timezone.utc), grey(), name)
    return Pane(name, frame, Observation(frame), mirror=mirror, search=search)


def shown_with(keys: str, *panes: Pane) -> List[Image]:
    """Return what is shown before the keys and after each of them."""
    screen, now = Screen(), [0.0]
    view = View(screen, Overlay(), threading.Event(), lambda: now[0])  # type: ignore[arg-type]
    images = []
    for key in ["", *keys]:
        if key:
            screen.keys.append(key)
            view.refresh(panes)
        now[0] += 1
        view.refresh(panes)
        images.append(screen.shown[-1])
    return images


def test_the_key_shows_the_regions_and_hides_them_again() -> None:
    plain, dimmed, again = shown_with("rr", pane("front", LEFT_HALF))
    assert is_plain(plain[100:140, 200:], 160)
    assert is_plain(dimmed[100:140, 200:], round(DIMMED * 160))
    assert np.array_equal(plain, again)
    assert "r: regions on or off" in help_for(1).split("\n")


def test_in_a_mirror_the_regions_are_mirrored() -> None:
    _, dimmed = shown_with("r", pane("front", LEFT_HALF, mirror=True))
    assert is_plain(dimmed[100:140, 10:170], round(DIMMED * 160))
    assert is_plain(dimmed[100:140, WIDTH - 136 : WIDTH - 24], 160)


def test_of_several_cameras_each_shows_its_own_also_while_its_image_stands_still() -> None:
    plain, dimmed, again = shown_with("rr", pane("front", LEFT_HALF), pane("door", EVERYTHING))
    assert not np.array_equal(plain[:, :640], dimmed[:, :640])
    assert np.array_equal(plain[:, 640:], dimmed[:, 640:])
    assert np.array_equal(plain, again)
