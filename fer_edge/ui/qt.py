"""Keeps Qt, with which OpenCV's wheels open windows, from ending the process over what a desktop tells it.

The wheels bring one way to a display, X (the plugin ``xcb``), and libraries of their own. Desktops tell Qt programs to use
Wayland, other plugins or another theme, and Qt ends a process whose way to the display it does not have.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, MutableMapping, Optional

import cv2

_DISTURBING = (
    "QT_PLUGIN_PATH",
    "QT_DEBUG_PLUGINS",
    "QT_FATAL_WARNINGS",
    "QT_FATAL_CRITICALS",
    "QT_QPA_PLATFORMTHEME",
    "QT_QPA_GENERIC_PLUGINS",
    "QT_STYLE_OVERRIDE",
    "QT_XCB_GL_INTEGRATION",
    "QT_IM_MODULE",
)
"""They name plugins of another Qt, have it write about its plugins to the standard error, or end at the first warning."""

_QUIET = "*.debug=false;*.info=false;*.warning=false"


@contextmanager
def qt_for_x(environment: Optional[MutableMapping[str, str]] = None) -> Iterator[None]:
    """Have a window opened by way of X, whatever the desktop tells Qt; the environment is as before afterwards.

    Qt looks for its platform once in a process, when the first window is opened. Only the place of the fonts and what it
    may log stay set where nobody else has set them, since Qt reads those later, too.

    Parameters
    ----------
    environment : mutable mapping of str to str, optional
        Instead of `os.environ`.
    """
    environment = os.environ if environment is None else environment
    if not os.path.isdir(environment.get("QT_QPA_FONTDIR", "")):
        environment["QT_QPA_FONTDIR"] = "/usr/share/fonts"
    environment.setdefault("QT_LOGGING_RULES", _QUIET)
    wanted: Dict[str, Optional[str]] = dict.fromkeys(_DISTURBING)
    wanted["QT_QPA_PLATFORM"] = "xcb"
    plugins = wheel_plugins()
    if plugins is not None:
        wanted["QT_QPA_PLATFORM_PLUGIN_PATH"] = str(plugins)
    before = {name: environment.get(name) for name in wanted}
    try:
        _set(environment, wanted)
        yield
    finally:
        _set(environment, before)


def wheel_plugins() -> Optional[Path]:
    """Return the folder with the plugins that OpenCV's wheel brings for its Qt; None where it is no such wheel."""
    folder = Path(cv2.__file__).parent / "qt" / "plugins"
    return folder if folder.is_dir() else None


def missing_library() -> str:
    """Return what keeps the wheel's way to X from being loaded, in the loader's words; empty where nothing does.

    Qt would look for it, not find it, and end the process.
    """
    plugins = wheel_plugins()
    if plugins is None:
        return ""
    plugin = plugins / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return str(error)
    return ""


def _set(environment: MutableMapping[str, str], values: Dict[str, Optional[str]]) -> None:
    for name, value in values.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
