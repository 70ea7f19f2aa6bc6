"""How much memory there is, and how much of it can be had."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from fer_edge.board.kernel_file import Root, read_text


@dataclass(frozen=True)
class Memory:
    """Sizes in MiB, from /proc/meminfo.

    Attributes
    ----------
    total : float
        Memory that the kernel manages; on a Jetson the GPU shares it.
    available : float, optional
        What a program can get without swapping, as the kernel estimates it.
    swap_total, swap_free : float, optional
        Swap, which on a Jetson is compressed memory unless somebody added a file.
    """

    total: float
    available: Optional[float]
    swap_total: Optional[float]
    swap_free: Optional[float]


def read_memory(root: Root = "/") -> Optional[Memory]:
    """Read /proc/meminfo; None where it does not even say the total."""
    text = read_text(root, "proc/meminfo") or ""

    def mebibytes(key: str) -> Optional[float]:
        found = re.search(rf"^{key}:\s*(\d+) kB", text, re.MULTILINE)
        return int(found.group(1)) / 1024 if found else None

    total = mebibytes("MemTotal")
    if total is None:
        return None
    return Memory(total, mebibytes("MemAvailable"), mebibytes("SwapTotal"), mebibytes("SwapFree"))
