from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List

import cv2
import pytest
from xserver import Desktop, eventually, xvfb

from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.ui.display import _opencv_has_windows

ROOT = Path(__file__).parents[2]

needs_x = pytest.mark.skipif(
    not _opencv_has_windows() or shutil.which("Xvfb") is None or importlib.util.find_spec("Xlib") is None,
    reason="needs windows in OpenCV, Xvfb (apt-get install xvfb) and the Python package python-xlib",
)


@pytest.fixture(name="x", scope="module")
def x_server() -> Iterator[str]:
    with xvfb("-noreset") as name:
        yield name


@pytest.fixture(name="folder")
def pictures(tmp_path: Path) -> Path:
    """Return a folder with three pictures of 256 x 256."""
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (256, 256), interpolation=cv2.INTER_AREA)
    (tmp_path / "pictures").mkdir()
    for n in range(3):
        cv2.imwrite(str(tmp_path / "pictures" / f"{n}.png"), portrait)
    return tmp_path / "pictures"


class Running:
    """The program, with its results in a file."""

    def __init__(self, x: str, *arguments: str, folder: Path) -> None:
        self.lines = folder.parent / "out.jsonl"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fer_edge", *arguments, "--output", str(self.lines)],
            env={**os.environ, "DISPLAY": x, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder.parent,
        )

    def has(self, count: int) -> bool:
        return self.lines.exists() and self.lines.read_text().count("\n") == count

    def ended(self) -> List[str]:
        """Wait for the end, and return what was said."""
        try:
            output, errors = self.process.communicate(timeout=30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
        assert self.process.returncode == 0, errors
        return [output, errors]


@needs_x
@pytest.mark.parametrize("way", ["space", "the cross", "SIGTERM"])
@pytest.mark.parametrize("place", ["pictures/0.png", "pictures"])
def test_the_last_picture_stays_in_the_window_until_somebody_ends_it(
    x: str, folder: Path, way: str, place: str
) -> None:
    running = Running(x, "--camera", str(folder.parent / place), "--display", "window", folder=folder)
    desktop = Desktop(x)
    try:
        window = desktop.window("fer-edge")
        assert eventually(lambda: running.has(1 if place.endswith("png") else 3))
        # It would be gone: there is nothing more to do.
        time.sleep(1.5)
        assert running.process.poll() is None
        asked_at = time.monotonic()
        while running.process.poll() is None and time.monotonic() - asked_at < 20:
            if way == "SIGTERM":
                running.process.send_signal(signal.SIGTERM)
            elif way == "the cross":
                desktop.close_window(window)
            else:
                # A busy desktop may lose a key that is pressed while the window is being drawn.
                desktop.press(window, way)
            eventually(lambda: running.process.poll() is not None, 1.0)
    finally:
        desktop.close()
        output, errors = running.ended()
    assert "analysed in" in output
    assert "the last picture stays in the window" in errors


@needs_x
def test_a_duration_ends_the_last_picture_too(x: str, folder: Path) -> None:
    running = Running(x, "--camera", str(folder), "--display", "window", "--duration", "1", folder=folder)
    assert "3 frames analysed" in running.ended()[0]


@needs_x
def test_without_a_window_nothing_waits(x: str, folder: Path) -> None:
    running = Running(x, "--camera", str(folder), "--display", "none", folder=folder)
    output, errors = running.ended()
    assert "3 frames analysed" in output
    assert "stays" not in errors
