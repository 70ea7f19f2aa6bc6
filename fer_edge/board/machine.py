"""The names of the machine and of its processor."""

from __future__ import annotations

import re
from typing import Optional

from fer_edge.board.kernel_file import Root, read_text


def board_name(root: Root = "/") -> Optional[str]:
    """Return the name of the board or computer as its firmware says it; None where it does not."""
    for place in ("proc/device-tree/model", "sys/devices/virtual/dmi/id/product_name"):
        name = read_text(root, place)
        if name:
            return name
    return None


def cpu_name(root: Root = "/") -> Optional[str]:
    """Return the name of the processor as the kernel says it; on 64-bit Arm the implementer and part numbers."""
    text = read_text(root, "proc/cpuinfo") or ""
    for pattern in (r"^model name\s*:\s*(.+)$", r"^Hardware\s*:\s*(.+)$"):
        found = re.search(pattern, text, re.MULTILINE)
        if found:
            return found.group(1).strip()
    numbers = [re.search(rf"^CPU {key}\s*:\s*(\S+)$", text, re.MULTILINE) for key in ("implementer", "part")]
    return "Arm " + "/".join(number.group(1) for number in numbers if number) if all(numbers) else None


def is_nano(board: Optional[str]) -> bool:
    """Return whether a board's name is that of the first Jetson Nano, whose GPU is a Maxwell, and not of an Orin Nano."""
    return board is not None and "Jetson Nano" in board
