from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from xserver import Desktop, eventually, xvfb

from fer_edge.app.live import LiveRun
from fer_edge.app.parts import Parts
from fer_edge.capture.base import Source, SourceInfo
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import ExpressionClassifier, FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.errors import SourceError, SourceNotFound, SourceStalled
from fer_edge.pipeline import reader
from fer_edge.service.sd_notify import Notifier
from fer_edge.settings import Settings
from fer_edge.system.address import Address
from fer_edge.types import Box, Expression, Face, Image
from fer_edge.ui.display import _opencv_has_windows
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.view import View

ROOT = Path(__file__).parents[2]
MARKS = {"right_eye": (130.0, 100.0), "left_eye": (190.0, 100.0), "nose": (160.0, 130.0), "mouth": (160.0, 165.0)}
FACE = Face(Box(100, 60, 120, 140), 0.9, MARKS)

NO_WINDOW, WINDOW = Settings.of(display="none"), Settings.of(display="window")


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


def camera(**options: Any) -> FakeSource:
    shades = [np.full((240, 320, 3), shade, np.uint8) for shade in range(20, 220, 5)]
    return FakeSource(shades, **{"live": True, "fps": 100.0, "repeat": True, **options})


def a_run(
    settings: Settings,
    source: Optional[Source] = None,
    *,
    classifier: Callable[[], ExpressionClassifier] = FakeClassifier,
    keys: Optional[Dict[int, str]] = None,
    overlay: Optional[Overlay] = None,
    notifier: Optional[Notifier] = None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuple[LiveRun, Screen]:
    """Return a run on stand-ins: sources made by the test (later ones are cameras that work), a window, a clock."""
    screen = Screen(keys or {})
    sources = [source] if source is not None else []
    parts = Parts(
        source=lambda *_: sources.pop() if sources else camera(),
        detector=lambda *_: partial(FakeDetector, [FACE]),
        classifier=lambda _: classifier,
        view=lambda display, drawn, stop, now, stack: (
            None if display == "none" else View(screen, overlay or drawn, stop, now)  # type: ignore[arg-type]
        ),
        clock=clock,
    )
    return LiveRun(settings, threading.Event(), notifier, parts), screen


def test_a_slow_classifier_does_not_hold_up_the_picture_and_the_age_of_its_result_is_known() -> None:
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

    run, screen = a_run(WINDOW, classifier=Stuck, keys={70: "q"}, overlay=Watched())
    summary = run.run()
    # The second answer came only after sixty pictures had been shown.
    assert len(screen.pictures) >= 70
    assert summary.balance.emitted < 30
    known = [age for age in ages if age is not None]
    assert max(known) > 10 * min(age for age in known if age > 0)
    assert summary.balance.in_flight == 0


def test_keys_switch_the_bars_and_show_the_help() -> None:
    run, screen = a_run(WINDOW, keys={10: "b", 20: "h", 30: "q"})
    run.run()
    with_bars, without, helped = (screen.pictures[index].astype(int) for index in (8, 18, 28))

    def drawn(picture: NDArray[Any]) -> int:
        return int((np.abs(picture - np.median(picture)) > 8).sum())

    assert drawn(without) < drawn(with_bars)
    assert drawn(helped) > drawn(without)


def test_a_saved_picture_takes_no_other_file_s_place_and_is_for_this_user_and_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    try:
        run, screen = a_run(WINDOW, keys={10: "s", 11: "s", 12: "s", 20: "q"})
        run.run()
    finally:
        os.umask(before)
    saved = list(tmp_path.iterdir())
    assert len(saved) == 3, "also within one second"
    assert {path.stat().st_mode & 0o777 for path in saved} == {0o640}
    assert all(cv2.imread(str(path)).shape == screen.pictures[0].shape for path in saved)


def test_every_frame_of_a_file_is_shown_and_the_run_ends_with_it() -> None:
    ages: List[Optional[float]] = []

    class Watched(Overlay):
        def draw(self, *arguments: Any, age: Optional[float] = None, **more: Any) -> Image:
            ages.append(age)
            return super().draw(*arguments, age=age, **more)

    run, screen = a_run(WINDOW, camera(live=False, repeat=False), overlay=Watched())
    summary = run.run()
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


def test_the_time_that_building_takes_does_not_count_as_watching() -> None:
    now = [0.0]

    class Engine(FakeClassifier):
        """Takes an hour to build."""

        def __init__(self) -> None:
            super().__init__()
            now[0] += 3600.0

        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            now[0] += 1.0
            return super().classify(crops)

    run, _ = a_run(NO_WINDOW.changed(duration=5.0), classifier=Engine, clock=lambda: now[0])
    summary = run.run()
    assert summary.balance.emitted > 0
    assert summary.seconds < 3600


def a_second_each(now: List[float]) -> Callable[[], ExpressionClassifier]:
    """Give what builds a classifier that takes a second for each frame, on the clock of the test."""

    class Slow(FakeClassifier):
        def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
            now[0] += 1.0
            return super().classify(crops)

    return Slow


def test_a_run_ends_after_as_many_frames_as_were_asked_for_and_sums_up_what_it_saw() -> None:
    summary = a_run(NO_WINDOW.changed(frames=5))[0].run()
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
def test_a_lost_camera_is_opened_anew_as_the_settings_say(reconnect: str, first: str, ends: bool) -> None:
    source = camera(repeat=False, error=SourceStalled("It stalled.")) if first == "stalls" else Missing([], live=True)
    run, _ = a_run(NO_WINDOW.changed(frames=100, reconnect=reconnect), source)
    if ends:
        with pytest.raises(SourceError):
            run.run()
    else:
        assert run.run().balance.emitted == 100


def test_the_health_and_the_service_manager_hear_of_the_run() -> None:
    sent: List[str] = []
    statuses: List[str] = []

    class Manager(Notifier):
        def send(self, **fields: object) -> bool:
            sent.extend(fields)
            statuses.append(str(fields.get("STATUS", "")))
            return True

    now = [0.0]
    settings = NO_WINDOW.changed(frames=20)
    run, _ = a_run(settings, classifier=a_second_each(now), notifier=Manager(), clock=lambda: now[0])
    run.run()
    assert "READY" in sent
    assert sent[-2:] == ["STOPPING", "STATUS"]
    assert any(status.startswith("FPS total") for status in statuses), statuses


def test_threads_that_hang_are_looked_for_while_the_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "GRAB_LIMIT", 0.2)
    end = threading.Event()

    class Hanging(FakeSource):
        def grab(self) -> Optional[bool]:
            return super().grab() if self._index < 5 else bool(end.wait(30))

    first = Hanging([np.full((240, 320, 3), 90, np.uint8)], live=True, repeat=True)
    try:
        run, _ = a_run(NO_WINDOW.changed(frames=50), first)
        assert run.run().balance.emitted == 50
    finally:
        end.set()


def test_the_figures_are_logged_every_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fer_edge")
    now = [0.0]
    a_run(NO_WINDOW.changed(frames=45), classifier=a_second_each(now), clock=lambda: now[0])[0].run()
    figures = [record for record in caplog.records if getattr(record, "event", "") == "figures"]
    assert 1 <= len(figures) <= now[0] / 10


def test_the_last_words_say_where_every_frame_went_also_those_that_were_under_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "fer_edge")
    a_run(NO_WINDOW.changed(frames=3), camera(fps=0.0))[0].run()
    (words,) = [record for record in caplog.records if getattr(record, "event", "") == "summary"]
    assert words.captured > words.emitted == 3  # type: ignore[attr-defined]
    assert words.captured == words.emitted + words.dropped  # type: ignore[attr-defined]
    assert words.in_flight == 0  # type: ignore[attr-defined]


def test_the_time_that_the_sinks_take_is_measured(tmp_path: Path) -> None:
    pages: List[str] = []

    class Asking(FakeSource):
        """Reads the metrics of the program that it is part of, at its end."""

        def grab(self) -> Optional[bool]:
            grabbed = super().grab()
            if grabbed is False:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
                    pages.append(answer.read().decode())
            return grabbed

    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = NO_WINDOW.changed(output=str(tmp_path / "out.jsonl"), listen=Address("127.0.0.1", port))
    a_run(settings, Asking([np.full((240, 320, 3), shade, np.uint8) for shade in range(20, 60)]))[0].run()
    emitted = re.search(r'fer_edge_stage_seconds_count\{camera="camera",stage="emit"\} ([0-9.]+)', pages[0])
    assert emitted is not None
    assert float(emitted.group(1)) >= 30
