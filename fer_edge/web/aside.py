"""Questions that may take a while, asked in a thread so that streams go on meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from functools import partial
from typing import Callable, Generic, Optional, Tuple, TypeVar

from fer_edge.system.clock import Clock
from fer_edge.web.refusal import Refusal

AnswerT = TypeVar("AnswerT")


async def in_thread(work: Callable[[], AnswerT], over: Callable[[], None] = lambda: None) -> AnswerT:
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
    future: asyncio.Future[AnswerT] = loop.create_future()

    def tell(told: Callable[[], None]) -> None:
        if not future.done():
            told()

    def run() -> None:
        try:
            told = partial(future.set_result, work())
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            told = partial(future.set_exception, error)
        finally:
            over()
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, told)

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

    async def __call__(self, work: Callable[[], AnswerT]) -> AnswerT:
        """Return what `work` does in a thread. Raises `Refusal` where as many are at it as may."""
        if not self._free.acquire(blocking=False):
            raise Refusal(503, "Others are asking for the same at the moment.", "Ask again.", {"Retry-After": "1"})
        return await in_thread(work, self._free.release)


class Aside(Generic[AnswerT]):
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

    def __init__(self, work: Callable[[], AnswerT], seconds: float = 0.0, clock: Clock = time.monotonic) -> None:
        self._work = work
        self._seconds = seconds
        self._clock = clock
        self._last: Optional[Tuple[float, AnswerT]] = None
        self._asked: Optional[asyncio.Task[AnswerT]] = None

    async def __call__(self) -> AnswerT:
        """Return the answer, of which nobody may change anything."""
        if self._last is not None and self._clock() - self._last[0] < self._seconds:
            return self._last[1]
        if self._asked is None or self._asked.done():
            self._asked = asyncio.ensure_future(in_thread(self._work))
        answer = await asyncio.shield(self._asked)
        self._last = self._clock(), answer
        return answer
