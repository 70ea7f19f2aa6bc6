"""How much processor time the program takes."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from fer_edge.system.child_processes import child_processes


def processor_seconds() -> float:
    """Return the seconds that cores have worked so far for this process, on all threads, and for its children.

    A source may decode in a child process; that is work for a frame like any other.
    """
    ended = os.times()
    return (
        time.process_time()
        + ended.children_user
        + ended.children_system
        + sum(map(_seconds, child_processes(os.getpid())))
    )


def _seconds(pid: int) -> float:
    with suppress(OSError):
        # Behind the name, which may hold blanks and brackets: utime, stime and those of children are the fields 14 to 17.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0
