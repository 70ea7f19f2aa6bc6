"""The window of a run: the newest images with the last results on them, and what the keys do."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Dict, Optional, Sequence, Set

import cv2

from fer_edge.detect.search import EVERYTHING
from fer_edge.system.clock import Clock
from fer_edge.system.new_file import PRIVATE, unused_name
from fer_edge.system.unix import CLOEXEC
from fer_edge.types import Image
from fer_edge.ui.grid import KEYS_FOR_CAMERAS, Grid, Numbered, proportions
from fer_edge.ui.layout import Size, snug
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import Pane, Version
from fer_edge.ui.trace import TraceHistory
from fer_edge.ui.window import KEYS, Window, display_available

__all__ = ["LONGEST_WAIT", "Pane", "View", "help_for", "open_view"]

logger = logging.getLogger("fer_edge")

LONGEST_WAIT = 0.1
"""Seconds after which the keyboard is looked at even when nothing happens."""

FIRST_SIZE: Size = (1280, 720)
"""What a window of several cameras fits into when it opens."""

STAYS = "press a key to end, h for help"
"""What stands on the last picture."""

_SHORTEST_GAP, _DRAWING_SHARE = 0.025, 1 / 3
"""Several cameras are shown anew after so many seconds at the earliest, and drawing takes this share of the time at most."""


def help_for(cameras: int) -> str:
    """Return what the keys do, a line each."""
    keys = dict(KEYS)
    if cameras > 1:
        keys[f"1-{min(cameras, KEYS_FOR_CAMERAS)}"] = "that camera alone"
        keys["0"] = "all cameras"
    return "\n".join(f"{key}: {meaning}" for key, meaning in keys.items())


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
    """Shows a run in a window: one camera as large as its images are, several in a grid.

    Parameters
    ----------
    window : Window
        Open.
    overlay : Overlay
        Draws; the key b changes it.
    stop : Event
        Ends a wait.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, window: Window, overlay: Overlay, stop: threading.Event, clock: Clock = time.monotonic) -> None:
        self._window = window
        self._overlay = overlay
        self._stop = stop
        self._clock = clock
        self._shown: Optional[Version] = None
        self._image: Optional[Image] = None
        self._help = False
        self._grid = Grid(overlay)
        self._cameras = 1
        self._alone: Optional[int] = None
        self._asked: Optional[Size] = None
        self._again = 0.0
        self._due: Dict[str, float] = {}
        self._turned: Set[int] = set()
        self._history = TraceHistory()
        self._traced = False
        self._searched = False
        self._stays = False

    def refresh(self, panes: Sequence[Pane]) -> bool:
        """Bring the window up to date.

        Parameters
        ----------
        panes : sequence of Pane
            One for each camera, in an order that stays; at least one. One alone is drawn on a copy of its image. Several are
            drawn at the size of their cells, those that changed, and the window is shown anew forty times a second at most,
            or less often where drawing would take more than a third of the time.

        Returns
        -------
        bool
            The window wants to end.
        """
        self._cameras = len(panes)
        for pane in panes:  # also while no traces are shown, so that the key shows what was until then
            self._history.add(pane.name, pane.observation)
        panes = [
            replace(
                pane,
                mirror=pane.mirror != (place in self._turned),
                traces=self._history.of(pane.name) if self._traced else {},
                search=pane.search if self._searched else EVERYTHING,
            )
            for place, pane in enumerate(panes)
        ]
        if len(panes) == 1:
            self._show_one(panes[0])
        elif self._clock() >= self._again:
            self._show_several(panes)
        return self._obey()

    def keep_pace(self, fps: float, camera: str = "") -> bool:
        """Wait until the next image of a file is due, after one was shown.

        Each file has a pace of its own, and none is shown faster than that. Several are waited for in turn: where they have
        the same rate each keeps it, and else the slowest holds up the others, since every image of every file is shown or
        at least analysed, and none runs away from the others. Not to be called where one of several cameras is live: that
        would be held up, too.

        Parameters
        ----------
        fps : float
            Of the file; 0 where it has none, and then there is no wait.
        camera : str
            The name of the file's camera, if there are several.

        Returns
        -------
        bool
            The window wants to end.
        """
        gap = 1 / fps if fps > 0 else 0.0
        due = self._due[camera] = max(self._due.get(camera, 0.0) + gap, self._clock() - gap)
        while self._clock() < due:
            if self._stop.wait(min(LONGEST_WAIT, max(0.0, due - self._clock()))) or self._obey():
                return True
        return False

    def stay(self) -> None:
        """Keep what is shown until a key is pressed that has no other meaning; `refresh` then says that it is to end."""
        self._stays = True
        self._shown = None

    def _show_one(self, pane: Pane) -> None:
        frame = pane.frame
        if frame is None or pane.version == self._shown:
            return
        notice = help_for(1) if self._help else pane.trouble or (STAYS if self._stays else "")
        image = cv2.flip(frame.image, 1) if pane.mirror else frame.image
        self._image = self._overlay.draw(
            image,
            pane.faces,
            pane.rates,
            age=pane.age,
            notice=notice,
            hidden=pane.hidden,
            traces=pane.traces,
            search=pane.searched,
        )
        self._window.show(self._image)
        self._shown = pane.version

    def _show_several(self, panes: Sequence[Pane]) -> None:
        begun = self._clock()
        size = self._fit(panes)
        cameras = [Numbered(place, pane) for place, pane in enumerate(panes)]
        chosen = cameras if self._alone is None else cameras[self._alone : self._alone + 1]
        image = self._grid.draw(chosen or cameras, size, help_for(len(panes)) if self._help else "")
        if image is not None:
            self._image = image
            self._window.show(image)
            spent = self._clock() - begun
            self._again = begun + max(_SHORTEST_GAP, spent / _DRAWING_SHARE)

    def _fit(self, panes: Sequence[Pane]) -> Size:
        """Return the size to draw at: that of the window, which fits the cameras until somebody gives it another size."""
        wanted = snug(proportions(panes), FIRST_SIZE)
        size = self._window.size()
        if size is None:
            self._window.free_proportions()
            size = self._asked = wanted
        elif size == self._asked != wanted:
            self._window.resize(*wanted)
            size = self._asked = wanted
        return size

    def _obey(self) -> bool:
        """Do what a key asks for; tell whether it, or the closed window, ends the run."""
        key = self._window.poll()
        if key == "b":
            self._overlay.bars = not self._overlay.bars
        elif key == "t":
            self._traced = not self._traced
        elif key == "r":
            self._searched = not self._searched
        elif key == "h":
            self._help = not self._help
        elif key == "f":
            self._window.toggle_fullscreen()
        elif key == "s" and self._image is not None:
            _save(self._image)
        elif key is not None and key.isdigit() and int(key) <= self._cameras:
            place = int(key) - 1
            self._alone = place if place >= 0 and place != self._alone else None
        elif key == "m":
            self._turned ^= {self._alone} if self._alone is not None else set(range(self._cameras))
        elif self._stays and key is not None:
            return True
        if key is not None:
            self._shown = None
            self._again = 0.0
        return key in ("q", "closed")


def _save(image: Image) -> None:
    """Write an image into the working folder, under a name that is not taken, for this user and group."""
    path = unused_name(datetime.now().strftime("fer-edge-%Y%m%d-%H%M%S.png"))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOEXEC, PRIVATE)
        with open(descriptor, "wb") as file:
            file.write(cv2.imencode(".png", image)[1].tobytes())
    except (OSError, cv2.error) as error:
        logger.warning("could not save %s: %s", path, error)
    else:
        logger.info("saved %s", path)
