"""The results that wait for a sink: few of them, and not much memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, Dict, Optional, Set, Tuple

from fer_edge.types import Observation, Rates

MOST_WAITING = 16
"""Observations that wait; of live cameras together, and of files together."""

MOST_BYTES = 64 << 20
"""Bytes of images that wait, likewise; they are large from some cameras."""

Waiting = Tuple[Observation, Rates]


class Backlog:
    """Hands the observations of cameras from one thread to another, and counts those that were left out.

    Those of one camera stay in order; the cameras take turns, so that one that gives many holds up no other. What is to be
    kept is never left out: whoever adds it asks for `room` before. Of the rest the oldest is left out when there is too much,
    from the camera of which most wait.

    Attributes
    ----------
    notify : callable
        Called when there is more room than before.
    closed : bool
        Nothing will be added any more.
    """

    def __init__(self) -> None:
        self.closed = False
        self.notify: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        self._waiting: Dict[str, Deque[Waiting]] = {}  # in the order of their turns
        self._kept: Set[str] = set()
        self._lost = 0

    @property
    def lost(self) -> int:
        """How many observations were left out so far."""
        return self._lost

    def add(self, observation: Observation, rates: Rates, keep: bool = False) -> None:
        """Add one; never waits. With `keep`, it and what else waits of its camera is not left out."""
        camera = observation.frame.source
        with self._changed:
            self._waiting.setdefault(camera, deque()).append((observation, rates))
            (self._kept.add if keep else self._kept.discard)(camera)
            while self._is_too_much():
                fullest = max(self._loose(), key=lambda name: len(self._waiting[name]))
                self._waiting[fullest].popleft()
                self._lost += 1
            self._changed.notify_all()

    def room(self, camera: str) -> bool:
        """Return whether one more of a camera is to be kept, beside its share of what may wait."""
        with self._changed:
            own = self._waiting.get(camera, ())
            share = max(1, len(self._kept | {camera}))
            return not own or (
                len(own) < max(1, MOST_WAITING // share)
                and sum(_size(waiting) for waiting in own) + _size(own[-1]) <= MOST_BYTES // share
            )

    def take(self) -> Optional[Waiting]:
        """Wait for the oldest of the camera whose turn it is, and take it; None when none is left and none will come."""
        with self._changed:
            self._changed.wait_for(lambda: any(self._waiting.values()) or self.closed)
            camera = next((name for name, waiting in self._waiting.items() if waiting), None)
            if camera is None:
                return None
            queue = self._waiting.pop(camera)
            taken = queue.popleft()
            self._waiting[camera] = queue  # behind the others
        self.notify()
        return taken

    def leave_out(self, count: int = 1) -> None:
        """Count observations that were taken, or could not even be added, but came to nothing."""
        with self._changed:
            self._lost += count

    def leave_out_the_rest(self) -> None:
        """Count what still waits as left out, and let go of it."""
        with self._changed:
            self._lost += sum(map(len, self._waiting.values()))
            self._waiting.clear()
        self.notify()

    def close(self) -> None:
        """Say that nothing will be added any more. What waits can still be taken."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed, seconds)

    def _loose(self) -> Tuple[str, ...]:
        return tuple(name for name, waiting in self._waiting.items() if waiting and name not in self._kept)

    def _is_too_much(self) -> bool:
        loose = [waiting for name in self._loose() for waiting in self._waiting[name]]
        return len(loose) > 1 and (len(loose) > MOST_WAITING or sum(map(_size, loose)) > MOST_BYTES)


def _size(waiting: Waiting) -> int:
    return waiting[0].frame.image.nbytes
