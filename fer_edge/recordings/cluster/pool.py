"""A pool whose workers are the machines of a Ray cluster."""

from __future__ import annotations

import logging
import os
import selectors
import time
from typing import Any, Callable, Dict, List

from fer_edge.errors import ClusterUnusable
from fer_edge.recordings.cluster.machines import CHECK_SECONDS, NODE_SECONDS, Wanted
from fer_edge.recordings.cluster.node_facts import Needed
from fer_edge.recordings.failures import error_named
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.messages import ALIVE, DONE, FAILED, FATAL, READY, TOLD
from fer_edge.recordings.piped_process import PipedProcess, exchanged
from fer_edge.recordings.pool import Done, Failed, Lost, Message, Pool, Progress, awaited
from fer_edge.system.clock import Clock

logger = logging.getLogger("fer_edge")

CONNECT_SECONDS = 90.0
"""For Ray to connect; where nobody listens, it is known after ten."""

SILENCE = 60.0
"""Without a life sign of the process in between, after which it counts as hung."""

_GRACE = 10.0


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
        self._connected = False
        self._machines = 0
        self._selector = selectors.DefaultSelector()
        # Ray has the machines look for modules in the working folder of this process: there are none in the root.
        self._process = PipedProcess(
            "fer_edge.recordings.cluster.driver",
            self._selector,
            {"RAY_USAGE_STATS_ENABLED": "0"},
            folder=os.sep,
            clock=clock,
        )
        try:
            self._process.send(Wanted(address, needed, cpus))
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
        self._process.send((self._next, self._abroad(job)))
        self._next += 1

    def messages(self, timeout: float) -> List[Message]:
        """As of `Pool`.

        Raises
        ------
        ClusterUnusable
            The cluster was lost, or has no machine that can work.
        """
        return awaited(self._came, self._step, timeout, self._clock)

    def close(self) -> None:
        """Cancel what is at work, and let go of the cluster."""
        self._process.end(_GRACE)  # its input closes, which is the sign to do so
        self._selector.close()

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
            self._exchange(1.0)
            if self._connected and not connected:
                connected = True
                deadline = self._clock() + NODE_SECONDS + CHECK_SECONDS + _GRACE
        logger.info("the cluster has %d machines that take part, for %d jobs at once", self._machines, self.workers)

    def _step(self, timeout: float) -> None:
        self._exchange(timeout)
        if self._clock() - self._process.heard > SILENCE:
            raise self._lost(f"nothing was heard of it for {SILENCE:.0f} s")

    def _exchange(self, timeout: float) -> None:
        for process, values in exchanged(self._selector, timeout):
            if values is None:
                status = process.status(_GRACE)
                raise self._lost((process.last_line() or f"its process ended with status {status}").rstrip("."))
            for kind, content in values:
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
