"""What several cameras in one process cost, against a process for each.

Usage: python benchmarks/many_cameras.py [--rounds N] [--seconds S] [--cameras 1,2,4,8] [--json FILE]

Each camera is the demo with one face at 640x480, once as fast as the machine takes it and once at 15 frames a second. All
measurements of a round run in turn, each in fresh processes (``fer-edge --benchmark``), so that all see the same machine; the
rows are medians over the rounds, and what compares two measurements is taken within a round. Memory is the largest resident
size of a process, processor time that of all its threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from fer_edge.benchmark.environment import describe_environment
from fer_edge.system.python_child import python_child

RATE = 15
WARM_UP = 1.5
TITLES = {"unpaced": "As fast as the machine takes them", "paced": f"At {RATE} frames a second each"}
HEAD = (
    "cameras",
    "FPS total",
    "FPS per camera",
    "slowest / mean",
    "latency p90 ms",
    "memory MB",
    "MB per extra camera",
    "processor ms per frame",
    "share of the machine",
    "FPS total of as many processes",
    "their memory MB",
    "their processor ms per frame",
)


@dataclass(frozen=True)
class Run:
    """The figures of one measurement: of a process with all cameras, or of as many processes together."""

    total: float
    slowest_to_mean: float
    p90_ms: float
    memory_mb: float
    cpu_ms: float
    share: float


@dataclass(frozen=True)
class Row:
    """What one round says of a number of cameras."""

    one_process: Run
    processes: Run
    extra_mb: Optional[float]


def measure(options: argparse.Namespace, cameras: int, paced: bool, processes: int = 1) -> Run:
    """Run `processes` at once, each with `cameras`, and add up what they report."""
    pace = ["--paced", "--camera-fps", str(RATE)] if paced else []
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder, f"{number}.json") for number in range(processes)]
        running = [
            start(options.seconds, *["--camera", "demo"] * cameras, *pace, "--report", str(report))
            for report in reports
        ]
        for process in running:
            _, said = process.communicate(timeout=options.seconds + 300)
            if process.returncode:
                sys.exit(f"fer-edge --benchmark failed: {said}")
        results = [json.loads(report.read_text(encoding="utf-8"))["results"][0] for report in reports]
    totals = [camera["fps"]["total"] or 0.0 for result in results for camera in result["cameras"].values()]
    frames = sum(result["frames"]["emitted"] for result in results)
    return Run(
        total=sum(result["fps"]["total"] for result in results),
        slowest_to_mean=min(totals) / (statistics.fmean(totals) or 1.0),
        p90_ms=statistics.median(result["latency_ms"]["p90"] for result in results),
        memory_mb=sum(result["rss_peak_mb"] for result in results),
        cpu_ms=sum(result["cpu_ms_per_frame"] * result["frames"]["emitted"] for result in results) / frames,
        share=sum(result["share_of_machine"] for result in results),
    )


def start(seconds: float, *arguments: str) -> subprocess.Popen[str]:
    """Start a benchmark with some arguments more."""
    timing = ("--duration", str(seconds), "--warm-up", str(WARM_UP))
    child = python_child("fer_edge", "--benchmark", "--size", "640x480", "--log-level", "error", *timing, *arguments)
    return subprocess.Popen(
        child.command, env=child.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def run_round(options: argparse.Namespace) -> Iterator[Tuple[str, int, Row]]:
    """Measure everything once; yields pace, number of cameras and figures."""
    for pace in TITLES:
        alone: Optional[Run] = None
        for count in options.cameras:
            together = measure(options, count, pace == "paced")
            apart = measure(options, 1, pace == "paced", processes=count) if count > 1 else together
            alone = alone or (together if count == 1 else None)
            extra = (together.memory_mb - alone.memory_mb) / (count - 1) if alone and count > 1 else None
            yield pace, count, Row(together, apart, extra)


def cells(count: int, rows: List[Row]) -> List[str]:
    """Return a line of the table: medians over the rounds."""

    def median(value: Callable[[Row], Optional[float]], digits: int) -> str:
        values = [found for found in map(value, rows) if found is not None]
        return f"{statistics.median(values):.{digits}f}" if values else ""

    return [
        str(count),
        median(lambda row: row.one_process.total, 1),
        median(lambda row: row.one_process.total / count, 1),
        median(lambda row: row.one_process.slowest_to_mean, 2),
        median(lambda row: row.one_process.p90_ms, 1),
        median(lambda row: row.one_process.memory_mb, 0),
        median(lambda row: row.extra_mb, 1),
        median(lambda row: row.one_process.cpu_ms, 2),
        median(lambda row: row.one_process.share, 2),
        median(lambda row: row.processes.total, 1),
        median(lambda row: row.processes.memory_mb, 0),
        median(lambda row: row.processes.cpu_ms, 2),
    ]


def markdown(pace: str, found: Dict[int, List[Row]]) -> str:
    """Return the table of a pace."""
    lines = [HEAD, ["--:"] * len(HEAD), *(cells(count, rows) for count, rows in found.items())]
    return "\n".join([f"{TITLES[pace]}:", "", *("| " + " | ".join(line) + " |" for line in lines), ""])


def counts(text: str) -> List[int]:
    """Read ``1,2,4,8``."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--cameras", type=counts, default=[1, 2, 4, 8])
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.json:
        Path(options.json).open("a", encoding="utf-8").close()  # or a place that takes none is told after the work
    environment = describe_environment()
    found: Dict[str, Dict[int, List[Row]]] = {pace: {} for pace in TITLES}
    for number in range(options.rounds):
        for pace, count, row in run_round(options):
            found[pace].setdefault(count, []).append(row)
            print(f"round {number + 1}: {count} camera(s), {pace}: {row}", file=sys.stderr, flush=True)
    for pace, rows in found.items():
        print(markdown(pace, rows))
    told = {key: value for key, value in environment.items() if value is not None}
    print(f"Medians of {options.rounds} round(s) of {options.seconds:g} s. Measured on:")
    print("; ".join(f"{key} {', '.join(value) if isinstance(value, list) else value}" for key, value in told.items()))
    if options.json:
        content: Dict[str, Any] = {"environment": environment, "seconds": options.seconds, "rate": RATE}
        content["rounds"] = {
            pace: {str(count): [asdict(row) for row in rows] for count, rows in by_count.items()}
            for pace, by_count in found.items()
        }
        Path(options.json).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
