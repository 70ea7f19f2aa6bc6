"""Worker processes of this machine, which share nothing but two pipes each with the run."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections import deque
from contextlib import suppress
from typing import Any, BinaryIO, Deque, List, Optional, cast

from fer_edge.errors import LibraryUnusable
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.messages import DONE, FAILED, READY, Unpacker, packed
from fer_edge.recordings.pool import Done, Failed, Lost, Message, Pool, Progress
from fer_edge.system.clock import Clock
from fer_edge.system.masking import printable
from fer_edge.system.python_child import python_child

SILENCE = 300.0
"""Seconds without a word after which a worker counts as hung: one frame of the largest size takes some on a slow board."""

_PIECE = 1 << 16
_GRACE = 0.5
_LONGEST_LINE = 300

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
        self._processes: List[_Process] = []
        self._selector = selectors.DefaultSelector()
        self._came: List[Message] = []

    @property
    def pids(self) -> List[int]:
        """The numbers of the processes that there are."""
        return [one.process.pid for one in self._processes]

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
        deadline = self._clock() + timeout
        while not self._came:
            left = deadline - self._clock()
            # One whose process has nothing to say may still be hung.
            for key, events in self._selector.select(max(0.0, min(left, 1.0))):
                if events & selectors.EVENT_WRITE:
                    self._write(key.data)
                if events & selectors.EVENT_READ:
                    self._read(key.data)
            self._end_the_hung()
            self._hand_out()
            if left <= 0:
                break
        came, self._came = self._came, []
        return came

    def close(self) -> None:
        """End all processes: at once, as what they have not finished is not wanted."""
        self._waiting.clear()
        processes, self._processes = self._processes, []
        for one in processes:
            self._forget(one)
            with suppress(OSError):
                one.process.terminate()
        deadline = time.monotonic() + _GRACE
        for one in processes:
            one.end(max(0.0, deadline - time.monotonic()))
        self._selector.close()
        self._selector = selectors.DefaultSelector()

    def _hand_out(self) -> None:
        idle = [one for one in self._processes if one.job is None]
        while self._waiting and (idle or len(self._processes) < self.workers):
            one = idle.pop() if idle else self._start()
            one.job, one.heard = self._waiting.popleft(), self._clock()
            one.unsent += packed(one.job)
            self._write(one)

    def _start(self) -> _Process:
        one = _Process(self._clock())
        self._processes.append(one)
        self._selector.register(one.out, selectors.EVENT_READ, one)
        return one

    def _write(self, one: _Process) -> None:
        """Send as much as the pipe takes; the rest goes when it takes more."""
        with suppress(BlockingIOError, BrokenPipeError):  # that it died is found when it is read
            while one.unsent:
                del one.unsent[: os.write(one.into.fileno(), one.unsent[:_PIECE])]
        registered = one.into.fileno() in self._selector.get_map()
        if one.unsent and not registered:
            self._selector.register(one.into, selectors.EVENT_WRITE, one)
        elif not one.unsent and registered:
            self._selector.unregister(one.into)

    def _read(self, one: _Process) -> None:
        if one not in self._processes:
            return
        try:
            piece = os.read(one.out.fileno(), _PIECE)
        except BlockingIOError:
            return
        if not piece:
            self._lose(one, one.words())
            return
        one.heard = self._clock()
        for kind, content in one.unpacker.feed(piece):
            self._take(one, kind, content)

    def _take(self, one: _Process, kind: str, content: Any) -> None:
        job = one.job
        if kind == READY:
            one.ready = True
        elif job is None:
            return
        elif kind == DONE:
            one.job = None
            self._came.append(Done(job, content))
        elif kind == FAILED:
            one.job = None
            self._came.append(Failed(job, *content))
        else:
            self._came.append(Progress(job, *content))

    def _end_the_hung(self) -> None:
        for one in list(self._processes):
            if one.job is not None and self._clock() - one.heard > self._silence:
                one.process.kill()
                self._lose(one, f"its process said nothing for {self._silence:.0f} s")

    def _lose(self, one: _Process, why: str) -> None:
        self._forget(one)
        self._processes.remove(one)
        one.end(_GRACE)
        if not one.ready and one.process.returncode >= 0:  # by itself, and so would the next
            raise LibraryUnusable(
                f"A worker process ended before it could begin: {why}.", "`fer-edge doctor` tells what is wrong."
            )
        if one.job is not None:
            self._came.append(Lost(one.job, why))

    def _forget(self, one: _Process) -> None:
        for stream in (one.out, one.into):
            with suppress(KeyError, ValueError):
                self._selector.unregister(stream)


class _Process:
    """A worker process and its pipes."""

    def __init__(self, now: float) -> None:
        child = python_child("fer_edge.recordings.worker")
        self.errors: BinaryIO = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (`end` closes it)
        # A session of its own: Ctrl-C in a terminal is for the run, which ends its workers.
        self.process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
            child.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**child.environment, **_ONE_THREAD},
            start_new_session=True,
            bufsize=0,
        )
        self.into, self.out = cast(BinaryIO, self.process.stdin), cast(BinaryIO, self.process.stdout)
        for stream in (self.into, self.out):
            os.set_blocking(stream.fileno(), False)
        self.unpacker, self.unsent = Unpacker(), bytearray()
        self.job: Optional[Job] = None
        self.heard = now
        self.ready = False

    def words(self) -> str:
        """Return why it ended."""
        try:
            status = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return "its process closed its pipe"
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
            memory = ", as the kernel does where memory is short" if -status == signal.SIGKILL else ""
            return f"its process was ended by {name}{memory}"
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - 4096))
        lines = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        said = f": {printable(lines[-1], _LONGEST_LINE)}" if lines else ""
        return f"its process ended with status {status}{said}"

    def end(self, patience: float) -> None:
        """End it by force after so many seconds, and give everything back."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.into, self.out, self.errors):
            with suppress(OSError):
                stream.close()
