from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

import numpy as np
import pytest

from fer_edge.types import Frame, Image, Observation, Rates
from fer_edge.ui import view
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.view import HELP, LONGEST_WAIT, View, open_view


class Screen:
    """Stands in for the window: keeps what is shown, and has the key pressed that a test sets."""

    def __init__(self, title: str = "") -> None:
        self.shown: List[Image] = []
        self.key: Optional[str] = None
        self.full = 0

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, image: Image) -> None:
        self.shown.append(image)

    def poll(self) -> Optional[str]:
        key, self.key = self.key, None
        return key

    def toggle_fullscreen(self) -> None:
        self.full += 1


class Pencil(Overlay):
    """Keeps what it is asked to draw beside the picture."""

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


def test_a_picture_is_drawn_once_however_often_it_is_looked_at(window: View, screen: Screen) -> None:
    first, seen = frame(0), Observation(frame(0), ())
    for _ in range(3):
        assert not window.refresh(first, None, Rates())
    assert len(screen.shown) == 1
    window.refresh(first, seen, Rates())
    window.refresh(frame(1), seen, Rates())
    assert len(screen.shown) == 3


def test_nothing_is_drawn_before_the_first_picture_but_keys_work(window: View, screen: Screen) -> None:
    assert not window.refresh(None, None, Rates())
    screen.key = "s"
    assert not window.refresh(None, None, Rates())
    screen.key = "q"
    assert window.refresh(None, None, Rates())
    assert screen.shown == []


def test_a_result_is_as_old_as_the_picture_it_is_drawn_on_is_newer(window: View, pencil: Pencil) -> None:
    window.refresh(frame(7, at=12.5), Observation(frame(5, at=12.0), ()), Rates())
    window.refresh(frame(8, at=13.0), None, Rates())
    assert [asked["age"] for asked in pencil.asked] == [0.5, None]


def test_a_trouble_is_shown_when_it_comes_and_goes_though_the_picture_stands_still(
    window: View, pencil: Pencil
) -> None:
    last = frame(3)
    for trouble in ("", "the source is lost", "the source is lost", ""):
        window.refresh(last, None, Rates(), trouble)
    assert [asked["notice"] for asked in pencil.asked] == ["", "the source is lost", ""]


def test_a_key_takes_effect_on_a_picture_that_stands_still(window: View, screen: Screen, pencil: Pencil) -> None:
    last = frame(3)
    for key in (None, "h", "h", "b", None):
        screen.key = key
        window.refresh(last, None, Rates(), "lost")
    assert [asked["notice"] for asked in pencil.asked] == ["lost", HELP, "lost", "lost"]
    assert not pencil.bars
    screen.key = "f"
    window.refresh(last, None, Rates())
    assert screen.full == 1


@pytest.mark.parametrize("key", ["q", "closed"])
def test_the_key_q_and_the_cross_of_the_window_end_the_program(key: str, window: View, screen: Screen) -> None:
    screen.key = key
    assert window.refresh(frame(0), None, Rates())


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


@pytest.mark.parametrize(("display", "opened"), [("auto", False), ("none", False), ("window", True)])
def test_without_a_display_the_program_goes_on_without_a_window_unless_one_is_asked_for(
    display: str, opened: bool, monkeypatch: pytest.MonkeyPatch, stop: Stop
) -> None:
    monkeypatch.setattr(view, "display_available", lambda: (False, "there is no screen"))
    monkeypatch.setattr(view, "Window", Screen)
    with ExitStack() as stack:
        assert (open_view(display, Overlay(), stop, lambda: stop.now, stack) is not None) == opened
