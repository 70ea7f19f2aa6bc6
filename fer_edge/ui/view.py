"""The window of a live run: the newest picture with the last result on it, and what the keys do."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import ExitStack
from datetime import datetime
from typing import Optional, Tuple

import cv2

from fer_edge.system.clock import Clock
from fer_edge.system.new_file import PRIVATE, unused_name
from fer_edge.types import Frame, Image, Observation, Rates
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.window import KEYS, Window, display_available

logger = logging.getLogger("fer_edge")

HELP = "\n".join(f"{key}: {meaning}" for key, meaning in KEYS.items())

LONGEST_WAIT = 0.1
"""Seconds after which the keyboard is looked at even when nothing happens."""


def open_view(display: str, overlay: Overlay, stop: threading.Event, clock: Clock, stack: ExitStack) -> Optional[View]:
    """Open a window for the setting `display`, to be closed by `stack`; None where there shall be none."""
    if display == "none":
        return None
    if display == "auto":
        available, reason = display_available()
        if not available:
            logger.info("no window: %s", reason)
            return None
    return View(stack.enter_context(Window("fer-edge")), overlay, stop, clock)


class View:
    """Shows a run in a window.

    Parameters
    ----------
    window : Window
        Open.
    overlay : Overlay
        Draws; the key b changes it.
    stop : Event
        Ends a wait.
    """

    def __init__(self, window: Window, overlay: Overlay, stop: threading.Event, clock: Clock = time.monotonic) -> None:
        self._window = window
        self._overlay = overlay
        self._stop = stop
        self._clock = clock
        self._shown: Optional[Tuple[int, int, str]] = None
        self._picture: Optional[Image] = None
        self._help = False
        self._due = 0.0

    def refresh(self, frame: Optional[Frame], seen: Optional[Observation], rates: Rates, trouble: str = "") -> bool:
        """Show `frame` with the last result, unless it is shown already; tell whether the window wants to end."""
        version = (frame.index if frame else -1, seen.frame.index if seen else -1, trouble)
        if frame is not None and version != self._shown:
            age = frame.captured_at - seen.frame.captured_at if seen else None
            notice = HELP if self._help else trouble
            self._picture = self._overlay.draw(frame.image, seen.faces if seen else (), rates, age=age, notice=notice)
            self._window.show(self._picture)
            self._shown = version
        return self._obey()

    def keep_pace(self, fps: float) -> bool:
        """Wait until the next picture of a file is due; tell whether the window wants to end."""
        gap = 1 / fps if fps > 0 else 0.0
        self._due = max(self._due + gap, self._clock() - gap)
        while self._clock() < self._due:
            if self._stop.wait(min(LONGEST_WAIT, max(0.0, self._due - self._clock()))) or self._obey():
                return True
        return False

    def _obey(self) -> bool:
        """Do what a key asks for; tell whether it, or the closed window, ends the run."""
        key = self._window.poll()
        if key == "b":
            self._overlay.bars = not self._overlay.bars
        elif key == "h":
            self._help = not self._help
        elif key == "f":
            self._window.toggle_fullscreen()
        elif key == "s" and self._picture is not None:
            _save(self._picture)
        if key is not None:
            self._shown = None
        return key in ("q", "closed")


def _save(picture: Image) -> None:
    """Write a picture into the working folder, under a name that is not taken, for this user and group."""
    path = unused_name(datetime.now().strftime("fer-edge-%Y%m%d-%H%M%S.png"))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        with open(descriptor, "wb") as file:
            file.write(cv2.imencode(".png", picture)[1].tobytes())
    except (OSError, cv2.error) as error:
        logger.warning("could not save %s: %s", path, error)
    else:
        logger.info("saved %s", path)
