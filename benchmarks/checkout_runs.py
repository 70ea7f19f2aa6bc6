"""Runs the program of any checkout as a process of its own, and sees from outside what it costs; for `against.py`.

An old checkout may not tell its processor time, or tell another one: what is seen from outside is the same of all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.board.cores import usable_core_time

WARM_UP = 1.5
LOOK_SECONDS = 0.05
PATIENCE = 120.0
"""Seconds that a run may take longer than it was asked to, for the start of the program on a small board."""


@dataclass(frozen=True)
class Case:
    """A run of the program: what it is called, and its arguments."""

    name: str
    arguments: Tuple[str, ...]
    precision: str = "fp32"

    @property
    def is_paced(self) -> bool:
        """Whether it watches at a camera's rate instead of measuring."""
        return "--benchmark" not in self.arguments


@dataclass(frozen=True)
class Figures:
    """What one run came to."""

    total: float
    share: float
    cpu_ms: float
    memory_mb: float
    classify_ms: float


class CannotBeHad(Exception):
    """A checkout cannot do what was asked; with its own words."""


def run(checkout: Path, case: Case, seconds: float) -> Figures:
    """Run a case in a checkout. Raises CannotBeHad."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        timing = ["--duration", str(seconds)]
        if not case.is_paced:
            timing += ["--warm-up", str(WARM_UP), "--report", str(report)]
        said, samples, memory = watched(checkout, [*case.arguments, *timing], seconds + WARM_UP + PATIENCE)
        result = {} if case.is_paced else json.loads(report.read_text(encoding="utf-8"))["results"][0]
    if case.is_paced:
        counted = re.search(r"(\d+) frames analysed in ([\d.]+) s", said)
        if counted is None or not float(counted[2]):
            raise CannotBeHad("it does not say how many frames it analysed")
        total, classify = int(counted[1]) / float(counted[2]), 0.0
    else:
        total, classify = result["fps"]["total"], result["stages"]["classify"]["p50_ms"]
        if result["precision"] != case.precision:
            raise CannotBeHad(f"it ran in {result['precision']}")
    busy = cores_busy(samples, seconds)
    return Figures(total, busy / usable_core_time(), 1e3 * busy / total, memory, classify)


Sample = Tuple[float, float]
"""A moment, and the processor seconds of a process until then."""


def cores_busy(samples: Sequence[Sample], seconds: float) -> float:
    """Return how many cores worked, on average, in the middle of the last `seconds` of a process: not at its start or end."""
    last = samples[-1][0] if samples else 0.0
    inside = [sample for sample in samples if last - 0.9 * seconds <= sample[0] <= last - 0.1 * seconds]
    if len(inside) < 2:
        raise CannotBeHad("it ended too soon")
    (began, before), (ended, after) = inside[0], inside[-1]
    return (after - before) / (ended - began)


def watched(checkout: Path, arguments: Sequence[str], limit: float) -> Tuple[str, List[Sample], float]:
    """Run the program of a checkout; return what it printed, its processor time on the way, and its peak memory in MB."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FER_EDGE_")}
    environment.update(PYTHONPATH=str(checkout), ORT_DISABLE_TELEMETRY="1")
    samples: List[Sample] = []
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-m", "fer_edge", *arguments]
        child = subprocess.Popen(command, cwd=checkout, env=environment, stdout=output, stderr=errors)
        # The clock of a process, as clock_getcpuclockid makes it up: the inverted number, and 2.
        clock, until = ~child.pid << 3 | 2, time.monotonic() + limit
        try:
            while True:
                ended, status, usage = os.wait4(child.pid, os.WNOHANG)
                if ended:
                    # Popen is to know that the child is gone.
                    child.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
                    break
                with suppress(OSError):  # it may be gone by now
                    samples.append((time.monotonic(), time.clock_gettime(clock)))
                if time.monotonic() > until:
                    raise CannotBeHad(f"it did not end within {limit:.0f} s")
                time.sleep(LOOK_SECONDS)
        finally:
            if child.returncode is None:
                child.kill()
                child.wait()
        output.seek(0)
        errors.seek(0)
        if child.returncode:
            raise CannotBeHad(reason(errors.read()) or f"it ended with exit code {child.returncode}")
        return output.read(), samples, usage.ru_maxrss / 1024


def reason(text: str) -> str:
    """Return the line of what a program said that tells why it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return told[0] if told else lines[-1] if lines else ""
