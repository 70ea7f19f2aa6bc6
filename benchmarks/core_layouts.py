"""Ways to lay the work over the cores, in turn: what each brings at several numbers of faces and cameras.

Usage: python benchmarks/core_layouts.py [--rounds N] [--seconds S] [--most-others CORES] [--json FILE]

Each round runs a session of each way over the same unpaced demo. A run during which other programs used more cores
than `--most-others` is left out; how many were kept is printed. Printed are medians over the rounds.

one         one thread classifies, as before there was a choice
intra-op    one thread classifies, ONNX Runtime splits each operation over all cores
split       one thread classifies, and the faces of a frame are split over threads that take two at a time from a common heap
workers     a thread for each core classifies frames of its own; what the program does
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
from numpy.typing import NDArray

from fer_edge.app.layout import Layout
from fer_edge.app.parts import Parts, classifier_factory
from fer_edge.app.session import build_session
from fer_edge.benchmark.environment import describe_environment
from fer_edge.benchmark.report import result_of
from fer_edge.benchmark.scenario import Protocol, measure
from fer_edge.board.cores import usable_cores
from fer_edge.classify.base import ExpressionClassifier
from fer_edge.settings import Settings
from fer_edge.types import Expression

PORTION = 2
"""Faces that a thread takes at a time where they are split."""

SCENES: Tuple[Tuple[int, int], ...] = ((1, 1), (3, 1), (8, 1), (8, 2), (1, 2), (1, 4), (3, 4))
"""Faces of a camera, and cameras; the demo shows eight faces at most, so sixteen are those of two cameras."""


class Split(ExpressionClassifier):
    """Splits the faces of a batch over threads that run one session at once."""

    def __init__(self, classifier: ExpressionClassifier, threads: int) -> None:
        self.spec, self.provider, self.precision = classifier.spec, classifier.provider, classifier.precision
        self._classifier = classifier
        self._pool = ThreadPoolExecutor(threads)

    def classify(self, crops: NDArray[np.uint8]) -> Tuple[Expression, ...]:
        """Name the expression of each crop."""
        portions = [crops[first : first + PORTION] for first in range(0, len(crops), PORTION)]
        if len(portions) < 2:
            return self._classifier.classify(crops)
        return tuple(chain.from_iterable(self._pool.map(self._classifier.classify, portions)))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
        self._classifier.close()


def split_factory(settings: Settings) -> Callable[[], ExpressionClassifier]:
    """Return what builds the classifier of `split`."""
    build = classifier_factory(settings)
    return lambda: Split(build(), usable_cores())


def ways(cores: int) -> Dict[str, Tuple[Parts, int]]:
    """Return by name the parts of a way, and the threads that its settings name."""
    return {
        "one": (Parts(layout=lambda _: Layout(1, 1)), 1),
        "intra-op": (Parts(layout=lambda _: Layout(1, cores), classifier=_intra_op), cores),
        "split": (Parts(layout=lambda _: Layout(1, 1), classifier=split_factory), 1),
        "workers": (Parts(), cores),
    }


def _intra_op(settings: Settings) -> Callable[[], ExpressionClassifier]:
    from fer_edge.classify.onnx import OnnxClassifier
    from fer_edge.inference.model_files import find_model

    return lambda: OnnxClassifier(find_model(settings.analysis.model), usable_cores())


def run(way: Tuple[Parts, int], faces: int, cameras: int, seconds: float) -> Dict[str, float]:
    """Run a session, and return its figures."""
    parts, threads = way
    sources = [f"c{number}=demo:{faces}" for number in range(cameras)]
    settings = Settings.of(camera=sources, threads=threads)
    busy, own, begun = machine_seconds(), time.process_time(), time.monotonic()
    result = result_of(measure(build_session(settings, parts, paced=False), Protocol(0.5, seconds)), "", {})
    elapsed, own = time.monotonic() - begun, time.process_time() - own
    slowest = max(stage["mean_ms"] for stage in result["stages"].values())
    return {
        "fps": result["fps"]["total"],
        "processor_ms": result["cpu_ms_per_frame"],
        "share": result["share_of_machine"],
        "p90_ms": result["latency_ms"]["p90"],
        "p90_over_slowest": result["latency_ms"]["p90"] / slowest,
        "others": max(0.0, machine_seconds() - busy - own) / elapsed,
    }


def machine_seconds() -> float:
    """Return how many seconds the cores of the machine have worked, for whomever."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = list(map(int, file.readline().split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--most-others", type=float, default=0.1, metavar="CORES")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.json:
        Path(options.json).open("a", encoding="utf-8").close()  # or a place that takes none is told after the work
    kept: Dict[str, List[Dict[str, float]]] = {}
    for _ in range(options.rounds):
        for faces, cameras in SCENES:
            for name, way in ways(usable_cores()).items():
                figures = run(way, faces, cameras, options.seconds)
                if figures["others"] <= options.most_others:
                    kept.setdefault(f"{faces} faces, {cameras} cameras, {name}", []).append(figures)
    table: Dict[str, Any] = {scene: _medians(runs) for scene, runs in kept.items()}
    for scene, figures in table.items():
        print(f"{scene:32}" + "  ".join(f"{key} {value:.2f}" for key, value in figures.items()))
    print("measured on " + ", ".join(f"{key} {value}" for key, value in describe_environment().items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"environment": describe_environment(), "ways": table}, file, indent=2)


def _medians(runs: List[Dict[str, float]]) -> Dict[str, float]:
    return {"runs": len(runs), **{key: statistics.median(one[key] for one in runs) for key in runs[0]}}


if __name__ == "__main__":
    main()
