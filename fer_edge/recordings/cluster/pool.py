"""A pool whose workers are the machines of a Ray cluster."""

from __future__ import annotations

import logging
import os
import selectors
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import Any, BinaryIO, Callable, Dict, List, cast

from fer_edge.errors import ClusterUnusable
from fer_edge.recordings.cluster.machines import CHECK_SECONDS, NODE_SECONDS, Wanted
from fer_edge.recordings.cluster.node_facts import Needed
from fer_edge.recordings.failures import error_named
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.messages import ALIVE, DONE, FAILED, FATAL, READY, TOLD, Unpacker, packed
from fer_edge.recordings.pool import Done, Failed, Lost, Message, Pool, Progress
from fer_edge.system.clock import Clock
from fer_edge.system.masking import printable
from fer_edge.system.python_child import python_child

logger = logging.getLogger("fer_edge")

CONNECT_SECONDS = 90.0
"""For Ray to connect; where nobody listens, it is known after ten."""

SILENCE = 60.0
"""Without a life sign of the process in between, after which it counts as hung."""

_PIECE = 1 << 16
_GRACE = 10.0
_LONGEST_LINE = 300


class RayPool(Pool):
    """Does jobs on an existing Ray cluster, as tasks; a process in between holds the connection, and ends with this one.

    Parameters
    ----------
    address : str
        ``auto`` for the cluster that this machine belongs to, ``host:port`` of its head, or ``ray://host:port`` from elsewhere.
    needed : Needed
        What each machine must have.
    cpus : float
        Processors that are set aside for each job. A job computes in one thread; more give it more memory to itself.
    abroad : callable
        Makes of a job one whose paths the machines of the cluster have.
    clock : callable
        Monotonic seconds.

    Raises
    ------
    ClusterUnusable
        It cannot be reached, or a machine of it may not take part.
    MissingExtra
        Ray is not installed.
    """

    def __init__(
        self,
        address: str,
        needed: Needed,
        cpus: float = 1.0,
        abroad: Callable[[Job], Job] = lambda job: job,
        clock: Clock = time.monotonic,
    ) -> None:
        self._address = address
        self._abroad = abroad
        self._clock = clock
        self._jobs: Dict[int, Job] = {}
        self._next = 0
        self._came: List[Message] = []
        self._ready = False
        self._closed = False
        self._unsent = bytearray()
        self._unpacker = Unpacker()
        self._start(Wanted(address, needed, cpus))
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The number of the process in between."""
        return self._process.pid

    def submit(self, job: Job) -> None:
        """Have a job done as soon as there is room."""
        self._jobs[self._next] = job
        self._unsent += packed((self._next, self._abroad(job)))
        self._next += 1
        self._write()

    def messages(self, timeout: float) -> List[Message]:
        """As of `Pool`.

        Raises
        ------
        ClusterUnusable
            The cluster was lost, or has no machine that can work.
        """
        deadline = self._clock() + timeout
        while not self._came:
            left = deadline - self._clock()
            self._step(max(0.0, min(left, 1.0)))
            if self._clock() - self._heard > SILENCE:
                raise self._lost(f"nothing was heard of it for {SILENCE:.0f} s")
            if left <= 0:
                break
        came, self._came = self._came, []
        return came

    def close(self) -> None:
        """Cancel what is at work, and let go of the cluster."""
        if self._closed:
            return
        self._closed = True
        self._selector.close()
        with suppress(OSError):
            self._into.close()  # the sign to cancel everything, and to end
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._out, self._errors):
            with suppress(OSError):
                stream.close()

    def _start(self, wanted: Wanted) -> None:
        child = python_child("fer_edge.recordings.cluster.driver")
        self._errors: BinaryIO = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  (`close` closes it)
        # A session of its own: Ctrl-C in a terminal is for the run. Ray has the machines look for modules in the working folder
        # of this process: there are none in the root.
        self._process = subprocess.Popen(  # noqa: S603  (a list, not a shell line)
            child.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**child.environment, "RAY_USAGE_STATS_ENABLED": "0"},
            cwd=os.sep,
            start_new_session=True,
            bufsize=0,
        )
        self._into, self._out = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        for stream in (self._into, self._out):
            os.set_blocking(stream.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._heard = self._clock()
        self._unsent += packed(wanted)
        self._write()

    def _wait_until_ready(self) -> None:
        deadline = self._clock() + CONNECT_SECONDS
        connected = False
        while not self._ready:
            if self._clock() > deadline:
                raise ClusterUnusable(
                    f"The Ray cluster at {self._address} did not answer in time.",
                    "Look with `ray status` whether it runs, and at its address: the port of ray:// is 10001 mostly, and that "
                    "of RAY_ADDRESS 6379.",
                )
            self._step(1.0)
            if self._connected and not connected:
                connected = True
                deadline = self._clock() + NODE_SECONDS + CHECK_SECONDS + _GRACE
        logger.info("the cluster has %d machines that take part, for %d jobs at once", self._machines, self.workers)

    _connected = False
    _machines = 0

    def _step(self, timeout: float) -> None:
        for key, events in self._selector.select(timeout):
            if events & selectors.EVENT_WRITE:
                self._write()
            if events & selectors.EVENT_READ and key.fileobj is self._out:
                self._read()

    def _write(self) -> None:
        """Send as much as the pipe takes; the rest goes when it takes more."""
        with suppress(BlockingIOError, BrokenPipeError):  # that it died is found when it is read
            while self._unsent:
                del self._unsent[: os.write(self._into.fileno(), self._unsent[:_PIECE])]
        registered = self._into.fileno() in self._selector.get_map()
        if self._unsent and not registered:
            self._selector.register(self._into, selectors.EVENT_WRITE)
        elif not self._unsent and registered:
            self._selector.unregister(self._into)

    def _read(self) -> None:
        try:
            piece = os.read(self._out.fileno(), _PIECE)
        except BlockingIOError:
            return
        if not piece:
            raise self._lost(self._last_words())
        self._heard = self._clock()
        for kind, content in self._unpacker.feed(piece):
            self._take(kind, content)

    def _take(self, kind: str, content: Any) -> None:
        if kind == FATAL:
            raise error_named(*content)
        if kind == ALIVE:
            self._connected = True
        if kind in (READY, ALIVE):
            # At least one: it may have none for a while, and gets some again.
            self.workers, self._machines = max(1, content[0]), content[1]
            self._ready = self._ready or kind == READY
            return
        number, *told = content
        job = self._jobs.get(number)
        if job is None:
            return
        if kind == TOLD:
            self._came.append(Progress(job, *told))
            return
        del self._jobs[number]
        self._came.append(
            Done(job, *told) if kind == DONE else Failed(job, *told) if kind == FAILED else Lost(job, *told)
        )

    def _lost(self, why: str) -> ClusterUnusable:
        return ClusterUnusable(
            f"The connection with the Ray cluster at {self._address} was lost: {why}.",
            "Look with `ray status` whether it runs, and run the command again: what is finished is skipped.",
        )

    def _last_words(self) -> str:
        """Return why the process in between ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4096))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        said = (
            printable(lines[-1], _LONGEST_LINE)
            if lines
            else f"its process ended with status {self._process.returncode}"
        )
        return said.rstrip(".")
