"""``fer-edge --benchmark``: one model after the other, progress on the way, a table and a JSON file at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Optional, Tuple

from fer_edge.app.file_roles import files_read, refuse_shared_files
from fer_edge.app.layout import one_opencv_thread
from fer_edge.app.parts import PROGRAM, Parts
from fer_edge.app.session import build_session
from fer_edge.benchmark.environment import describe_environment, describe_heat, reset_resident_peak, resident_peak_mb
from fer_edge.benchmark.models import choose_models
from fer_edge.benchmark.output import ReportFile
from fer_edge.benchmark.report import result_of, to_json
from fer_edge.benchmark.scenario import Protocol, measure
from fer_edge.capture.settings import FPS
from fer_edge.classify.int8_file import INT8, int8_path
from fer_edge.errors import SourceNotFound, UsageError
from fer_edge.inference.model_files import sha256_of
from fer_edge.pipeline.session import Session
from fer_edge.settings import Settings
from fer_edge.settings.tracks import AUTO
from fer_edge.system.masking import mask

DEFAULT_SOURCE = "demo"
DEFAULT_DURATION = 15.0

SLOWEST_PACE, FASTEST_PACE = 1.0, 240.0
"""Frames per second; no camera that this program reads is faster."""


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
    paced : bool
        Whether the demo keeps the pace of a camera, 30 frames a second unless the settings or `pace` say otherwise; else it
        shows as many frames as this machine can take.
    pace : float, optional
        Frames per second that all cameras are asked for, from `SLOWEST_PACE` to `FASTEST_PACE`.
    """

    models: Tuple[str, ...]
    warm_up: float = 2.0
    report: str = ""
    paced: bool = False
    pace: Optional[float] = None


def run_benchmark(
    settings: Settings,
    options: BenchmarkOptions,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda line: None,
    parts: Parts = PROGRAM,
) -> Dict[str, Any]:
    """Measure every model of `options`, with all cameras of `settings` at once.

    Parameters
    ----------
    stopped : callable
        Tells whether to end early: the model under way is reported as far as it came, the others are left out.
    progress : callable
        Gets a line to show now and then.
    parts : Parts
        What sessions are put together from.

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
    one_opencv_thread()
    if [camera.source for camera in settings.cameras] == ["auto"]:
        settings = settings.changed(camera=DEFAULT_SOURCE)
    if settings.tracks.detect_every == AUTO:
        # What a machine can do is not to depend on what it was doing before.
        settings = settings.changed(detect_every="1")
    if options.pace is not None:
        settings = settings.changed(camera_fps=options.pace)
    if settings.run.frames == 1:
        raise UsageError("A rate cannot be taken from one frame.", "Give --frames 2 or more; some hundreds are better.")
    protocol = Protocol(options.warm_up, settings.run.duration or DEFAULT_DURATION, settings.run.frames)
    candidates = choose_models(options.models)
    read = files_read(settings, (str(candidate.path) for candidate in candidates))
    refuse_shared_files((("--report", options.report),), read)
    report: Dict[str, Any] = {
        "environment": describe_environment(),
        "protocol": {
            "source": _joined(mask(camera.source) for camera in settings.cameras),
            "size": None,
            "paced": options.paced,
            "pace_fps": _pace(settings) if options.paced else None,
            "detector": _joined({camera.detector or settings.analysis.detector: None for camera in settings.cameras}),
            "min_score": settings.analysis.min_score,
            "detect_every": int(settings.tracks.detect_every),
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
                chosen = settings.changed(model=str(candidate.path))
                reset_resident_peak()
                session = build_session(chosen, parts, paced=options.paced)
                if options.paced:
                    _refuse_what_has_no_pace(session, settings)
                measurement = measure(session, protocol, _reporter(label, progress), stopped, parts.clock)
                facts = _facts(settings, candidate.path, session.workers()["classify"] * parts.layout(chosen).threads)
                result = result_of(measurement, candidate.name, facts)
                if result["precision"] == INT8 and int8_path(candidate.path).is_file():
                    result["sha256"] = sha256_of(int8_path(candidate.path))
                sizes = {camera["size"]: None for camera in result["cameras"].values() if camera["size"]}
                report["protocol"]["size"] = _joined(sizes)
                report["results"].append(result)
                if measurement.failure is not None:
                    raise measurement.failure
        except SourceNotFound:
            if not (stopped() and report["results"]):
                raise
        finally:
            # What was measured before an error took long, and is worth keeping.
            if report["results"]:
                file.write(to_json(report))
    return report


def _pace(settings: Settings) -> Optional[float]:
    """Return the rate that all cameras are asked for; None where it is not the same."""
    rates = {camera.fps or FPS for camera in settings.cameras}
    return rates.pop() if len(rates) == 1 else None


def _refuse_what_has_no_pace(session: Session, settings: Settings) -> None:
    for lane, camera in zip(session.lanes, settings.cameras):
        if not lane.live:
            raise UsageError(
                f"{mask(camera.source)} keeps no pace: it is read as fast as its images are analysed.",
                "Leave out --paced, or give the demo or a camera.",
            )


def _facts(settings: Settings, model: Path, threads: int) -> Dict[str, Any]:
    return {
        "sha256": sha256_of(model),
        "threads": threads,
        "detect_threads": settings.analysis.detect_threads,
        "rss_peak_mb": resident_peak_mb(),
        **describe_heat(),
    }


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _reporter(model: str, progress: Callable[[str], None]) -> Callable[[str, float], None]:
    last = -1.0

    def report(phase: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 0.5:
            last = now
            progress(f"{model}: {phase} {min(share, 1.0):4.0%}")

    return report
