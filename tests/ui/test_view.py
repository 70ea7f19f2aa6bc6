from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import cv2
import numpy as np
import pytest

from fer_edge.types import Box, Expression, Face, Frame, Image, Observation, ObservedFace, Rates, StageRate
from fer_edge.ui import view
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.view import FIRST_SIZE, LONGEST_WAIT, Pane, View, help_for, open_view


class Screen:
    """Stands in for the window: keeps what is shown, and has the key pressed that a test sets."""

    def __init__(self, title: str = "") -> None:
        self.shown: List[Image] = []
        self.key: Optional[str] = None
        self.full = 0
        self.room: Optional[Tuple[int, int]] = None
        self.free = False

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, image: Image) -> None:
        self.shown.append(image.copy())
        if self.room is None:
            self.room = image.shape[1], image.shape[0]

    def poll(self) -> Optional[str]:
        key, self.key = self.key, None
        return key

    def toggle_fullscreen(self) -> None:
        self.full += 1

    def free_proportions(self) -> None:
        self.free = True

    def size(self) -> Optional[Tuple[int, int]]:
        return self.room

    def resize(self, width: int, height: int) -> None:
        self.room = width, height


class Pencil(Overlay):
    """Keeps what it is asked to draw beside the image."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: List[Dict[str, Any]] = []

    def draw(self, *arguments: Any, **more: Any) -> Image:
        self.asked.append(more)
        return super().draw(*arguments, **more)


class Stop(threading.Event):
    """An event for which one waits on the clock of the test, and whose waits are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.waits: List[float] = []

    def wait(self, timeout: Optional[float] = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        # A little late, as any wait is.
        self.now += timeout + 1e-6
        return self.is_set()


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def pencil() -> Pencil:
    return Pencil()


@pytest.fixture
def stop() -> Stop:
    return Stop()


@pytest.fixture
def window(screen: Screen, pencil: Pencil, stop: Stop) -> View:
    return View(screen, pencil, stop, lambda: stop.now)  # type: ignore[arg-type]


def frame(index: int, at: float = 0.0) -> Frame:
    return Frame(index, at, datetime.now(timezone.utc), np.full((120, 160, 3), 90, np.uint8))


def one(shown: Optional[Frame], seen: Optional[Observation], trouble: str = "") -> Pane:
    return Pane("front", shown, seen, Rates(), trouble)


def test_a_picture_is_drawn_once_however_often_it_is_looked_at(window: View, screen: Screen) -> None:
    first, seen = frame(0), Observation(frame(0), ())
    for _ in range(3):
        assert not window.refresh([one(first, None)])
    assert len(screen.shown) == 1
    window.refresh([one(first, seen)])
    window.refresh([one(frame(1), seen)])
    assert len(screen.shown) == 3


def test_nothing_is_drawn_before_the_first_picture_but_keys_work(window: View, screen: Screen) -> None:
    assert not window.refresh([one(None, None)])
    screen.key = "s"
    assert not window.refresh([one(None, None)])
    screen.key = "q"
    assert window.refresh([one(None, None)])
    assert screen.shown == []


def test_a_result_is_as_old_as_the_picture_it_is_drawn_on_is_newer(window: View, pencil: Pencil) -> None:
    window.refresh([one(frame(7, at=12.5), Observation(frame(5, at=12.0), ()))])
    window.refresh([one(frame(8, at=13.0), None)])
    assert [asked["age"] for asked in pencil.asked] == [0.5, None]


def test_a_trouble_is_shown_when_it_comes_and_goes_though_the_picture_stands_still(
    window: View, pencil: Pencil
) -> None:
    last = frame(3)
    for trouble in ("", "the source is lost", "the source is lost", ""):
        window.refresh([one(last, None, trouble)])
    assert [asked["notice"] for asked in pencil.asked] == ["", "the source is lost", ""]


def test_a_key_takes_effect_on_a_picture_that_stands_still(window: View, screen: Screen, pencil: Pencil) -> None:
    last = frame(3)
    for key in (None, "h", "h", "b", None):
        screen.key = key
        window.refresh([one(last, None, "lost")])
    assert [asked["notice"] for asked in pencil.asked] == ["lost", help_for(1), "lost", "lost"]
    assert not pencil.bars
    screen.key = "f"
    window.refresh([one(last, None)])
    assert screen.full == 1


@pytest.mark.parametrize("key", ["q", "closed"])
def test_the_key_q_and_the_cross_of_the_window_end_the_program(key: str, window: View, screen: Screen) -> None:
    screen.key = key
    assert window.refresh([one(frame(0), None)])


def test_a_file_is_shown_at_its_own_pace_however_long_drawing_takes(window: View, stop: Stop) -> None:
    for _ in range(3):
        window.keep_pace(10.0)
    begun = stop.now
    for _ in range(50):
        stop.now += 0.03
        assert not window.keep_pace(10.0)
    assert stop.now - begun == pytest.approx(5.0, abs=0.001)


def test_a_file_that_fell_behind_is_not_raced_through_to_catch_up(window: View, stop: Stop) -> None:
    window.keep_pace(10.0)
    stop.now += 60.0
    for _ in range(3):
        window.keep_pace(10.0)
    begun = stop.now
    for _ in range(10):
        window.keep_pace(10.0)
    assert stop.now - begun == pytest.approx(1.0, abs=0.001)


def test_a_file_without_a_rate_is_not_waited_for(window: View, stop: Stop) -> None:
    for _ in range(3):
        assert not window.keep_pace(0.0)
    assert stop.waits == []


def test_keys_and_a_stop_are_obeyed_while_a_slow_file_waits(window: View, screen: Screen, stop: Stop) -> None:
    for _ in range(3):
        window.keep_pace(0.1)
    stop.waits.clear()
    screen.key = "q"
    assert window.keep_pace(0.1)
    assert len(stop.waits) == 1
    assert max(stop.waits) <= LONGEST_WAIT
    stop.set()
    assert window.keep_pace(0.1)
    assert len(stop.waits) == 2


def test_files_of_one_rate_are_each_shown_at_it(window: View, stop: Stop) -> None:
    for _ in range(3):
        for camera in ("a", "b"):
            window.keep_pace(10.0, camera)
    begun = stop.now
    for _ in range(50):
        for camera in ("a", "b"):
            window.keep_pace(10.0, camera)
    assert stop.now - begun == pytest.approx(5.0, abs=0.001)


def test_of_files_of_several_rates_none_is_shown_faster_than_its_own(window: View, stop: Stop) -> None:
    for _ in range(3):
        window.keep_pace(30.0, "fast")
        window.keep_pace(10.0, "slow")
    begun = stop.now
    for _ in range(20):
        window.keep_pace(30.0, "fast")
        window.keep_pace(10.0, "slow")
    assert stop.now - begun == pytest.approx(2.0, abs=0.001)


def test_one_camera_is_shown_as_the_overlay_draws_it(window: View, screen: Screen) -> None:
    probabilities = np.full(7, 1 / 7, np.float32)
    seen = ObservedFace(Face(Box(40, 30, 50, 60), 0.9, {}), Expression(probabilities, "happy", 0.8, False))
    shown = Frame(
        3, 7.0, datetime.now(timezone.utc), np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    )
    rates = Rates(29.9, {"detection": StageRate(600.0), "classification": StageRate(240.0)})
    before = Frame(1, 6.5, shown.timestamp, shown.image)
    window.refresh([Pane("front", shown, Observation(before, (seen,)), rates, "the source is lost")])
    drawn = Overlay().draw(shown.image, (seen,), rates, age=0.5, notice="the source is lost")
    assert np.array_equal(screen.shown[0], drawn)


COLOURS = [(40, 90, 30), (90, 120, 40), (30, 160, 90)]


def several(*indices: int) -> List[Pane]:
    images = [np.full((120, 160, 3), colour, np.uint8) for colour in COLOURS]
    indices = indices or (0, 0, 0)
    return [
        Pane(f"camera {n}", Frame(index, 0.0, datetime.now(timezone.utc), image))
        for n, (index, image) in enumerate(zip(indices, images))
    ]


def cameras_on(image: Image) -> List[int]:
    """Tell which cameras a noticeable part of the image belongs to."""
    return [n for n, colour in enumerate(COLOURS) if (image == colour).all(axis=2).mean() > 0.05]


def press(window: View, screen: Screen, key: Optional[str]) -> List[int]:
    """Press a key, and tell which cameras are shown then."""
    screen.key = key
    for _ in range(2):
        window.refresh(several())
    return cameras_on(screen.shown[-1])


def test_a_number_key_enlarges_its_camera_and_the_same_or_0_goes_back_to_all(window: View, screen: Screen) -> None:
    keys = [None, "2", "7", "2", "3", "1", "0", "0", "4", "1", "1"]
    shown = [press(window, screen, key) for key in keys]
    assert shown == [[0, 1, 2], [1], [1], [0, 1, 2], [2], [0], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0], [0, 1, 2]]


def test_a_number_key_does_nothing_where_there_is_one_camera(window: View, screen: Screen) -> None:
    pictures = []
    for key in ("1", "0", "2", None):
        screen.key = key
        window.refresh([one(frame(3), None)])
        pictures.append(screen.shown[-1])
    assert all(np.array_equal(image, pictures[0]) for image in pictures)


def test_a_number_key_is_obeyed_while_a_file_waits(window: View, screen: Screen) -> None:
    window.refresh(several())
    screen.key = "3"
    window.keep_pace(10.0, "camera 0")
    window.keep_pace(10.0, "camera 0")
    window.keep_pace(10.0, "camera 0")
    window.refresh(several())
    assert cameras_on(screen.shown[-1]) == [2]


def test_the_help_teaches_the_number_keys_only_where_there_are_several_cameras(
    window: View, screen: Screen, pencil: Pencil
) -> None:
    assert not any(line[0].isdigit() for line in help_for(1).split("\n"))
    assert "\n1-3: " in help_for(3)
    assert "\n1-9: " in help_for(12)
    before = press(window, screen, None), screen.shown[-1]
    press(window, screen, "h")
    assert not np.array_equal(screen.shown[-1], before[1])
    press(window, screen, "h")
    assert np.array_equal(screen.shown[-1], before[1])


def test_cameras_that_give_nothing_new_are_not_shown_anew(window: View, screen: Screen, stop: Stop) -> None:
    for _ in range(5):
        window.refresh(several())
        stop.now += 1.0
    assert len(screen.shown) == 1
    window.refresh(several(0, 1, 0))
    assert len(screen.shown) == 2


def test_many_cameras_do_not_have_the_window_drawn_for_each_of_their_images(
    window: View, screen: Screen, stop: Stop
) -> None:
    for index in range(1000):
        window.refresh(several(index, 0, 0))
        stop.now += 0.001
    assert 20 <= len(screen.shown) <= 41


def test_drawing_that_takes_long_leaves_most_of_the_time_to_the_analysis(
    window: View, screen: Screen, stop: Stop, pencil: Pencil, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> None:
        stop.now += 0.1

    monkeypatch.setattr(pencil, "paint", slow)
    begun = stop.now
    for index in range(500):
        window.refresh(several(index, 0, 0))
        stop.now += 0.01
    drawing = stop.now - begun - 5.0
    assert drawing <= 0.36 * (stop.now - begun)


def test_the_window_fits_cameras_that_come_later_until_somebody_resizes_it(
    window: View, screen: Screen, stop: Stop
) -> None:
    waiting = [Pane("a"), Pane("b")]
    tall = Frame(0, 0.0, datetime.now(timezone.utc), np.zeros((160, 90, 3), np.uint8))

    def room(panes: List[Pane]) -> Tuple[int, int]:
        window.refresh(panes)
        stop.now += 1.0
        assert screen.room is not None
        assert screen.shown[-1].shape[1::-1] == screen.room
        return screen.room

    wide = room(waiting)
    upright = room([Pane("a", tall), Pane("b", tall)])
    assert screen.free
    assert wide[0] <= FIRST_SIZE[0]
    assert upright[0] / upright[1] < wide[0] / wide[1]
    screen.room = (700, 500)
    assert room([Pane("a"), Pane("b", tall)]) == (700, 500)


def test_the_window_of_one_camera_keeps_its_size_and_proportions_to_itself(window: View, screen: Screen) -> None:
    window.refresh([one(frame(0), None)])
    assert not screen.free
    assert screen.room == (160, 120)


def test_what_is_shown_is_what_is_saved(
    window: View, screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for key in ("2", "s"):
        press(window, screen, key)
    (saved,) = tmp_path.glob("*.png")
    assert np.array_equal(cv2.imread(str(saved)), screen.shown[-1])


@pytest.mark.parametrize(("display", "opened"), [("auto", False), ("none", False), ("window", True)])
def test_without_a_display_the_program_goes_on_without_a_window_unless_one_is_asked_for(
    display: str, opened: bool, monkeypatch: pytest.MonkeyPatch, stop: Stop
) -> None:
    monkeypatch.setattr(view, "display_available", lambda: (False, "there is no screen"))
    monkeypatch.setattr(view, "Window", Screen)
    with ExitStack() as stack:
        assert (open_view(display, Overlay(), stop, lambda: stop.now, stack) is not None) == opened
