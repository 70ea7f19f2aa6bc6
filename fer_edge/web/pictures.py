"""Pictures for those who look: drawn and encoded once for all of them, and only while somebody looks."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Dict, Iterator, Optional, Tuple

import cv2

from fer_edge.system.clock import Clock
from fer_edge.types import Image, Observation, Rates
from fer_edge.ui.drawing import Rect, style_for
from fer_edge.ui.overlay import Overlay
from fer_edge.ui.pane import resized
from fer_edge.ui.wording import fps_lines
from fer_edge.web.bell import Bell

logger = logging.getLogger("fer_edge")

MOST_FPS = 25.0
"""Of a camera; more costs time and network, and nobody sees it."""

LONGEST_SIDE = 1280
"""Pixels; larger images are shown smaller."""

QUALITY = 80
"""Of JPEG, of 100: twice the size at 92 shows no more of a face."""

BOUNDARY = "fer-edge-picture"

CLOSE_SECONDS = 2.0
"""Longest wait for a picture that is being encoded."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is sent.

    Attributes
    ----------
    number : int
        From 1 on, growing.
    jpeg : bytes
        A file.
    """

    number: int
    jpeg: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.jpeg)


@dataclass
class _Camera:
    newest: Optional[Tuple[Observation, Rates]] = None
    encoded: Optional[Observation] = None
    encoded_at: float = -1e9
    picture: Optional[Picture] = None
    viewers: int = 0
    bell: Bell = field(default_factory=Bell)


class Pictures:
    """Has the newest picture of each camera made in a thread that works only while somebody looks.

    Newer pictures take the place of those for which a viewer has not come yet, so that a slow one skips some and keeps back
    nobody.

    Parameters
    ----------
    bars : bool
        Draw the probabilities beside a face.
    clock : callable, optional
        Monotonic seconds.

    Attributes
    ----------
    encoded : int
        How many pictures were made so far.
    """

    def __init__(self, bars: bool = True, clock: Clock = time.monotonic) -> None:
        self.encoded = 0
        self._overlay = Overlay(bars=bars)
        self._clock = clock
        self._cameras: Dict[str, _Camera] = {}
        self._work = threading.Condition()
        self._closing = self._failing = False
        self._thread: Optional[threading.Thread] = None

    def take(self, observation: Observation, rates: Rates) -> None:
        """Take what is newest of a camera; costs nothing while nobody looks."""
        if observation.frame.image.size == 0:
            return
        with self._work:
            camera = self._camera(observation.frame.source)
            camera.newest = observation, rates
            if camera.viewers:
                self._work.notify()

    @contextmanager
    def watched(self, name: str) -> Iterator[None]:
        """Have pictures of a camera made within the block."""
        with self._work:
            camera = self._camera(name)
            if self._thread is None and not self._closing:
                thread = threading.Thread(target=self._run, name="fer-edge-web-pictures", daemon=True)
                thread.start()
                self._thread = thread
            camera.viewers += 1
            self._work.notify()
        try:
            yield
        finally:
            with self._work:
                camera.viewers -= 1

    def viewers(self, name: str) -> int:
        """Return how many look at a camera now."""
        with self._work:
            return self._camera(name).viewers

    async def newer(self, name: str, number: int, seconds: float, fresh: bool = False) -> Optional[Picture]:
        """Wait for a picture of a camera with a higher number; None where none comes within so many seconds.

        Parameters
        ----------
        fresh : bool
            One that was made of the newest result, whatever its number.
        """
        with self._work:
            camera = self._camera(name)
        until = self._clock() + seconds
        while True:
            rung = camera.bell.expected()
            with self._work:
                picture = camera.picture
                newest = camera.newest is not None and camera.encoded is camera.newest[0]
            if picture is not None and (picture.number > number or (fresh and newest)):
                camera.bell.forget(rung)
                return picture
            try:
                await asyncio.wait_for(rung, max(0.0, until - self._clock()))
            except asyncio.TimeoutError:
                return None
            finally:
                camera.bell.forget(rung)

    def close(self) -> None:
        """End the thread."""
        with self._work:
            self._closing = True
            self._work.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _camera(self, name: str) -> _Camera:
        return self._cameras.setdefault(name, _Camera())

    def _run(self) -> None:
        while True:
            with self._work:
                due = self._due()
                while due is None and not self._closing:
                    self._work.wait(self._pause())
                    due = self._due()
                if self._closing or due is None:
                    return
                camera, (observation, rates) = due
                camera.encoded, camera.encoded_at = observation, self._clock()
            try:
                jpeg = self._encode(observation, rates)
            except Exception:
                level, self._failing = logging.DEBUG if self._failing else logging.WARNING, True
                logger.log(level, "a picture could not be made", exc_info=True, extra={"event": "web_picture_failed"})
                continue
            self._failing = False
            with self._work:
                self.encoded += 1
                camera.picture = Picture(self.encoded, jpeg)
            camera.bell.ring()

    def _due(self) -> Optional[Tuple[_Camera, Tuple[Observation, Rates]]]:
        """Return the camera that has waited longest for a picture of its newest result."""
        now = self._clock()
        wanted = [camera for camera in self._wanted() if now - camera.encoded_at >= 1 / MOST_FPS]
        if not wanted:
            return None
        camera = min(wanted, key=lambda one: one.encoded_at)
        return (camera, camera.newest) if camera.newest is not None else None

    def _pause(self) -> Optional[float]:
        """Return how long there is nothing to do; None where that ends with the next result."""
        now = self._clock()
        return min((max(0.001, camera.encoded_at + 1 / MOST_FPS - now) for camera in self._wanted()), default=None)

    def _wanted(self) -> Iterator[_Camera]:
        for camera in self._cameras.values():
            if camera.viewers and camera.newest is not None and camera.encoded is not camera.newest[0]:
                yield camera

    def _encode(self, observation: Observation, rates: Rates) -> bytes:
        image = observation.frame.image
        scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        canvas: Image = resized(image, width, height) if scale < 1.0 else image.copy()
        style = style_for(min(height, width))
        figures = fps_lines(Rect(0, 0, width, height), style, rates)
        self._overlay.paint(canvas, observation.faces, style, (), figures, scale=scale, hidden=observation.hidden)
        done, data = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise ValueError("this image cannot be encoded")
        return bytes(data)


def as_part(picture: Picture) -> bytes:
    """Return a part of ``multipart/x-mixed-replace`` with the boundary behind it: a browser shows it once that came."""
    head = f"Content-Type: image/jpeg\r\nContent-Length: {picture.size}\r\n\r\n"
    return head.encode() + picture.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
