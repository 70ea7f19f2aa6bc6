"""Worker processes of this machine, which share nothing but two pipes each with the run."""

from __future__ import annotations

import selectors
import signal
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Deque, Dict, List, Optional

from fer_edge.errors import LibraryUnusable
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.messages import DONE, FAILED, READY
from fer_edge.recordings.piped_process import PipedProcess, exchanged
from fer_edge.recordings.pool import Done, Failed, Lost, Message, Pool, Progress, awaited
from fer_edge.system.clock import Clock

SILENCE = 300.0
"""Seconds without a word after which a worker counts as hung: one frame of the largest size takes some on a slow board."""

_GRACE = 0.5

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Each worker has one core; libraries that compute in threads of their own are told so before they are loaded."""


class LocalPool(Pool):
    """Processes that are started as they are needed, each for one core.

    A process that dies, or says nothing for long, loses its job and is replaced. All end with this one, however it ends.

    Parameters
    ----------
    workers : int
        How many there are at most.
    silence : float
        Seconds without a word after which one counts as hung.
    clock : callable
        Monotonic seconds.

    Examples
    --------
    >>> with LocalPool(2) as pool:
    ...     pool.messages(0.0)
    []
    """

    def __init__(self, workers: int, silence: float = SILENCE, clock: Clock = time.monotonic) -> None:
        self.workers = workers
        self._silence = silence
        self._clock = clock
        self._waiting: Deque[Job] = deque()
        self._workers: Dict[PipedProcess, _Worker] = {}
        self._selector = selectors.DefaultSelector()
        self._came: List[Message] = []

    @property
    def pids(self) -> List[int]:
        """The numbers of the processes that there are."""
        return [process.pid for process in self._workers]

    def submit(self, job: Job) -> None:
        """Have a job done as soon as a process is free."""
        self._waiting.append(job)
        self._hand_out()

    def messages(self, timeout: float) -> List[Message]:
        """As of `Pool`.

        Raises
        ------
        LibraryUnusable
            A process ended before it could do anything.
        """
        self._hand_out()
        return awaited(self._came, self._step, timeout, self._clock)

    def close(self) -> None:
        """End all processes: at once, as what they have not finished is not wanted."""
        self._waiting.clear()
        processes = list(self._workers)
        self._workers.clear()
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _GRACE
        for process in processes:
            process.end(max(0.0, deadline - time.monotonic()))
        self._selector.close()
        self._selector = selectors.DefaultSelector()

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers.values() if worker.job is None]
        while self._waiting and (idle or len(self._workers) < self.workers):
            worker = idle.pop() if idle else self._start()
            worker.job, worker.given = self._waiting.popleft(), self._clock()
            worker.process.send(worker.job)

    def _start(self) -> _Worker:
        process = PipedProcess("fer_edge.recordings.worker", self._selector, _ONE_THREAD, clock=self._clock)
        worker = self._workers[process] = _Worker(process)
        return worker

    def _step(self, timeout: float) -> None:
        for process, values in exchanged(self._selector, timeout):
            worker = self._workers[process]
            if values is None:
                self._lose(worker, _why_ended(process))
                continue
            for kind, content in values:
                self._take(worker, kind, content)
        self._end_the_hung()
        self._hand_out()

    def _take(self, worker: _Worker, kind: str, content: Any) -> None:
        job = worker.job
        if kind == READY:
            worker.ready = True
        elif job is None:
            return
        elif kind == DONE:
            worker.job = None
            self._came.append(Done(job, content))
        elif kind == FAILED:
            worker.job = None
            self._came.append(Failed(job, *content))
        else:
            self._came.append(Progress(job, *content))

    def _end_the_hung(self) -> None:
        now = self._clock()
        for worker in list(self._workers.values()):
            if worker.job is not None and now - max(worker.given, worker.process.heard) > self._silence:
                worker.process.kill()
                self._lose(worker, f"its process said nothing for {self._silence:.0f} s")

    def _lose(self, worker: _Worker, why: str) -> None:
        del self._workers[worker.process]
        worker.process.end(_GRACE)
        status = worker.process.status(0.0)
        if not worker.ready and status is not None and status >= 0:  # by itself, and so would the next
            raise LibraryUnusable(
                f"A worker process ended before it could begin: {why}.", "`fer-edge doctor` tells what is wrong."
            )
        if worker.job is not None:
            self._came.append(Lost(worker.job, why))


@dataclass(eq=False)
class _Worker:
    """A process, and what it does."""

    process: PipedProcess
    job: Optional[Job] = None
    given: float = 0.0
    ready: bool = False


def _why_ended(process: PipedProcess) -> str:
    status = process.status(_GRACE)
    if status is None:
        return "its process closed its pipe"
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
        memory = ", as the kernel does where memory is short" if -status == signal.SIGKILL else ""
        return f"its process was ended by {name}{memory}"
    line = process.last_line()
    return f"its process ended with status {status}" + (f": {line}" if line else "")
