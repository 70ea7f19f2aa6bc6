"""Questions that may take a while, asked in a thread so that streams go on meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Optional, Tuple

from fer_edge.system.clock import Clock
from fer_edge.web.refusal import Refusal


async def in_thread(work: Callable[[], Any], over: Callable[[], None] = lambda: None) -> Any:
    """Return what `work` does in a thread of its own, which ends with it; who asks may go earlier.

    Parameters
    ----------
    work : callable
        The question.
    over : callable
        Called in any case when the thread is at its end.

    Raises
    ------
    Refusal
        No thread can be had.
    """
    loop = asyncio.get_event_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: Optional[BaseException]) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            failure = error
        finally:
            over()
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, result, failure)

    try:
        threading.Thread(target=run, name="fer-edge-web-answer", daemon=True).start()
    except RuntimeError:
        over()
        raise Refusal(503, "This machine has no thread left for an answer.", "Ask again in a moment.") from None
    return await future


class Few:
    """Lets few questions be under way at a time: who hangs up and asks again costs no further thread.

    Parameters
    ----------
    most : int
        How many.
    """

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)

    async def __call__(self, work: Callable[[], Any]) -> Any:
        """Return what `work` does in a thread. Raises `Refusal` where as many are at it as may."""
        if not self._free.acquire(blocking=False):
            raise Refusal(503, "Others are asking for the same at the moment.", "Ask again.", {"Retry-After": "1"})
        return await in_thread(work, self._free.release)


class Aside:
    """A question whose answer is good for everybody who asks within a moment.

    Parameters
    ----------
    work : callable
        Asked in a thread.
    seconds : float
        How long its answer is good for.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(self, work: Callable[[], Any], seconds: float = 0.0, clock: Clock = time.monotonic) -> None:
        self._work = work
        self._seconds = seconds
        self._clock = clock
        self._last: Optional[Tuple[float, Any]] = None
        self._asked: Optional[asyncio.Task[Any]] = None

    async def __call__(self) -> Any:
        """Return the answer, of which nobody may change anything."""
        if self._last is not None and self._clock() - self._last[0] < self._seconds:
            return self._last[1]
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(in_thread(self._work))
        answer = await asyncio.shield(self._asked)
        self._last = self._clock(), answer
        return answer
