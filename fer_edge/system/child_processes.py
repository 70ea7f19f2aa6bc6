"""The processes that another one started, as the kernel lists them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import List


def child_processes(pid: int) -> List[int]:
    """Return the children of a process; none where the kernel does not tell."""
    found: List[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                text = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii")
                found += [int(child) for child in text.split()]
    return found
