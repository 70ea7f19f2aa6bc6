"""From a measurement to the figures that people and programs read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any, Dict, List, Optional, Sequence

from fer_edge.benchmark.scenario import Measurement
from fer_edge.errors import GateMissed
from fer_edge.pipeline.meter import per_second, percentile
from fer_edge.system.table import table_lines

STAGES = ("capture", "detect", "classify")
STABLE_SPREAD = 0.10
"""The FPS of the three thirds of a run may differ by this share before the run is called unstable."""


def result_of(measurement: Measurement, model: str, facts: Dict[str, Any]) -> Dict[str, Any]:
    """Return one entry of the report's ``results``.

    Parameters
    ----------
    measurement : Measurement
        One model's run.
    model : str
        Its name as the user gave it.
    facts : dict
        What else belongs to the entry: sha256, precision, threads, peak memory.
    """
    samples, elapsed = measurement.samples, measurement.elapsed
    total = _rate([sample.emitted_at for sample in samples])
    stages = {stage: _stage(measurement, stage) for stage in STAGES}
    means = {stage: figures["mean_ms"] / 1e3 for stage, figures in stages.items()}
    latencies = [sample.latency * 1e3 for sample in samples]
    return {
        "model": model,
        "params": measurement.spec.parameters,
        "fps": {
            "total": _rounded(total),
            "classification": _rounded(per_second(means["classify"])),
            "detection": _rounded(per_second(means["detect"])),
            "sequential": _rounded(per_second(sum(means.values()))),
            "classification_achieved": _rounded(measurement.finished["classify"] / elapsed),
            "detection_achieved": _rounded(measurement.finished["detect"] / elapsed),
        },
        "latency_ms": {f"p{percent}": _rounded(percentile(latencies, percent)) for percent in (50, 90, 99)},
        "stages": stages,
        "frames": asdict(measurement.balance),
        "faces_per_frame": _rounded(sum(sample.faces for sample in samples) / len(samples)),
        "measured_s": _rounded(elapsed),
        "cold_start_s": _rounded(measurement.cold_start),
        "spread_of_thirds": _rounded(_spread([sample.emitted_at for sample in samples])),
        **facts,
    }


def check_gates(results: Sequence[Dict[str, Any]], min_fps: Optional[float], max_p90_ms: Optional[float]) -> None:
    """Compare every result with the caller's limits. Raises GateMissed that names what was missed."""
    missed: List[str] = []
    for result in results:
        total, latency = result["fps"]["total"], result["latency_ms"]["p90"]
        if min_fps is not None and not (total or 0) >= min_fps:
            missed.append(f"{result['model']}: FPS total {total} is under {min_fps:g}")
        if max_p90_ms is not None and not (latency is not None and latency <= max_p90_ms):
            missed.append(f"{result['model']}: latency p90 {latency} ms is over {max_p90_ms:g} ms")
    if missed:
        raise GateMissed(
            "; ".join(missed) + ".",
            "Loosen the limit, or find what slowed it down: the stage with the highest utilisation.",
        )


def to_json(report: Dict[str, Any]) -> str:
    """Return the whole report as JSON; a figure that cannot be given is null."""
    return json.dumps(report, indent=2, allow_nan=False) + "\n"


def to_text(report: Dict[str, Any]) -> str:
    """Return the whole report for people: the paper's columns first, then what is behind them."""
    results = report["results"]
    lines = [
        _table(
            ["model", "parameters", "FPS total", "FPS class", "FPS detection", "sequential", "total/sequential"],
            [
                [
                    result["model"],
                    f"{result['params']:,}" if result["params"] else "unknown",
                    _number(result["fps"]["total"]),
                    _number(result["fps"]["classification"]),
                    _number(result["fps"]["detection"]),
                    _number(result["fps"]["sequential"]),
                    _number(_ratio(result["fps"]["total"], result["fps"]["sequential"]), 2),
                ]
                for result in results
            ],
        ),
        "FPS class and detection are capacities, 1 / mean service time of a frame; sequential is 1 / their sum with capture.",
    ]
    for result in results:
        lines += ["", *_details(result)]
    lines += ["", "measured on"]
    lines += [f"  {key:18} {_plain(value)}" for key, value in report["environment"].items()]
    lines += [f"  {key:18} {_plain(value)}" for key, value in report["protocol"].items() if value is not None]
    return "\n".join(lines) + "\n"


def _details(result: Dict[str, Any]) -> List[str]:
    latency, frames = result["latency_ms"], result["frames"]
    rows = [
        [stage, *(_number(figures[key], 2) for key in ("mean_ms", "p50_ms", "p90_ms", "p99_ms", "queue_wait_ms"))]
        + [f"{100 * figures['utilisation']:.0f} %"]
        for stage, figures in result["stages"].items()
    ]
    spread = result["spread_of_thirds"]
    verdict = "unknown" if spread is None else "stable" if spread <= STABLE_SPREAD else "UNSTABLE, do not quote"
    return [
        f"{result['model']}  (sha256 {result['sha256'][:16]}..., {result['precision']}, {result['provider']}, "
        f"{result['threads']} thread(s) to classify, {result['detect_threads']} to detect)",
        _table(["stage", "mean ms", "p50", "p90", "p99", "queue wait", "utilisation"], rows),
        f"latency capture to emit: p50 {_number(latency['p50'], 2)}  p90 {_number(latency['p90'], 2)}  "
        f"p99 {_number(latency['p99'], 2)} ms;  {result['faces_per_frame']:.2f} faces per frame",
        f"frames: {frames['captured']} captured = {frames['emitted']} emitted + {frames['dropped']} dropped "
        f"+ {frames['in_flight']} in flight;  peak memory {_plain(result['rss_peak_mb'])} MB;  "
        f"first observation after {_number(result['cold_start_s'], 2)} s",
        f"the three thirds of the run differ by {_percent(spread)}: {verdict};  {_heat(result)}",
    ]


def _heat(result: Dict[str, Any]) -> str:
    degrees, slowed = result["temperature_c"], result["slowed_by_heat"]
    warm = "temperature unknown" if degrees is None else f"{degrees:.0f} degrees at the end"
    return warm + (", SLOWED DOWN BY HEAT" if slowed else "")


def _stage(measurement: Measurement, stage: str) -> Dict[str, Any]:
    times = [sample.times[stage] for sample in measurement.samples]
    service = [time.service * 1e3 for time in times]
    mean = sum(service) / len(service)
    return {
        "mean_ms": round(mean, 4),
        **{f"p{percent}_ms": _rounded(percentile(service, percent)) for percent in (50, 90, 99)},
        "utilisation": round(min(1.0, mean / 1e3 * measurement.finished[stage] / measurement.elapsed), 4),
        "queue_wait_ms": _rounded(sum(time.queue_wait for time in times) / len(times) * 1e3),
    }


def _rate(stamps: Sequence[float]) -> float:
    return per_second((stamps[-1] - stamps[0]) / (len(stamps) - 1)) if len(stamps) > 1 else math.nan


def _spread(stamps: Sequence[float]) -> float:
    third = (stamps[-1] - stamps[0]) / 3
    if third <= 0 or len(stamps) < 30:
        return math.nan
    counts = [0, 0, 0]
    for stamp in stamps:
        counts[min(2, int((stamp - stamps[0]) / third))] += 1
    return (max(counts) - min(counts)) / sorted(counts)[1]


def _rounded(value: float) -> Optional[float]:
    return round(value, 3) if math.isfinite(value) else None


def _ratio(one: Optional[float], other: Optional[float]) -> Optional[float]:
    return one / other if one is not None and other else None


def _number(value: Optional[float], digits: int = 1) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def _percent(value: Optional[float]) -> str:
    return "n/a" if value is None else f"{100 * value:.1f} %"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "unknown" if value is None else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = table_lines([head, *rows], right=range(1, len(head)))
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
