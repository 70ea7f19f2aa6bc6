"""Wakes those who wait in an event loop, from any thread."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import List, Tuple


class Bell:
    """Coroutines of any loop wait for it; whoever has news rings it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: List[Tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def ring(self) -> None:
        """Wake all who wait now. Any thread may."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        loops = {loop for loop, _ in waiting}
        for loop in loops:
            of_loop = [future for its, future in waiting if its is loop]
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_wake, of_loop)

    def expected(self) -> asyncio.Future[None]:
        """Return what is done when it is rung next. Called in a loop."""
        loop = asyncio.get_event_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiting.append((loop, future))
        return future

    def forget(self, future: asyncio.Future[None]) -> None:
        """Wait for it no more."""
        future.cancel()
        with self._lock:
            self._waiting = [(loop, other) for loop, other in self._waiting if other is not future]


def _wake(futures: List[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
