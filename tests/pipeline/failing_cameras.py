"""Cameras that fail in their ways, and sessions that are supervised."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
from small_sessions import session_of

from fer_edge.capture.base import Source, SourceInfo
from fer_edge.errors import SourceNotFound, SourceStalled
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.types import Image


class Camera(Source):
    """Gives pictures at about 200 a second, until what it was told to do after `frames` of them."""

    def __init__(self, frames: Optional[int] = None, then: Callable[[], Optional[bool]] = lambda: False) -> None:
        self._frames = frames
        self._then = then
        self._given = 0
        self.closed = threading.Event()

    def open(self) -> SourceInfo:
        if self._frames == 0:
            self._then()
        return SourceInfo("camera", 100, 100, 0)

    def grab(self) -> Optional[bool]:
        if self._frames is not None and self._given >= self._frames:
            return self._then()
        time.sleep(0.005)
        self._given += 1
        return True

    def retrieve(self) -> Image:
        return np.full((100, 100, 3), self._given % 256, np.uint8)

    def close(self) -> None:
        self.closed.set()


def fail() -> bool:
    raise SourceStalled("The camera was unplugged.")


def missing() -> bool:
    raise SourceNotFound("There is no camera.")


def supervised(cameras: List[Source], from_the_start: bool = False, **more: Any) -> Session:
    """Return a session of a camera that, each time it fails, is the next of `cameras`."""
    rest = iter(cameras)
    return reopening(next(rest), lambda: next(rest), from_the_start, **more)


def reopening(
    first: Source,
    make: Optional[Callable[[], Source]],
    from_the_start: bool = False,
    backoff: Tuple[float, float] = (0.01, 0.05),
    **more: Any,
) -> Session:
    """Return a session of a camera that is made anew each time it fails; stages are built anew only if it is."""
    return session_of(
        first,
        reconnection=quick_reconnection(make, from_the_start, backoff),
        supervisor=Supervisor(make is not None),
        **more,
    )


def quick_reconnection(
    make: Optional[Callable[[], Source]],
    from_the_start: bool = False,
    backoff: Tuple[float, float] = (0.01, 0.05),
    camera: str = "",
) -> Reconnection:
    return Reconnection(make, lambda: from_the_start, Backoff(*backoff), camera=camera)


def watch(session: Session, count: int, seconds: float = 10.0) -> List[int]:
    """Take observations, as the program's loop does."""
    seen: List[int] = []
    deadline = time.monotonic() + seconds
    while len(seen) < count and time.monotonic() < deadline:
        session.look_after()
        observation = session.take(0.02)
        if observation is not None:
            seen.append(observation.frame.index)
    assert len(seen) == count, f"{len(seen)} frames came within {seconds} s"
    return seen


def until(condition: Callable[[], object], session: Optional[Session] = None, seconds: float = 20.0) -> None:
    """Wait until something holds, and look after a session meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        if session is not None:
            session.look_after()
        time.sleep(0.005)
