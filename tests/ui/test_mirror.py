from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import List, Optional, Tuple

import numpy as np
import pytest

from fer_edge.types import Box, Expression, Face, Frame, Image, Observation, ObservedFace
from fer_edge.ui.grid import Grid, Numbered
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane
from fer_edge.ui.view import STAYS, View

EXPRESSION = Expression(np.full(7, 1 / 7, np.float32), "happy", 0.9, False)
SEEN = ObservedFace(Face(Box(10, 20, 30, 40), 0.9, {}), EXPRESSION)


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
        return 640, 480

    def free_proportions(self) -> None:
        pass

    def resize(self, width: int, height: int) -> None:
        pass


class Pencil(Overlay):
    """Keeps the faces that it is to draw, and what is to stand on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: List[Box] = []
        self.notices: List[str] = []

    def draw(self, image: Image, faces: object, *arguments: object, notice: str = "", **more: object) -> Image:
        self.boxes = [face.face.box for face in faces]  # type: ignore[attr-defined]
        self.notices.append(notice)
        return image.copy()


def pane(mirror: bool, name: str = "front") -> Pane:
    image = np.zeros((120, 160, 3), np.uint8)
    image[:, :80] = 200
    frame = Frame(0, 0.0, datetime.now(timezone.utc), image)
    return Pane(name, frame, Observation(frame, (SEEN,)), mirror=mirror)


def is_bright_at_the_left(image: Image) -> bool:
    return bool(image[:, : image.shape[1] // 4].mean() > image[:, -image.shape[1] // 4 :].mean())


@pytest.fixture(name="screen")
def a_screen() -> Screen:
    return Screen()


@pytest.fixture(name="pencil")
def a_pencil() -> Pencil:
    return Pencil()


def view_of(screen: Screen, overlay: Overlay) -> View:
    return View(screen, overlay, threading.Event())  # type: ignore[arg-type]


@pytest.mark.parametrize("mirror", [False, True])
def test_the_key_m_swaps_left_and_right_of_image_and_boxes(screen: Screen, pencil: Pencil, mirror: bool) -> None:
    view = view_of(screen, pencil)
    screen.keys = ["m"]
    seen = []
    for _ in range(2):
        view.refresh([pane(mirror)])
        seen.append((is_bright_at_the_left(screen.shown[-1]), pencil.boxes))
    as_it_is, mirrored = (True, [Box(10, 20, 30, 40)]), (False, [Box(120, 20, 30, 40)])
    assert seen == ([mirrored, as_it_is] if mirror else [as_it_is, mirrored])
    assert len(screen.shown) == 2


def test_the_frame_itself_is_left_as_the_camera_saw_it(screen: Screen, pencil: Pencil) -> None:
    shown = pane(True)
    view_of(screen, pencil).refresh([shown])
    assert shown.frame is not None
    assert is_bright_at_the_left(shown.frame.image)
    assert shown.observation is not None
    assert shown.observation.faces[0].face.box == Box(10, 20, 30, 40)


def test_text_is_not_mirrored() -> None:
    """Where all else is symmetric, the image with its text is the same with the mirror and without."""
    image = np.full((240, 320, 3), 60, np.uint8)
    frame = Frame(0, 0.0, datetime.now(timezone.utc), image)
    middle = ObservedFace(Face(Box(120, 80, 80, 80), 0.9, {}), EXPRESSION)
    drawn = []
    for mirror in (False, True):
        screen = Screen()
        view_of(screen, Overlay()).refresh([Pane("front", frame, Observation(frame, (middle,)), mirror=mirror)])
        drawn.append(screen.shown[-1])
    np.testing.assert_array_equal(drawn[0], drawn[1])


def test_of_several_cameras_each_is_mirrored_by_itself() -> None:
    images = []
    for mirrored in ((False, False), (True, False)):
        grid = Grid(Overlay())
        panes = [Numbered(place, pane(mirror, str(place))) for place, mirror in enumerate(mirrored)]
        image = grid.draw(panes, (800, 300))
        assert image is not None
        images.append(image.copy())
    different = np.flatnonzero((images[0] != images[1]).any(axis=(0, 2)))
    assert different.size
    assert different.max() < images[0].shape[1] // 2


def test_the_key_m_means_the_camera_that_is_shown_alone(screen: Screen) -> None:
    view = view_of(screen, Overlay())
    panes = [pane(False, "0"), pane(False, "1")]
    for keys in (["2", "m", "0"], []):
        screen.keys = keys
        for _ in range(max(1, len(keys))):
            view.refresh(panes)
    left, right = np.split(screen.shown[-1][:, : screen.shown[-1].shape[1] // 2 * 2], 2, axis=1)
    assert is_bright_at_the_left(left)
    assert not is_bright_at_the_left(right)


def test_what_stays_goes_with_any_key_that_has_no_other_meaning(screen: Screen, pencil: Pencil) -> None:
    view = view_of(screen, pencil)
    screen.keys = [" "]
    assert not view.refresh([pane(False)]), "before, such a key means nothing"
    view.stay()
    for key in "bmfs"[:2]:
        screen.keys = [key]
        assert not view.refresh([pane(False)])
    assert pencil.notices[-1] == STAYS
    screen.keys = [" "]
    assert view.refresh([pane(False)])
