"""How many cores this process may use: of the machine, of its affinity, and of what its control groups grant."""

from __future__ import annotations

import math
import os
from pathlib import PurePosixPath
from typing import Iterator, Optional, Tuple

from fer_edge.board.kernel_file import Root, read_number, read_text


def usable_cores(root: Root = "/") -> int:
    """Return the number of cores that this process may use, at least 1.

    Containers and services are often given less than the machine has (``docker run --cpus``, systemd's ``CPUQuota=``): the
    kernel then shows all cores and stops the process for the rest of each period. A part of a core counts as a whole one.

    Parameters
    ----------
    root : str or Path
        The top of the tree with ``proc`` and ``sys``.

    Examples
    --------
    >>> usable_cores() >= 1
    True
    """
    return max(1, math.ceil(usable_core_time(root)))


def usable_core_time(root: Root = "/") -> float:
    """Return how many cores' time this process may use: as `usable_cores`, but a part of a core counts as that part.

    It is what a share of the machine is a share of.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = granted_cores(root)
    return float(cores) if granted is None else min(float(cores), granted)


def granted_cores(root: Root = "/") -> Optional[float]:
    """Return how many cores' time the control groups of this process grant it; None where they set no limit.

    A group has no more than the groups that it lies in, so the least of all counts; with version 2 and version 1 alike.
    """
    found = [share for group in _groups(root) for share in (_share(root, group),) if share is not None]
    return min(found, default=None)


def _groups(root: Root) -> Iterator[str]:
    """Return the folders, below `root`, of the groups that limit the processor time of this process."""
    for line in (read_text(root, "proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not path.startswith("/") or not (number == "0" or "cpu" in controllers.split(",")):
            continue
        # In a container the path may be that of the host; the groups that can be seen from here begin at the top all the same.
        inner = PurePosixPath(path)
        tops = ("", "unified") if number == "0" else (controllers, "cpu")
        for top in tops:
            for group in (inner, *inner.parents):
                if ".." not in group.parts:
                    yield "/".join(filter(None, ("sys/fs/cgroup", top, str(group).strip("/"))))


def _share(root: Root, group: str) -> Optional[float]:
    quota, period = _quota(root, group)
    return quota / period if quota is not None and period is not None and quota > 0 and period > 0 else None


def _quota(root: Root, group: str) -> Tuple[Optional[int], Optional[int]]:
    """Return microseconds of processor time and of the period in which they are granted."""
    fields = (read_text(root, f"{group}/cpu.max") or "").split()
    if len(fields) == 2 and all(field.isascii() and field.isdecimal() for field in fields):
        return int(fields[0]), int(fields[1])
    return read_number(root, f"{group}/cpu.cfs_quota_us"), read_number(root, f"{group}/cpu.cfs_period_us")
