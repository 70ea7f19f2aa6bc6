"""What the threads bring: a session against a plain loop, at one, three and eight faces, and its own overhead.

Usage: python benchmarks/pipeline_speed.py [--rounds N] [--seconds S] [--json FILE]

Each round runs a session and then a loop without threads over the same unpaced demo, with the same detector and network,
so that both see the same machine. Printed are medians over the rounds; ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

import numpy as np

from fer_edge.app.parts import Parts, build_source, classifier_factory, detector_factory
from fer_edge.app.session import build_session
from fer_edge.benchmark.environment import describe_environment
from fer_edge.benchmark.report import result_of
from fer_edge.benchmark.scenario import Protocol, measure
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.classify.reader import ExpressionReader
from fer_edge.detect import DETECTORS, FakeDetector
from fer_edge.settings import Settings


@dataclass(frozen=True)
class Round:
    """The figures of one round at one number of faces."""

    total: float
    bound: float
    sequential: float
    plain_loop: float
    p90_over_slowest: float
    share_of_machine: float
    cpu_ms_per_frame: float
    cold_start: float


def run_round(faces: int, seconds: float, settings: Settings) -> Round:
    """Run a session, then the plain loop."""
    settings = settings.changed(camera=f"demo:{faces}")
    measurement = measure(build_session(settings, paced=False), Protocol(1.0, seconds))
    result = result_of(measurement, settings.analysis.model, {})
    slowest = max(stage["mean_ms"] for stage in result["stages"].values())
    return Round(
        total=result["fps"]["total"],
        bound=1e3 / max(stage["mean_ms"] / stage["threads"] for stage in result["stages"].values()),
        sequential=result["fps"]["sequential"],
        plain_loop=plain_loop(seconds, settings),
        p90_over_slowest=result["latency_ms"]["p90"] / slowest,
        share_of_machine=result["share_of_machine"],
        cpu_ms_per_frame=result["cpu_ms_per_frame"],
        cold_start=measurement.cold_start,
    )


def plain_loop(seconds: float, settings: Settings) -> float:
    """Return the frames per second of a loop without threads."""
    source = build_source(settings, settings.cameras[0], paced=False)
    detector, classifier = detector_factory(settings)(), classifier_factory(settings)()
    reader, search = ExpressionReader(classifier), detector.search()
    with source:
        frames, begun, warm = 0, 0.0, time.monotonic() + 0.5
        while True:
            now = time.monotonic()
            if begun == 0.0 and now >= warm:
                frames, begun = 0, now
            if begun and now - begun >= seconds:
                break
            source.grab()
            image = source.retrieve()
            # As a session does: a detector that looks at parts of a camera's frames in turn would else look everywhere.
            reader.read(image, detector.detect(image) if search is None else search.look(image, time.monotonic()))
            frames += 1
    rate = frames / (time.monotonic() - begun)
    detector.close()
    classifier.close()
    return rate


def overhead_ms(frames: int = 3000) -> float:
    """Return the milliseconds per frame of a session whose stages do nothing, at 640 x 480."""
    source = FakeSource([np.zeros((480, 640, 3), np.uint8)] * frames)
    parts = Parts(lambda *_: source, lambda *_: FakeDetector, lambda *_: FakeClassifier)
    begun = time.monotonic()
    emitted = sum(1 for _ in build_session(Settings(), parts))
    return (time.monotonic() - begun) / emitted * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--model", default=Settings().analysis.model)
    parser.add_argument("--detector", default=Settings().analysis.detector, choices=DETECTORS)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.json:
        Path(options.json).open("a", encoding="utf-8").close()  # or a place that takes none is told after the work
    settings = Settings.of(model=options.model, detector=options.detector, threads=options.threads)
    table: Dict[str, Dict[str, float]] = {}
    for faces in (1, 3, 8):
        rounds = [run_round(faces, options.seconds, settings) for _ in range(options.rounds)]
        table[str(faces)] = summary(rounds)
        print(
            f"{faces} face(s): " + "  ".join(f"{key} {value:.2f}" for key, value in table[str(faces)].items()),
            flush=True,
        )
    no_op = statistics.median(overhead_ms() for _ in range(options.rounds))
    print(f"overhead of a session with stages that do nothing: {no_op:.3f} ms per frame")
    environment = describe_environment()
    print("measured on " + ", ".join(f"{key} {value}" for key, value in environment.items()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"environment": environment, "faces": table, "overhead_ms": no_op}, file, indent=2)


def summary(rounds: List[Round]) -> Dict[str, float]:
    """Return the medians over the rounds."""

    def median(values: List[float]) -> float:
        return statistics.median(values)

    return {
        "FPS total": median([one.total for one in rounds]),
        "sequential": median([one.sequential for one in rounds]),
        "plain loop": median([one.plain_loop for one in rounds]),
        "total / bound": median([one.total / one.bound for one in rounds]),
        "total / sequential": median([one.total / one.sequential for one in rounds]),
        "total / plain loop": median([one.total / one.plain_loop for one in rounds]),
        "p90 latency / slowest stage": median([one.p90_over_slowest for one in rounds]),
        "share of the machine": median([one.share_of_machine for one in rounds]),
        "processor ms per frame": median([one.cpu_ms_per_frame for one in rounds]),
        "cold start s": median([one.cold_start for one in rounds]),
    }


if __name__ == "__main__":
    main()
