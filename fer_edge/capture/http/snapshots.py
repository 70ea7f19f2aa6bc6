"""A camera that gives one picture for each request, asked again and again in a thread of its own.

A camera may take seconds for one answer, and nobody who waits for a frame can wait so long: so it is asked here.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Callable, Optional, Union

from fer_edge.system.masking import printable

logger = logging.getLogger("fer_edge")

_TOLD_EVERY = 600.0  # s
_MANY_MISSES = 3
_LONGER_WAIT = 0.5  # s
_LOOK = 0.1  # s


class SnapshotMissed(Exception):
    """One request gave no picture; the next may."""


class SnapshotPoller:
    """Keeps one picture ready, and asks for the next when that was taken and its time has come.

    Parameters
    ----------
    fetch : callable
        Gives one picture, and ends soon when the event that it is given is set. Raises `SnapshotMissed` where the camera is to
        be asked again; anything else that it raises is for who takes.
    period : float
        Seconds from one request to the next; a camera that takes longer is asked again at once.
    due : float
        When to ask first, in monotonic seconds.
    name : str
        The camera's, for the log.
    """

    def __init__(self, fetch: Callable[[threading.Event], bytes], period: float, due: float, name: str) -> None:
        self.stopping = threading.Event()
        self._fetch = fetch
        self._period = period
        self._due = due
        self._name = name
        self._changed = threading.Condition()
        self._ready: Union[bytes, BaseException, None] = None
        self._misses = 0
        self._untold = 0
        self._told_at: Optional[float] = None
        self._thread = threading.Thread(target=self._run, name="fer-edge-snapshots", daemon=True)
        self._thread.start()

    def take(self, timeout: float) -> Optional[bytes]:
        """Return the next picture; None when there is none in time, or after `stop`. Raises what `fetch` raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready is not None or self.stopping.is_set(), timeout)
            ready, self._ready = self._ready, None
            self._changed.notify_all()
        if isinstance(ready, BaseException):
            raise ready
        return ready

    def stop(self) -> None:
        """Ask the thread to end; may be called from any thread."""
        self.stopping.set()
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread."""
        self.stop()
        self._thread.join()

    def _run(self) -> None:
        while not self.stopping.wait(max(0.0, self._due - time.monotonic())):
            self._due = time.monotonic() + self._period
            try:
                self._leave(self._fetch(self.stopping))
                self._misses = 0
            except SnapshotMissed as missed:
                self._miss(missed)
            except BaseException as error:  # noqa: BLE001  (for who takes, whatever it is)
                self._leave(error)
                return

    def _leave(self, item: Union[bytes, BaseException]) -> None:
        with self._changed:
            self._ready = item
            self._changed.notify_all()
            while self._ready is not None and not self.stopping.is_set():
                self._changed.wait(_LOOK)

    def _miss(self, missed: SnapshotMissed) -> None:
        if self.stopping.is_set():
            return
        self._misses += 1
        self._untold += 1
        now = time.monotonic()
        if self._misses >= _MANY_MISSES:
            self._due = max(self._due, now + _LONGER_WAIT)
        if self._told_at is None or now - self._told_at >= _TOLD_EVERY:
            reason = printable(str(missed), 300)
            times = "once" if self._untold == 1 else f"{self._untold} times"
            logger.warning("%s gave no picture when asked, %s: %s", self._name, times, reason)
            self._told_at, self._untold = now, 0
