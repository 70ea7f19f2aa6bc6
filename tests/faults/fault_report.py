"""What each fault came to, as a table."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import List, Optional, Tuple

HEAD = "| fault | noticed after | recovered after | frames lost | what else |\n|---|---|---|---|---|\n"


class Report:
    """Collects one row for each fault, from any thread, and writes them to the file that ``FAULT_REPORT`` names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: List[Tuple[int, str, str]] = []
        self._current = threading.local()

    def begin(self, number: int, group: str) -> None:
        """Say which test this thread runs from now on: its place in the order, and what it belongs to."""
        self._current.number, self._current.group = number, group

    def add(
        self,
        fault: str,
        noticed: Optional[float],
        recovered: Optional[float],
        lost: Optional[int],
        outcome: str,
    ) -> None:
        """Take what one fault came to.

        Parameters
        ----------
        fault : str
            What was injected.
        noticed : float, optional
            Seconds from the fault to the first word of it.
        recovered : float, optional
            Seconds from the end of the fault, or from its begin where the program heals by itself, to the next result.
        lost : int, optional
            Frames that were captured and not analysed; None where that says nothing.
        outcome : str
            What else held.
        """
        cells = (fault, _seconds(noticed), _seconds(recovered), "-" if lost is None else str(lost), outcome)
        with self._lock:
            self._rows.append((self._current.number, self._current.group, f"| {' | '.join(cells)} |"))

    def write(self) -> None:
        """Write the table, where it is wanted."""
        place = os.environ.get("FAULT_REPORT")
        if not place:
            return
        text, last = f"Measured on {machine()}.\n", ""
        for _, group, row in sorted(self._rows):
            if group != last:
                text += f"\n{group}\n\n{HEAD}"
            text, last = f"{text}{row}\n", group
        Path(place).write_text(text, encoding="utf-8")


def machine() -> str:
    """Say what this was measured on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = re.findall(r"model name\s*: (.*)", text) or ["an unknown processor"]
    virtual = "virtual cores" if "hypervisor" in text else "cores"
    return f"{os.cpu_count()} {virtual} of {names[0].strip()}"


def _seconds(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.1f} s"
