from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator

import pytest
from xserver import xvfb

from fer_edge.errors import DisplayUnavailable
from fer_edge.ui import qt
from fer_edge.ui.display import _opencv_has_windows, display_available
from fer_edge.ui.qt import missing_library, qt_for_x
from fer_edge.ui.window import Window

ROOT = Path(__file__).parents[2]

needs_windows = pytest.mark.skipif(not _opencv_has_windows(), reason="this OpenCV was built without windows")
needs_x = pytest.mark.skipif(
    shutil.which("Xvfb") is None or importlib.util.find_spec("Xlib") is None,
    reason="needs Xvfb (apt-get install xvfb) and the Python package python-xlib",
)

OPENS = """
import os
import cv2, fer_edge.ui.window
from fer_edge.errors import FerEdgeError
names = [name for name in os.environ if name.startswith("QT_Q") or name.startswith("QT_P")]
before = {name: os.environ[name] for name in names}
try:
    with fer_edge.ui.window.Window("a"):
        print("opened", all(os.environ[name] == value for name, value in before.items()))
except FerEdgeError as error:
    print(error)
    raise SystemExit(error.exit_code)
"""


@pytest.fixture(name="x", scope="module")
def x_server() -> Iterator[str]:
    # It stays when its last client leaves.
    with xvfb("-noreset") as name:
        yield name


def opened(environment: Dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("QT_", "WAYLAND", "DISPLAY"))
    }
    return subprocess.run(
        [sys.executable, "-c", OPENS],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )


@needs_x
@needs_windows
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("QT_QPA_PLATFORM", way)
            for way in ("wayland", "wayland;xcb", "offscreen", "eglfs", "minimal", "vnc", "what")
        ),
        ("QT_PLUGIN_PATH", "/usr/lib"),
        ("QT_QPA_PLATFORM_PLUGIN_PATH", "/nowhere"),
        ("QT_DEBUG_PLUGINS", "1"),
        ("QT_FATAL_WARNINGS", "1"),
        ("QT_QPA_PLATFORMTHEME", "gtk3"),
        ("QT_STYLE_OVERRIDE", "kvantum"),
        ("WAYLAND_DISPLAY", "wayland-0"),
    ],
)
def test_a_window_opens_whatever_the_desktop_tells_qt_and_the_environment_is_as_before(
    x: str, name: str, value: str
) -> None:
    done = opened({"DISPLAY": x, name: value})
    assert (done.stdout, done.stderr, done.returncode) == ("opened True\n", "", 0)


@needs_windows
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="DISPLAY means something on Linux only")
@pytest.mark.parametrize("platform", ["wayland", "offscreen"])
def test_without_an_x_display_it_is_an_error_whatever_qt_is_told(platform: str) -> None:
    done = opened({"WAYLAND_DISPLAY": "wayland-0", "QT_QPA_PLATFORM": platform})
    assert done.returncode == DisplayUnavailable.exit_code
    assert "Xwayland" in done.stdout


def test_the_environment_is_as_before_also_after_a_failure() -> None:
    before = {"QT_QPA_PLATFORM": "wayland", "QT_PLUGIN_PATH": "/usr/lib", "QT_QPA_FONTDIR": "/", "HOME": "/root"}
    environment = dict(before)
    with pytest.raises(ZeroDivisionError), qt_for_x(environment):
        assert environment["QT_QPA_PLATFORM"] == "xcb"
        assert "QT_PLUGIN_PATH" not in environment
        raise ZeroDivisionError
    del environment["QT_LOGGING_RULES"]
    assert environment == before


@needs_windows
def test_a_library_of_x_that_is_missing_is_named_before_qt_would_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "platforms").mkdir()
    (tmp_path / "platforms" / "libqxcb.so").write_bytes(b"no library")
    monkeypatch.setattr(qt, "wheel_plugins", lambda: tmp_path)
    assert "libqxcb.so" in missing_library()
    if sys.platform.startswith("linux"):
        assert display_available({"DISPLAY": ":0"})[0] is False
        monkeypatch.setenv("DISPLAY", ":0")
        with pytest.raises(DisplayUnavailable, match=r"libqxcb\.so"):
            Window("none")
