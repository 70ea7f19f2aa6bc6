"""An existing Ray cluster: its machines, and jobs as tasks on them. In a process of its own, as Ray ends processes."""

from __future__ import annotations

import pickle
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Tuple

from fer_edge.errors import ClusterUnusable
from fer_edge.recordings.cluster.connection import connect, load_ray
from fer_edge.recordings.cluster.node_facts import Needed, refuse_unfit
from fer_edge.recordings.cluster.tasks import board_class, do_job, facts_reader
from fer_edge.recordings.jobs import Job
from fer_edge.recordings.messages import FAILED, LOST, TOLD
from fer_edge.system.clock import Clock
from fer_edge.system.libraries import import_library, in_short
from fer_edge.system.masking import printable

CHECK_SECONDS = 120.0
"""For all machines to say what they have: the first task on each starts a process there."""

NODE_SECONDS = 300.0
"""For a machine that can work to be there: one that an autoscaler starts takes minutes."""

SILENCE = 300.0
"""Without a word from a task that began, after which it counts as hung."""

RETRIES = 1
"""How often Ray gives a job again when its process or machine is gone, before the run is told, which gives it again, too."""

MEMORY = 400 << 20
"""Bytes that a job asks for: so much it takes at most, for videos of 3840 x 2160."""

_GONE = ("NodeDiedError", "TaskUnschedulableError")

_READ_SECONDS = 5.0
_NODES_SECONDS = 5.0
_GET_SECONDS = 30.0
_CANCEL_SECONDS = 3.0


@dataclass(frozen=True)
class Wanted:
    """How a run wants a cluster.

    Attributes
    ----------
    address : str
        ``auto``, ``host:port``, or ``ray://host:port``.
    needed : Needed
    cpus : float
        Processors that are set aside for each job.
    """

    address: str
    needed: Needed
    cpus: float = 1.0


@dataclass
class _Task:
    ref: Any
    heard: float = 0.0
    node: str = ""
    word: Tuple[Any, ...] = ()


class RayCluster:
    """Connects with a cluster, and does jobs on it.

    Parameters
    ----------
    wanted : Wanted
    connected : callable
        Called once there is a connection; then it may take minutes until a machine is there.
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
        self, wanted: Wanted, connected: Callable[[], object] = lambda: None, clock: Clock = time.monotonic
    ) -> None:
        self._ray: Any = load_ray()
        self._wanted = wanted
        self._clock = clock
        self._tasks: Dict[int, _Task] = {}
        self._over: List[int] = []
        self._nodes: List[Mapping[str, Any]] = []
        self._read: Any = None
        self._looked = self._able = clock()
        connect(self._ray, wanted.address)
        self._nodes = self._ray.nodes()
        connected()
        self._wait_for_a_machine()
        self._check()
        # 0: the board and what is told to it never keep a job from its place.
        self._board = self._ray.remote(num_cpus=0, max_restarts=-1)(board_class()).remote()
        self._do = self._ray.remote(
            num_cpus=wanted.cpus, memory=MEMORY, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )(do_job)

    @property
    def machines(self) -> int:
        """How many machines can do jobs."""
        return sum(self._slots(node) > 0 for node in self._nodes)

    @property
    def slots(self) -> int:
        """How many jobs the cluster can do at once."""
        return sum(map(self._slots, self._nodes))

    def submit(self, number: int, job: Job) -> None:
        """Have a job done as soon as there is room."""
        self._tasks[number] = _Task(self._do.remote(number, job, self._board))

    def poll(self, timeout: float) -> List[Tuple[Any, ...]]:
        """Return what came, at the latest after so many seconds: ``(kind, number, ...)``.

        Raises
        ------
        ClusterUnusable
            No machine that can work was there for long.
        """
        came: List[Tuple[Any, ...]] = []
        numbers = {task.ref: number for number, task in self._tasks.items()}
        if numbers:
            first, rest = self._ray.wait(list(numbers), num_returns=1, timeout=timeout)
            more = self._ray.wait(rest, num_returns=len(rest), timeout=0)[0] if first and rest else []
            came += [self._outcome(numbers[ref]) for ref in [*first, *more]]
        came += self._words()
        self._look()
        return [one for one in came if one]

    def close(self) -> None:
        """End all tasks, also in the middle, and let go of the cluster."""
        refs = [task.ref for task in self._tasks.values()]
        with suppress(Exception):
            for ref in refs:  # first so that they can remove what they fetched
                self._ray.cancel(ref)
            self._ray.wait(refs, num_returns=max(1, len(refs)), timeout=_CANCEL_SECONDS)
        for number in list(self._tasks):
            self._end(number)
        with suppress(Exception):
            self._ray.kill(self._board)
        with suppress(Exception):
            self._ray.shutdown()

    def _wait_for_a_machine(self) -> None:
        """Wait until one is there that can do a job; what waits makes an autoscaler start one."""
        if self.slots:
            return
        probe = self._ray.remote(num_cpus=self._wanted.cpus, memory=MEMORY, max_retries=0)(facts_reader())
        ref = probe.remote(b"")
        try:
            self._ray.get(ref, timeout=NODE_SECONDS)
        except self._ray.exceptions.RayError as error:
            self._ray.cancel(ref, force=True)
            raise self._no_machine() from error
        self._nodes = self._ray.nodes()

    def _check(self) -> None:
        """Ask each machine what it has."""
        strategies: Any = import_library("ray.util.scheduling_strategies", "cluster", "A run on a cluster")
        affinity = strategies.NodeAffinitySchedulingStrategy
        ask = self._ray.remote(num_cpus=0, max_retries=0)(facts_reader())
        needed = pickle.dumps(self._wanted.needed)
        able = [node for node in self._nodes if self._slots(node) > 0]
        refs = [ask.options(scheduling_strategy=affinity(node["NodeID"], soft=False)).remote(needed) for node in able]
        deadline = self._clock() + CHECK_SECONDS
        unknown = {"python": self._wanted.needed.python, "version": ""}
        facts = []
        for node, ref in zip(able, refs):
            name = node.get("NodeManagerHostname") or node.get("NodeManagerAddress")
            try:
                found = self._ray.get(ref, timeout=max(0.1, deadline - self._clock()))
            except self._ray.exceptions.GetTimeoutError:
                found = {**unknown, "reason": f"it did not answer within {CHECK_SECONDS:.0f} s"}
            except self._ray.exceptions.RayError as error:
                if type(error).__name__ in _GONE:  # it was lost, and is told so only now
                    continue
                found = {**unknown, "reason": printable(in_short(error), 200)}
            facts.append({**found, "host": f"{name} ({node.get('NodeManagerAddress')})"})
        if not facts:
            raise self._no_machine()
        refuse_unfit(facts, self._wanted.needed)

    def _slots(self, node: Mapping[str, Any]) -> int:
        if not node.get("Alive"):
            return 0
        has: Mapping[str, float] = node.get("Resources", {})
        return min(int(has.get("CPU", 0.0) / self._wanted.cpus), int(has.get("memory", 0.0) / MEMORY))

    def _outcome(self, number: int) -> Tuple[Any, ...]:
        errors = self._ray.exceptions
        try:
            value = self._ray.get(self._tasks[number].ref, timeout=_GET_SECONDS)
        except errors.GetTimeoutError:  # it is tried again
            return ()
        except errors.RayTaskError as error:  # what does a job raises nothing, so it could not even begin
            words = printable(in_short(getattr(error, "cause", None) or error), 300)
            value = (
                FAILED,
                "ClusterUnusable",
                f"A machine of the cluster cannot do the work: {words}.",
                "Have the same fer-edge on every machine, best by one container image.",
            )
        except errors.RayError as error:
            value = (LOST, _why_lost(error))
        self._forget(number)
        return (value[0], number, *value[1:])

    def _words(self) -> List[Tuple[Any, ...]]:
        """Return what tasks told of how far they are, and end those that say nothing, or begin again and again."""
        came: List[Tuple[Any, ...]] = []
        now = self._clock()
        if self._read is None:
            over, self._over = self._over, []
            self._read = self._board.read.remote(over)
        elif self._ray.wait([self._read], timeout=0)[0]:
            with suppress(self._ray.exceptions.RayError):  # the board moves to another machine
                came = self._heard(self._ray.get(self._read, timeout=_READ_SECONDS), now)
            self._read = None
        for number, task in list(self._tasks.items()):
            if task.word and task.word[0] > RETRIES + 1 and not came:
                came.append(
                    self._give_up(number, f"its process was ended {task.word[0] - 1} times, as for want of memory")
                )
            elif task.node and now - task.heard > SILENCE:
                came.append(self._give_up(number, f"its process said nothing for {SILENCE:.0f} s"))
        return came

    def _heard(self, said: Mapping[int, Tuple[Any, ...]], now: float) -> List[Tuple[Any, ...]]:
        came: List[Tuple[Any, ...]] = []
        for number, word in said.items():
            task = self._tasks.get(number)
            if task is None or task.word == word:
                continue
            task.word, task.node, task.heard = word, word[1], now
            came.append((TOLD, number, word[3], word[4]))
        return came

    def _look(self) -> None:
        """Look which machines there are."""
        now = self._clock()
        if now - self._looked < _NODES_SECONDS:
            return
        self._looked = now
        self._nodes = self._ray.nodes()
        alive = {node["NodeID"] for node in self._nodes if node.get("Alive")}
        for task in self._tasks.values():
            if task.node not in alive:  # Ray has it wait for another
                task.node = ""
        if self.slots:
            self._able = now
        elif now - self._able > NODE_SECONDS:
            raise self._no_machine()

    def _no_machine(self) -> ClusterUnusable:
        return ClusterUnusable(
            f"No machine of the Ray cluster at {self._wanted.address} had {self._wanted.cpus:g} processors and "
            f"{MEMORY >> 20} MB for a job within {NODE_SECONDS:.0f} s.",
            "Add machines (`ray status` shows what there is), or lower --cpus-per-job.",
        )

    def _give_up(self, number: int, why: str) -> Tuple[Any, ...]:
        self._end(number)
        return (LOST, number, why)

    def _end(self, number: int) -> None:
        with suppress(Exception):
            self._ray.cancel(self._tasks[number].ref, force=True)
        self._forget(number)

    def _forget(self, number: int) -> None:
        self._tasks.pop(number, None)
        self._over.append(number)


def _why_lost(error: BaseException) -> str:
    kinds = {
        "NodeDiedError": "its machine is gone",
        "WorkerCrashedError": "its process ended",
        "OutOfMemoryError": "Ray ended its process, as memory was short",
        "TaskCancelledError": "somebody ended its task",
    }
    return kinds.get(type(error).__name__, printable(in_short(error), 200))
