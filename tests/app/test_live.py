from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from xserver import Desktop, eventually, xvfb

from fer_edge.app import live
from fer_edge.capture.base import SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.detect import FaceDetector, FakeDetector
from fer_edge.errors import SourceError, SourceNotFound, SourceStalled
from fer_edge.pipeline import reader
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.service.health import HealthMonitor
from fer_edge.service.sd_notify import Notifier
from fer_edge.settings import Settings
from fer_edge.types import Box, Expression, Face, Image
from fer_edge.ui import view
from fer_edge.ui.display import _opencv_has_windows
from fer_edge.ui.overlay import Overlay

ROOT = Path(__file__).parents[2]
MARKS = {"right_eye": (130.0, 100.0), "left_eye": (190.0, 100.0), "nose": (160.0, 130.0), "mouth": (160.0, 165.0)}
FACE = Face(Box(100, 60, 120, 140), 0.9, MARKS)


class Screen:
    """Stands in for the window: keeps how old each drawn result was, and presses keys."""

    def __init__(self, keys: Dict[int, str]) -> None:
        self.pictures: List[Image] = []
        self._keys = keys

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, image: Image) -> None:
        self.pictures.append(image)

    def poll(self) -> Optional[str]:
        return self._keys.pop(len(self.pictures), None)

    def toggle_fullscreen(self) -> None:
        pass


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Screen]:
    """Replace window, detector and classifier of the live run."""

    def replace(keys: Dict[int, str], classifier: Callable[[], ExpressionClassifier] = FakeClassifier) -> Screen:
        screen = Screen(keys)
        monkeypatch.setattr(view, "display_available", lambda: (True, ""))
        monkeypatch.setattr(view, "Window", lambda title: screen)
        found: Callable[[], FaceDetector] = partial(FakeDetector, [FACE])
        monkeypatch.setattr(live, "detector_factory", lambda settings: found)
        monkeypatch.setattr(live, "classifier_factory", lambda settings: classifier)
        return screen

    return replace


def camera(**options: Any) -> FakeSource:
    shades = [np.full((240, 320, 3), shade, np.uint8) for shade in range(20, 220, 5)]
    return FakeSource(shades, **{"live": True, "fps": 100.0, "repeat": True, **options})


def test_a_slow_classifier_does_not_hold_up_the_picture_and_the_age_of_its_result_is_known(
    stand_in: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    ages: List[Optional[float]] = []

    class Stuck(FakeClassifier):
        answered = 0

        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            Stuck.answered += 1
            if Stuck.answered > 1:
                release.wait(20)
            return super().classify(crops)

    class Watched(Overlay):
        def draw(self, *arguments: Any, age: Optional[float] = None, **more: Any) -> Image:
            ages.append(age)
            if len(ages) > 60:
                release.set()
            return super().draw(*arguments, age=age, **more)

    monkeypatch.setattr(live, "Overlay", Watched)
    screen = stand_in({70: "q"}, Stuck)
    summary = live.LiveRun(Settings.of(display="window"), threading.Event()).run(camera())
    # The second answer came only after sixty pictures had been shown.
    assert len(screen.pictures) >= 70
    assert summary.balance.emitted < 30
    known = [age for age in ages if age is not None]
    assert max(known) > 10 * min(age for age in known if age > 0)
    assert summary.balance.in_flight == 0


def test_keys_switch_the_bars_and_show_the_help(stand_in: Callable[..., Screen]) -> None:
    screen = stand_in({10: "b", 20: "h", 30: "q"})
    live.LiveRun(Settings.of(display="window"), threading.Event()).run(camera())
    with_bars, without, helped = (screen.pictures[index].astype(int) for index in (8, 18, 28))

    def drawn(picture: NDArray[Any]) -> int:
        return int((np.abs(picture - np.median(picture)) > 8).sum())

    assert drawn(without) < drawn(with_bars)
    assert drawn(helped) > drawn(without)


def test_a_saved_picture_takes_no_other_file_s_place_and_is_for_this_user_and_group(
    stand_in: Callable[..., Screen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    try:
        screen = stand_in({10: "s", 11: "s", 12: "s", 20: "q"})
        live.LiveRun(Settings.of(display="window"), threading.Event()).run(camera())
    finally:
        os.umask(before)
    saved = list(tmp_path.iterdir())
    assert len(saved) == 3, "also within one second"
    assert {path.stat().st_mode & 0o777 for path in saved} == {0o640}
    assert all(cv2.imread(str(path)).shape == screen.pictures[0].shape for path in saved)


def test_every_frame_of_a_file_is_shown_and_the_run_ends_with_it(
    stand_in: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    ages: List[Optional[float]] = []

    class Watched(Overlay):
        def draw(self, *arguments: Any, age: Optional[float] = None, **more: Any) -> Image:
            ages.append(age)
            return super().draw(*arguments, age=age, **more)

    monkeypatch.setattr(live, "Overlay", Watched)
    screen = stand_in({})
    summary = live.LiveRun(Settings.of(display="window"), threading.Event()).run(camera(live=False, repeat=False))
    assert summary.balance.emitted == 40
    assert len(screen.pictures) >= 40
    assert ages == [0.0] * 40, "each with its own result"


@pytest.mark.skipif(
    not _opencv_has_windows() or shutil.which("Xvfb") is None or importlib.util.find_spec("Xlib") is None,
    reason="needs windows in OpenCV, Xvfb (apt-get install xvfb) and the Python package python-xlib",
)
@pytest.mark.parametrize("way", ["q", "Escape", "the cross"])
def test_the_program_in_a_real_window_ends_orderly(way: str, tmp_path: Path) -> None:
    lines = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "fer_edge", "--camera", "demo", "--output", str(lines), "--display", "window"]
    with xvfb() as name:
        environment = {**os.environ, "DISPLAY": name, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        desktop = Desktop(name)
        window = desktop.window("fer-edge")
        assert eventually(lambda: lines.exists() and lines.read_text().count("\n") > 10)
        asked_at = time.monotonic()
        while process.poll() is None and time.monotonic() - asked_at < 20:
            if way == "the cross":
                desktop.close_window(window)
            else:
                desktop.press(window, way)
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                continue
        desktop.close()
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "frames analysed" in output


def test_the_time_that_building_takes_does_not_count_as_watching(stand_in: Callable[..., Screen]) -> None:
    now = [0.0]

    class Engine(FakeClassifier):
        """Takes an hour to build."""

        def __init__(self) -> None:
            super().__init__()
            now[0] += 3600.0

        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            now[0] += 1.0
            return super().classify(crops)

    stand_in({}, Engine)
    run = live.LiveRun(Settings.of(display="none", duration=5.0), threading.Event(), clock=lambda: now[0])
    summary = run.run(camera())
    assert summary.balance.emitted > 0
    assert summary.seconds < 3600


NO_WINDOW = Settings.of(display="none")


def a_second_each(now: List[float]) -> Callable[[], ExpressionClassifier]:
    """Give what builds a classifier that takes a second for each frame, on the clock of the test."""

    class Slow(FakeClassifier):
        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            now[0] += 1.0
            return super().classify(crops)

    return Slow


def test_a_run_ends_after_as_many_frames_as_were_asked_for_and_sums_up_what_it_saw(
    stand_in: Callable[..., Screen],
) -> None:
    stand_in({})
    summary = live.LiveRun(NO_WINDOW.changed(frames=5), threading.Event()).run(camera())
    assert summary.balance.emitted == 5
    assert summary.faces == 5
    assert "5 frames analysed in" in str(summary)


class Missing(FakeSource):
    def open(self) -> SourceInfo:
        raise SourceNotFound("There is no camera.")


@pytest.mark.parametrize(
    ("reconnect", "first", "ends"),
    [
        ("auto", "stalls", False),
        ("auto", "is missing", True),
        ("always", "is missing", False),
        ("never", "stalls", True),
        ("never", "is missing", True),
    ],
)
def test_a_lost_camera_is_opened_anew_as_the_settings_say(
    reconnect: str, first: str, ends: bool, stand_in: Callable[..., Screen]
) -> None:
    stand_in({})
    source = camera(repeat=False, error=SourceStalled("It stalled.")) if first == "stalls" else Missing([], live=True)
    run = live.LiveRun(NO_WINDOW.changed(frames=100, reconnect=reconnect), threading.Event())
    if ends:
        with pytest.raises(SourceError):
            run.run(source, reopen=camera)
    else:
        assert run.run(source, reopen=camera).balance.emitted == 100


def test_the_health_and_the_service_manager_hear_of_the_run(
    stand_in: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: List[str] = []
    monitors: List[HealthMonitor] = []

    class Manager(Notifier):
        def send(self, **fields: object) -> bool:
            sent.extend(fields)
            return True

    class Kept(HealthMonitor):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            monitors.append(self)

    monkeypatch.setattr(live, "HealthMonitor", Kept)
    now = [0.0]
    stand_in({}, a_second_each(now))
    run = live.LiveRun(NO_WINDOW.changed(frames=20), threading.Event(), Manager(), clock=lambda: now[0])
    summary = run.run(camera())
    (monitor,) = monitors
    assert monitor.health().frames == summary.balance.emitted
    assert "READY" in sent
    assert sent[-2:] == ["STOPPING", "STATUS"]


def test_threads_that_hang_are_looked_for_while_the_program_runs(
    stand_in: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    end = threading.Event()

    class Hanging(FakeSource):
        def grab(self) -> Optional[bool]:
            return super().grab() if self._index < 5 else bool(end.wait(30))

    stand_in({})
    first = Hanging([np.full((240, 320, 3), 90, np.uint8)], live=True, repeat=True)
    try:
        run = live.LiveRun(NO_WINDOW.changed(frames=50), threading.Event())
        assert run.run(first, reopen=camera).balance.emitted == 50
    finally:
        end.set()


def test_the_figures_are_logged_every_ten_seconds(
    stand_in: Callable[..., Screen], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    now = [0.0]

    stand_in({}, a_second_each(now))
    live.LiveRun(NO_WINDOW.changed(frames=45), threading.Event(), clock=lambda: now[0]).run(camera())
    figures = [record for record in caplog.records if getattr(record, "event", "") == "figures"]
    assert 1 <= len(figures) <= now[0] / 10


def test_the_last_words_say_where_every_frame_went_also_those_that_were_under_way(
    stand_in: Callable[..., Screen], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fer_edge")
    stand_in({})
    live.LiveRun(NO_WINDOW.changed(frames=3), threading.Event()).run(camera(fps=0.0))
    (words,) = [record for record in caplog.records if getattr(record, "event", "") == "summary"]
    assert words.captured > words.emitted == 3  # type: ignore[attr-defined]
    assert words.captured == words.emitted + words.dropped  # type: ignore[attr-defined]
    assert words.in_flight == 0  # type: ignore[attr-defined]


def test_the_time_that_the_sinks_take_is_measured(
    stand_in: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pipelines: List[Pipeline] = []

    class Kept(Pipeline):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            pipelines.append(self)

    monkeypatch.setattr(live, "Pipeline", Kept)
    stand_in({})
    settings = NO_WINDOW.changed(output=str(tmp_path / "out.jsonl"))
    live.LiveRun(settings, threading.Event()).run(camera(live=False, repeat=False))
    assert pipelines[0].meter.counts()["emit"] == 40
