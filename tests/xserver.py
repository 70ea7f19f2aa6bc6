"""A real X server without a screen, and a user who presses keys and closes windows on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from typing import Callable, Iterator, Tuple, TypeVar

import numpy as np

T = TypeVar("T")


@contextlib.contextmanager
def xvfb(*options: str) -> Iterator[str]:
    """Start Xvfb on a free display and give its name."""
    reading, writing = os.pipe()
    command = [str(shutil.which("Xvfb")), "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    server = subprocess.Popen([*command, *options], pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def eventually(look: Callable[[], T], seconds: float = 20.0) -> T:
    """Look again and again until there is something true to see."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


class Desktop:
    """What somebody in front of the screen sees and does."""

    def __init__(self, name: str) -> None:
        from Xlib import display

        self._display = display.Display(name)

    def close(self) -> None:
        self._display.close()

    def window(self, title: str) -> object:
        """Wait for the window of that title."""
        found = eventually(lambda: self._find(self._display.screen().root, title))
        assert found is not None, "no such window"
        return found

    def picture(self) -> np.ndarray:
        """Take a picture of the whole screen, height x width x 3, BGR."""
        from Xlib import X

        root = self._display.screen().root
        size = root.get_geometry()
        image = root.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(size.height, size.width, 4)[..., :3]

    def press(self, window: object, symbol: str) -> None:
        """Press and let go a key while the window has the focus."""
        from Xlib import XK, X
        from Xlib.ext import xtest

        window.set_input_focus(X.RevertToParent, X.CurrentTime)  # type: ignore[attr-defined]
        code = self._display.keysym_to_keycode(XK.string_to_keysym(symbol))
        for event in (X.KeyPress, X.KeyRelease):
            xtest.fake_input(self._display, event, code)
        self._display.sync()

    def size(self, window: object) -> Tuple[int, int]:
        """Return width and height of a window in pixels."""
        geometry = window.get_geometry()  # type: ignore[attr-defined]
        return geometry.width, geometry.height

    def resize(self, window: object, width: int, height: int) -> None:
        """Give the window another size, as its border does."""
        window.configure(width=width, height=height)  # type: ignore[attr-defined]
        self._display.sync()

    def close_window(self, window: object) -> None:
        """Ask the window to close, as its cross does."""
        from Xlib.protocol import event

        atoms = [self._display.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")]
        message = event.ClientMessage(window=window, client_type=atoms[0], data=(32, [atoms[1], 0, 0, 0, 0]))
        window.send_event(message)  # type: ignore[attr-defined]
        self._display.sync()

    def _find(self, parent: object, title: str) -> object:
        from Xlib import error

        try:
            for child in parent.query_tree().children:  # type: ignore[attr-defined]
                if child.get_wm_name() == title and child.get_attributes().map_state:
                    return child
                below = self._find(child, title)
                if below is not None:
                    return below
        except error.BadWindow:
            pass
        return None
