"""``fer-edge --benchmark``: one model after the other, progress on the way, a table and a JSON file at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Optional, Tuple

from fer_edge.benchmark.environment import describe_environment, reset_resident_peak, resident_peak_mb
from fer_edge.benchmark.output import ReportFile
from fer_edge.benchmark.report import result_of, to_json
from fer_edge.benchmark.scenario import Protocol, measure
from fer_edge.build import build_source, classifier_factory, classifier_threads, detector_factory
from fer_edge.errors import UsageError
from fer_edge.model_files import find_model, sha256_of
from fer_edge.settings import Settings

DEFAULT_SOURCE = "demo"
DEFAULT_DURATION = 15.0


@dataclass(frozen=True)
class BenchmarkOptions:
    """What only a benchmark is asked.

    Attributes
    ----------
    models : tuple of str
        Names or files, measured one after the other.
    warm_up : float
        Seconds that do not count.
    report : str
        Where the JSON goes; empty for nowhere.
    min_fps, max_p90_ms : float, optional
        Limits; a miss ends the program with the exit code of `GateMissed`.
    """

    models: Tuple[str, ...]
    warm_up: float = 2.0
    report: str = ""
    min_fps: Optional[float] = None
    max_p90_ms: Optional[float] = None


def run_benchmark(
    settings: Settings,
    options: BenchmarkOptions,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda line: None,
) -> Dict[str, Any]:
    """Measure every model of `options`.

    Parameters
    ----------
    stopped : callable
        Tells whether to end early: the model under way is reported as far as it came, the others are left out.
    progress : callable
        Gets a line to show now and then.

    Returns
    -------
    dict
        ``environment``, ``protocol`` and ``results``, ready for JSON; written to `options.report` as well.

    Raises
    ------
    FerEdgeError
        A model or the source cannot be used, or the report cannot be written; that is found out before measuring.
    """
    if settings.camera == "auto":
        settings = replace(settings, camera=DEFAULT_SOURCE)
    if settings.frames == 1:
        raise UsageError("A rate cannot be taken from one frame.", "Give --frames 2 or more; some hundreds are better.")
    protocol = Protocol(options.warm_up, settings.duration or DEFAULT_DURATION, settings.frames)
    paths = [find_model(model) for model in options.models]
    report: Dict[str, Any] = {
        "environment": describe_environment(),
        "protocol": {
            "source": settings.camera,
            "size": "x".join(map(str, settings.size)) if settings.size else None,
            "detector": settings.detector,
            "min_score": settings.min_score,
            "warm_up_s": protocol.warm_up,
            "duration_s": protocol.duration,
            "frames": protocol.frames,
            "percentiles": "nearest rank",
        },
        "results": [],
    }
    with ReportFile(options.report) as file:
        for model, path in zip(options.models, paths):
            if stopped():
                break
            reset_resident_peak()
            measurement = measure(
                build_source(settings, paced=False),
                detector_factory(settings),
                classifier_factory(settings, model),
                protocol,
                _reporter(model, progress),
                stopped,
            )
            report["protocol"]["size"] = f"{measurement.source.width}x{measurement.source.height}"
            facts = {
                "sha256": sha256_of(path),
                "precision": "fp32",
                "provider": measurement.provider,
                "threads": classifier_threads(settings),
                "detect_threads": settings.detect_threads,
                "rss_peak_mb": resident_peak_mb(),
            }
            report["results"].append(result_of(measurement, model, facts))
        file.write(to_json(report))
    return report


def _reporter(model: str, progress: Callable[[str], None]) -> Callable[[str, float], None]:
    last = -1.0

    def report(phase: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.5:
            last = now
            progress(f"{model}: {phase} {min(share, 1.0):4.0%}")

    return report
