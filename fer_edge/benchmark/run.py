"""``fer-edge --benchmark``: one model after the other, progress on the way, a table and a JSON file at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

from fer_edge.app.file_roles import files_read, refuse_shared_files
from fer_edge.app.parts import build_source, classifier_factory, classifier_threads, detector_factory
from fer_edge.benchmark.environment import describe_environment, describe_heat, reset_resident_peak, resident_peak_mb
from fer_edge.benchmark.models import choose_models
from fer_edge.benchmark.output import ReportFile
from fer_edge.benchmark.report import result_of, to_json
from fer_edge.benchmark.scenario import Measurement, Protocol, measure
from fer_edge.errors import SourceNotFound, UsageError
from fer_edge.inference.model_files import sha256_of
from fer_edge.settings import Settings

DEFAULT_SOURCE = "demo"
DEFAULT_DURATION = 15.0


@dataclass(frozen=True)
class BenchmarkOptions:
    """What only a benchmark is asked.

    Attributes
    ----------
    models : tuple of str
        Names, files, folders or ``all``, as `choose_models` takes them; measured one after the other.
    warm_up : float
        Seconds that do not count.
    report : str
        Where the JSON goes; empty for nowhere.
    """

    models: Tuple[str, ...]
    warm_up: float = 2.0
    report: str = ""


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
        A model or the source cannot be used, or the report cannot be written. That a file is missing is found out before
        measuring; what was measured before another error is in the report.
    """
    if settings.cameras[0].source == "auto":
        settings = settings.changed(camera=DEFAULT_SOURCE)
    if settings.run.frames == 1:
        raise UsageError("A rate cannot be taken from one frame.", "Give --frames 2 or more; some hundreds are better.")
    protocol = Protocol(options.warm_up, settings.run.duration or DEFAULT_DURATION, settings.run.frames)
    candidates = choose_models(options.models)
    read = files_read(settings, (str(candidate.path) for candidate in candidates))
    refuse_shared_files((("--report", options.report),), read)
    report: Dict[str, Any] = {
        "environment": describe_environment(),
        "protocol": {
            "source": settings.cameras[0].source,
            "size": "x".join(map(str, settings.cameras[0].size)) if settings.cameras[0].size else None,
            "detector": settings.analysis.detector,
            "min_score": settings.analysis.min_score,
            "warm_up_s": protocol.warm_up,
            "duration_s": protocol.duration,
            "frames": protocol.frames,
            "percentiles": "nearest rank",
        },
        "results": [],
    }
    with ReportFile(options.report) as file:
        try:
            for number, candidate in enumerate(candidates, start=1):
                if stopped():
                    break
                label = f"{candidate.name} ({number} of {len(candidates)})" if len(candidates) > 1 else candidate.name
                measurement = _measure(settings, candidate.path, protocol, _reporter(label, progress), stopped)
                report["protocol"]["size"] = f"{measurement.source.width}x{measurement.source.height}"
                facts = _facts(settings, candidate.path, measurement)
                report["results"].append(result_of(measurement, candidate.name, facts))
        except SourceNotFound:
            if not (stopped() and report["results"]):
                raise
        finally:
            # What was measured before an error took long, and is worth keeping.
            if report["results"]:
                file.write(to_json(report))
    return report


def _measure(
    settings: Settings,
    model: Path,
    protocol: Protocol,
    progress: Callable[[str, float], None],
    stopped: Callable[[], bool],
) -> Measurement:
    reset_resident_peak()
    return measure(
        build_source(settings, paced=False),
        detector_factory(settings),
        classifier_factory(settings, str(model)),
        protocol,
        progress,
        stopped,
    )


def _facts(settings: Settings, model: Path, measurement: Measurement) -> Dict[str, Any]:
    return {
        "sha256": sha256_of(model),
        "precision": measurement.precision,
        "provider": measurement.provider,
        "threads": classifier_threads(settings),
        "detect_threads": settings.analysis.detect_threads,
        "rss_peak_mb": resident_peak_mb(),
        **describe_heat(),
    }


def _reporter(model: str, progress: Callable[[str], None]) -> Callable[[str, float], None]:
    last = -1.0

    def report(phase: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.5:
            last = now
            progress(f"{model}: {phase} {min(share, 1.0):4.0%}")

    return report
