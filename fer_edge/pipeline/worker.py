"""A thread that can be given up: Python cannot end one that hangs in a driver."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Callable, ContextManager, Optional


class GivenUp(BaseException):
    """The call returned after all, but its thread was given up meanwhile: whatever it brought is void."""


@dataclass(frozen=True, eq=False)
class Call:
    """A call into a driver or a library: what it is for, in words, and after how many seconds it counts as hung."""

    what: str
    limit: float


class Worker:
    """One thread of a reader or a stage: until it ends, or is given up in a call that does not return.

    Parameters
    ----------
    name : str
        Of what it works for; the thread is called ``fer-edge-`` and this.
    work : callable
        What the thread does; gets the worker.
    """

    def __init__(self, name: str, work: Callable[[Worker], None]) -> None:
        self.thread = threading.Thread(target=self._run, args=(work,), name=f"fer-edge-{name}", daemon=True)
        self.call: Optional[Call] = None
        self.given_up = False
        self._lock = threading.Lock()

    def calling(self, call: Call) -> ContextManager[None]:
        """Show others that a call is being made. Raises `GivenUp` when it returns to a thread that was given up."""
        return _Calling(self, call)

    def returned(self) -> None:
        """Note that the call returned. Raises `GivenUp`."""
        with self._lock:
            self.call = None
            if self.given_up:
                raise GivenUp

    def give_up(self, call: Call) -> bool:
        """Give the thread up if it still stands in `call`, and return whether it did; it ends when the call returns."""
        with self._lock:
            if self.call is not call:
                return False
            self.given_up = True
            return True

    def _run(self, work: Callable[[Worker], None]) -> None:
        with suppress(GivenUp):
            work(self)


class _Calling:
    """No generator, which would cost as much again with each frame."""

    __slots__ = ("_call", "_worker")

    def __init__(self, worker: Worker, call: Call) -> None:
        self._worker = worker
        self._call = call

    def __enter__(self) -> None:
        self._worker.call = self._call

    def __exit__(self, *_error: object) -> None:
        self._worker.returned()
