"""The live view: a window on the desktop and the keys that are pressed in it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import TracebackType
from typing import Optional, Tuple, Type

import cv2

from fer_edge.errors import DisplayUnavailable
from fer_edge.types import Image
from fer_edge.ui.display import display_available, reach_display
from fer_edge.ui.qt import qt_for_x

__all__ = ["KEYS", "Window", "display_available"]

KEYS = {
    "q": "quit",
    "b": "bars on or off",
    "t": "traces on or off",
    "r": "regions on or off",
    "m": "mirror on or off",
    "f": "full screen",
    "s": "save a picture",
    "h": "this help",
}
"""What the keys mean, for the help that is drawn onto the image; the caller of `Window.poll` does what they say."""

_ESCAPE = 27


class Window:
    """Shows images in a window that can be resized and keeps their proportions. A context manager.

    All calls must come from one thread, the main thread on macOS. Call `poll` often: the window draws itself only then.

    Parameters
    ----------
    title : str
        Also OpenCV's name of the window: two windows need two titles.

    Raises
    ------
    DisplayUnavailable
        There is no display, or OpenCV cannot open windows on it.
    """

    def __init__(self, title: str) -> None:
        connection, reason = reach_display()
        if reason:
            raise _unavailable(reason)
        self._title = title
        self._open = True
        self._fitted = False
        try:
            with qt_for_x() if sys.platform.startswith("linux") else nullcontext():
                cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise _unavailable(str(error).strip()) from error
        finally:
            if connection is not None:
                connection.close()

    def show(self, image: Image) -> None:
        """Show an image. Does nothing once the window was closed."""
        if not self._open or (self._fitted and not self._visible()):
            return
        cv2.imshow(self._title, image)
        if not self._fitted:
            height, width = image.shape[:2]
            cv2.resizeWindow(self._title, width, height)
            self._fitted = True

    def free_proportions(self) -> None:
        """Let images fill the window, whatever its proportions; whoever shows them makes them of its `size`."""
        if self._open:
            cv2.setWindowProperty(self._title, cv2.WND_PROP_ASPECT_RATIO, cv2.WINDOW_FREERATIO)

    def size(self) -> Optional[Tuple[int, int]]:
        """Return width and height of the room for the image; None before the first one, and once the window was closed."""
        if not (self._open and self._fitted and self._visible()):
            return None
        _, _, width, height = cv2.getWindowImageRect(self._title)
        return (width, height) if min(width, height) > 0 else None

    def resize(self, width: int, height: int) -> None:
        """Give the image another room."""
        if self._open and self._fitted and self._visible():
            cv2.resizeWindow(self._title, width, height)

    def poll(self) -> Optional[str]:
        """Let the window draw itself, and give what happened since the last call.

        Returns
        -------
        str or None
            ``"closed"`` when somebody closed the window (from then on always), the lower-case letter of a key, ``"q"``
            for Escape as well, or None. Takes about a millisecond.
        """
        if not self._open:
            return "closed"
        key = cv2.waitKey(1)
        if self._fitted and not self._visible():
            self._open = False
            return "closed"
        code = key & 0xFF
        if key < 0 or code > 126:
            return None
        return "q" if code == _ESCAPE else chr(code).lower()

    def toggle_fullscreen(self) -> None:
        """Fill the screen, or go back to the window."""
        if self._open:
            full = cv2.getWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN) == cv2.WINDOW_FULLSCREEN
            wanted = cv2.WINDOW_NORMAL if full else cv2.WINDOW_FULLSCREEN
            cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, wanted)

    def close(self) -> None:
        """Take the window away. May be called twice."""
        if not self._open:
            return
        self._open = False
        if self._visible():
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)

    def __enter__(self) -> Window:
        """Enter a ``with`` block."""
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Close the window."""
        self.close()

    def _visible(self) -> bool:
        try:
            return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)
        except cv2.error:
            return False


def _unavailable(reason: str) -> DisplayUnavailable:
    return DisplayUnavailable(
        f"No window can be opened: {reason}.",
        "Run without one:  --display none  (results go to --output and --record).",
    )
