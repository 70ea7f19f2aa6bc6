"""The one thing that stands between two stages: room for one item."""

from __future__ import annotations

import threading
import time
from typing import Callable, Generic, List, Optional, Tuple, TypeVar

from fer_edge.system.clock import Clock

T = TypeVar("T")


class Closed(Exception):
    """The mailbox is closed: nothing will come any more, or nobody will take anything any more."""


class Mailbox(Generic[T]):
    """Holds at most one item, from one producer to one consumer.

    The producer either waits for room (`put`) or replaces what is waiting (`replace`). It can also ask for room before it
    starts on an item, so that no work is spent on something that then has to wait. The producer ends it with `finish`, after
    which the consumer still gets the last item; whoever wants to stop at once ends it with `close`.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    notify : callable, optional
        Called after every change that a consumer who does not stand in `take` may want to know of.
    """

    def __init__(self, clock: Clock = time.monotonic, notify: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._notify = notify
        self._changed = threading.Condition()
        self._slot: List[Tuple[T, float]] = []
        self._in_take = False
        self._finished = False
        self._closed = False
        self._error: Optional[BaseException] = None

    def put(self, item: T) -> None:
        """Leave `item` as soon as there is room. Raises `Closed` when nobody will take it."""
        with self._changed:
            self._wait(lambda: not self._slot, None)
            self._leave(item)

    def replace(self, item: T) -> Optional[T]:
        """Leave `item` now, and give back the one that was still waiting, if any. Raises `Closed`."""
        with self._changed:
            if self._closed:
                raise Closed
            displaced = self._slot.pop()[0] if self._slot else None
            self._leave(item)
            return displaced

    def wait_for_room(self) -> None:
        """Wait until an item that is begun now will find room: the last one was taken, or is about to be. Raises `Closed`."""
        with self._changed:
            self._wait(lambda: not self._slot or self._in_take, None)

    def wait_until_wanted(self) -> None:
        """Wait until the consumer stands there with empty hands. Raises `Closed`."""
        with self._changed:
            self._wait(lambda: self._in_take and not self._slot, None)

    def take(self, timeout: Optional[float] = None) -> Optional[Tuple[T, float]]:
        """Take the item, with the seconds that it waited here.

        Parameters
        ----------
        timeout : float, optional
            Longest wait in seconds; without it, as long as the producer works.

        Returns
        -------
        tuple or None
            (item, seconds waited), or None when none came in time.

        Raises
        ------
        Closed
            The producer finished and everything was taken, or the mailbox was closed.
        BaseException
            The error with which the producer finished.
        """
        with self._changed:
            self._in_take = True
            self._changed.notify_all()
            try:
                if not self._wait(lambda: self._slot or self._finished, timeout):
                    return None
            finally:
                self._in_take = False
            if not self._slot:
                if self._error is not None:
                    raise self._error
                raise Closed
            item, left_at = self._slot.pop()
            self._changed.notify_all()
            return item, self._clock() - left_at

    def age(self) -> float:
        """Return the seconds that the item has waited here; 0 when there is none."""
        with self._changed:
            return self._clock() - self._slot[0][1] if self._slot else 0.0

    def finish(self, error: Optional[BaseException] = None) -> None:
        """Say that nothing more will come; with the `error` that ended it, which the consumer gets after the last item."""
        with self._changed:
            self._finished = True
            self._error = self._error or error
            self._changed.notify_all()
            self._notify()

    def close(self) -> Optional[T]:
        """End it at once for both sides, and give back the item that nobody will take any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._notify()
            return self._slot.pop()[0] if self._slot else None

    def _leave(self, item: T) -> None:
        self._slot.append((item, self._clock()))
        self._changed.notify_all()
        self._notify()

    def _wait(self, ready: Callable[[], object], timeout: Optional[float]) -> bool:
        done = self._changed.wait_for(lambda: self._closed or ready(), timeout)
        if self._closed:
            raise Closed
        return bool(done)
