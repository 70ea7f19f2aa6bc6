"""How much processor time the program takes, who in it takes that time, and how often it is woken."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, Mapping, Optional

from fer_edge.system.child_processes import child_processes

CALLER, OTHERS, CHILDREN = "caller", "other threads", "child processes"
"""Who works beside the stages: the thread that takes the results; threads that libraries keep for themselves, as ONNX Runtime
does with ``--detect-threads 2``; the processes in which sources decode."""

_WAKE_UPS = "voluntary_ctxt_switches:"


@dataclass(frozen=True)
class Work:
    """What a process has done since its start.

    Attributes
    ----------
    seconds : float
        That cores worked for it, on all threads, and for its children.
    children : float
        Those of the children alone, also of those that have ended.
    threads : mapping of int to float
        Those of single threads, by the number that the kernel gives each; none where the system does not tell.
    wake_ups : int, optional
        How often a thread, also of a child, was woken from waiting; None where the system does not tell.
    """

    seconds: float
    children: float = 0.0
    threads: Mapping[int, float] = field(default_factory=dict)
    wake_ups: Optional[int] = None


@dataclass(frozen=True)
class Spent:
    """What a span of time took.

    Attributes
    ----------
    seconds : float
        That cores worked.
    by : mapping of str to float
        The same, by who it was: the stages by their names, `CALLER`, `OTHERS` and `CHILDREN`. Empty where the system does
        not tell. A thread that ended meanwhile is among the others.
    wake_ups : int, optional
        How often a thread was woken from waiting.
    """

    seconds: float
    by: Mapping[str, float] = field(default_factory=dict)
    wake_ups: Optional[int] = None


def work_so_far(threads: Iterable[int] = ()) -> Work:
    """Return what this process has done so far, and each of some of its threads.

    Parameters
    ----------
    threads : iterable of int
        Numbers as `threading.get_native_id` gives them; one that has ended is left out.
    """
    ended = os.times()
    running = child_processes(os.getpid())
    children = ended.children_user + ended.children_system + sum(map(_seconds, running))
    single = {number: seconds for number in threads for seconds in (thread_seconds(number),) if seconds is not None}
    return Work(time.process_time() + children, children, single, _wake_ups(running))


def spent(before: Work, after: Work, names: Mapping[int, str]) -> Spent:
    """Return what was done between two moments, by who it was.

    Parameters
    ----------
    names : mapping of int to str
        Whose work the threads do. One that began in between counts from its beginning.
    """
    by: Dict[str, float] = {}
    for number, seconds in after.threads.items():
        by[names[number]] = by.get(names[number], 0.0) + seconds - before.threads.get(number, 0.0)
    total, children = after.seconds - before.seconds, after.children - before.children
    if by:
        by = {**by, OTHERS: max(0.0, total - children - sum(by.values())), CHILDREN: max(0.0, children)}
    known = before.wake_ups is not None and after.wake_ups is not None
    # A thread of a child that ended is not counted any more before the child itself has ended.
    woken = max(0, (after.wake_ups or 0) - (before.wake_ups or 0)) if known else None
    return Spent(total, by, woken)


def thread_seconds(number: int) -> Optional[float]:
    """Return the seconds that cores worked for a thread of this process; None where there is none, or it cannot be known."""
    if not sys.platform.startswith("linux"):
        return None
    with suppress(OSError):
        # The clock of one thread, as pthread_getcpuclockid makes it up, which is not safe to ask about an ended thread:
        # the inverted number, and 4 for a thread + 2 for the scheduler's own count (the kernel's posix-timers.h).
        return time.clock_gettime(~number << 3 | 6)
    return None


def _seconds(pid: int) -> float:
    with suppress(OSError):
        # Behind the name, which may hold blanks and brackets: utime, stime and those of children are the fields 14 to 17.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _wake_ups(children: Iterable[int]) -> Optional[int]:
    """Return how often threads of this process and its children gave up their core to wait, each time to be woken later."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import resource
    except ImportError:
        return None
    count = sum(resource.getrusage(who).ru_nvcsw for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    for child in children:
        for status in Path(f"/proc/{child}/task").glob("*/status"):
            with suppress(OSError):
                text = status.read_text(encoding="ascii", errors="replace")
                count += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(_WAKE_UPS))
    return count
