"""From a measurement to the figures that programs read."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Dict, List, Mapping, Optional, Sequence

from fer_edge.benchmark.scenario import MeasuredCamera, MeasuredStage, Measurement, Sample
from fer_edge.errors import GateMissed
from fer_edge.pipeline.meter import per_second, percentile
from fer_edge.types import FrameBalance

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
        What else belongs to the entry: sha256, threads, peak memory.
    """
    samples, elapsed = measurement.samples, measurement.elapsed
    cameras = measurement.cameras
    whole = _Part(measurement.stages, samples, _added([camera.finished for camera in cameras.values()]), elapsed)
    processor = measurement.processor
    # Of two stages that tell the same of themselves, the later one is nearer to the result.
    told = {key: value for stage in measurement.stages for key, value in stage.facts.items()}
    totals = {name: _camera(measurement, name) for name in cameras}
    return {
        "model": model,
        "params": told.get("params"),
        "precision": told.get("precision"),
        "provider": told.get("provider"),
        "fps": whole.fps(),
        "latency_ms": whole.latency(),
        "stages": {stage.name: {**whole.stage(stage), **stage.facts} for stage in measurement.stages},
        "frames": asdict(_sum([camera.balance for camera in cameras.values()])),
        "faces_per_frame": whole.faces_per_frame(),
        "cpu_ms_per_frame": _rounded(processor.seconds / len(samples) * 1e3),
        "cpu_ms_per_frame_by": {who: _rounded(took / len(samples) * 1e3) for who, took in processor.by.items()} or None,
        "cores_busy": _rounded(processor.seconds / elapsed),
        # Frames over the same seconds as the work on them: the gaps that FPS total is of may span less time.
        "share_of_machine": _rounded(processor.seconds / elapsed / measurement.cores),
        "share_of_slowest_stage": _rounded(whole.share_of_slowest_stage()),
        "wake_ups_per_frame": _per(processor.wake_ups, len(samples)),
        "wake_ups_per_second": _per(processor.wake_ups, elapsed),
        "live": any(camera.live for camera in cameras.values()),
        "cameras": totals,
        "slowest_camera_to_mean": _slowest([camera["fps"]["total"] or 0.0 for camera in totals.values()]),
        "incidents": {**asdict(measurement.incidents), "reconnects": _reconnects(cameras)},
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


@dataclass(frozen=True)
class _Part:
    """The frames of a camera, or of all, and what their figures come to."""

    stages: Sequence[MeasuredStage]
    samples: Sequence[Sample]
    finished: Mapping[str, int]
    elapsed: float

    @property
    def total(self) -> float:
        return _rate([sample.emitted_at for sample in self.samples])

    def fps(self) -> Dict[str, Optional[float]]:
        means = {stage.name: self._mean(stage.name) for stage in self.stages}
        named = [stage for stage in reversed(self.stages) if stage.figure]
        return {
            "total": _rounded(self.total),
            **{stage.figure: _rounded(stage.threads * _capacity(means[stage.name])) for stage in named},
            "sequential": _rounded(_capacity(sum(means.values()))),
            **{f"{stage.figure}_achieved": _rounded(self._finished(stage.name) / self.elapsed) for stage in named},
        }

    def share_of_slowest_stage(self) -> float:
        """Return FPS total as a share of what the slowest stage could do with its threads."""
        means = [self._mean(stage.name) / stage.threads for stage in self.stages]
        return self.total * max((mean for mean in means if not math.isnan(mean)), default=math.nan)

    def latency(self) -> Dict[str, Optional[float]]:
        latencies = [sample.latency * 1e3 for sample in self.samples]
        return {f"p{percent}": _rounded(percentile(latencies, percent)) for percent in (50, 90, 99)}

    def faces_per_frame(self) -> Optional[float]:
        return _rounded(_mean([sample.faces for sample in self.samples]))

    def stage(self, stage: MeasuredStage) -> Dict[str, Any]:
        times = [sample.times[stage.name] for sample in self.samples if stage.name in sample.times]
        service = [time.service * 1e3 for time in times]
        mean = _mean(service)
        busy = mean / 1e3 * self._finished(stage.name) / (self.elapsed * stage.threads)
        return {
            "threads": stage.threads,
            "mean_ms": _rounded(mean, 4),
            **{f"p{percent}_ms": _rounded(percentile(service, percent)) for percent in (50, 90, 99)},
            "utilisation": _rounded(min(1.0, busy), 4),
            "queue_wait_ms": _rounded(_mean([time.queue_wait * 1e3 for time in times])),
        }

    def _mean(self, stage: str) -> float:
        return _mean([sample.times[stage].service for sample in self.samples if stage in sample.times])

    def _finished(self, stage: str) -> int:
        return self.finished.get(stage, 0)


def _camera(measurement: Measurement, name: str) -> Dict[str, Any]:
    camera = measurement.cameras[name]
    samples = [sample for sample in measurement.samples if sample.camera == name]
    part = _Part(measurement.stages, samples, camera.finished, measurement.elapsed)
    source = camera.source
    return {
        "source": source.name if source is not None else None,
        "size": f"{source.width}x{source.height}" if source is not None else None,
        "fps": part.fps(),
        "latency_ms": part.latency(),
        "frames": asdict(camera.balance),
        "faces_per_frame": part.faces_per_frame(),
        "trouble": camera.trouble or None,
    }


def _slowest(totals: Sequence[float]) -> Optional[float]:
    mean = _mean(totals)
    return _rounded(min(totals) / mean) if mean > 0 else None


def _reconnects(cameras: Mapping[str, MeasuredCamera]) -> Dict[str, int]:
    return {name: camera.reconnects for name, camera in cameras.items() if camera.reconnects}


def _added(counts: Sequence[Mapping[str, int]]) -> Dict[str, int]:
    names = dict.fromkeys(name for one in counts for name in one)
    return {name: sum(one.get(name, 0) for one in counts) for name in names}


def _sum(balances: Sequence[FrameBalance]) -> FrameBalance:
    columns = zip(*((one.captured, one.emitted, one.dropped, one.in_flight) for one in balances))
    return FrameBalance(*map(sum, columns))


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else math.nan


def _capacity(mean: float) -> float:
    return math.nan if math.isnan(mean) else per_second(mean)


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


def _per(count: Optional[int], amount: float) -> Optional[float]:
    return None if count is None else _rounded(count / amount, 1)


def _rounded(value: float, digits: int = 3) -> Optional[float]:
    return round(value, digits) if math.isfinite(value) else None
